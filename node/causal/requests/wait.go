package requests

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// wait lists a request as one that waits. The request is tried again when its key is
// merged, when K or readiness of any slot grows, and when the view changes (docs/causal.md
// §3.4). A missed occasion would leave the client waiting until its timeout.
func (r *Requests) wait(q *request) {
	if r.waiting.Add(q, q.op.Key) {
		r.step.Event(core.Event{Kind: EventWaits})
	}
	r.askMissing()
}

// again tries a request once more. Checks that need no item come first, because a read of
// the store costs more.
func (r *Requests) again(q *request) {
	switch {
	case q.kind == listing || r.view.Closed() || !r.view.Owns(q.at):
		r.start(q, nil)
	case q.reading || !r.slots.At(q.at).Ready() && !r.unreadyAllowed(q):
	case q.kind == reading && !r.satisfied.Folded(&q.context, q.at):
	default:
		q.reading = true
		r.items.Read(q.op.Key, func(current *wire.Item) {
			q.reading = false
			if r.waiting.Has(q) {
				r.start(q, current) // otherwise the request was answered or forwarded meanwhile
			}
		})
	}
}

// WakeKeys tries the requests again whose keys were merged. The caller has waited until the
// merges are durable.
func (r *Requests) WakeKeys() {
	for _, q := range r.waiting.Noted() {
		if r.waiting.Has(q) {
			q.looked = false // the key holds another item than the one that was looked at
			r.again(q)
		}
	}
}

// WakeAll tries all waiting requests again, because K, readiness or knowledge of views has
// grown. A request that was already looked at, and whose slot still lacks the version that
// its context names, is left out: only a merge of the key, or K, can end that wait.
func (r *Requests) WakeAll() {
	for _, q := range r.waiting.All() {
		if r.waiting.Has(q) && !(q.looked && r.view.Owns(q.at) && r.slots.At(q.at).Ready() && r.satisfied.Behind(&q.context, q.hash)) {
			r.again(q)
		}
	}
}

// Reroute tries all requests again after the view has changed: this node may own other
// slots, and answers about slots that were not ready are void.
func (r *Requests) Reroute() {
	for _, q := range r.Questions.drop() {
		q.asking = false
		r.wait(q)
	}
	for _, q := range r.waiting.All() {
		if !r.waiting.Has(q) {
			continue
		}
		q.asked, q.vouched, q.found, q.looked = false, false, false, false
		if q.kind == listing || r.view.Closed() || !r.view.Owns(q.at) || !r.slots.At(q.at).Ready() {
			r.waiting.Remove(q)
			r.start(q, nil)
			continue
		}
		r.again(q)
	}
	r.Outgoing.reroute()
}

// Note notes that a key was merged. WakeKeys is due when the merge is durable.
func (r *Requests) Note(key string) { r.waiting.Note(key) }

// Waiting is how many requests wait.
func (r *Requests) Waiting() int { return r.waiting.Len() }

// leave ends the wait of a request.
func (r *Requests) leave(q *request) { r.waiting.Remove(q) }
