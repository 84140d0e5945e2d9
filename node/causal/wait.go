package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/waiting"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// wait lists a request as one that waits. The request is tried again when its key is
// merged, when K or readiness of any slot grows, and when the view changes (docs/causal.md
// §3.4). A missed occasion would leave the client waiting until its timeout.
func (r *Replica) wait(q *request) {
	if r.waiting.Add(q, q.op.Key) {
		r.step.Event(core.Event{Kind: EventWaits})
	}
	r.info.AskMissing()
}

// wakeKeys tries the requests again whose keys were merged. The caller has waited until the
// merges are durable.
func (r *Replica) wakeKeys() {
	for _, q := range r.waiting.Noted() {
		if r.waiting.Has(q) {
			q.looked = false // the key holds another item than the one that was looked at
			r.again(q)
		}
	}
}

// wakeAll tries all waiting requests again, because K, readiness or knowledge of views has
// grown. A request that was already looked at, and whose slot still lacks the version that
// its context names, is left out: only a merge of the key, or K, can end that wait.
func (r *Replica) wakeAll() {
	for _, q := range r.waiting.All() {
		if r.waiting.Has(q) && !(q.looked && r.view.Owns(q.at) && r.slots.At(q.at).Ready() && r.satisfied.Behind(&q.context, q.hash)) {
			r.again(q)
		}
	}
}

// again tries a request once more. Checks that need no item come first, because a read of
// the store costs more.
func (r *Replica) again(q *request) {
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

// reroute tries all requests again after the view has changed: this node may own other
// slots, and answers about slots that were not ready are void.
func (r *Replica) reroute() {
	for _, a := range r.questions.Open() {
		r.questions.Close(a)
		for _, q := range a.Requests {
			q.asking = false
			r.wait(q)
		}
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
	r.rerouteForwards()
}

// OnLeftBehind is called when a member of this view went on without this node. Clients get
// 503 from then on, and everything that is held here is offered to its owners.
func (r *Replica) OnLeftBehind() {
	if !r.view.Closed() {
		return
	}
	r.reroute()
	r.beginHandoffs()
}

// askKey asks all reachable peers for the key of a request whose slot is not ready
// (docs/causal.md §7.5, rule 6). Requests for one key share one question.
func (r *Replica) askKey(q *request) {
	q.asking = true
	if r.questions.Join(q.op.Key, q) {
		return
	}
	session := r.step.Session()
	var nodes []ids.Node
	for _, p := range r.peers.All() {
		if r.peers.Reachable(p) {
			nodes = append(nodes, p.ID)
			r.step.Ask(p.ID, &wire.KeyRequest{Session: session, Key: q.op.Key, Births: r.view.Births()})
		}
	}
	a := r.questions.Ask(session, q.op.Key, q, nodes, r.step.Now())
	r.step.Alarm(a.Until)
	if a.Complete() {
		r.endQuestion(a, false, false)
	}
}

// OnKeyRequest answers with what this node holds of a key, once that is durable here.
func (r *Replica) OnKeyRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.KeyRequest, stored []*wire.Item) {
	if len(stored) != 1 {
		return
	}
	s := r.slots.Of(hashing.Hash(m.Key))
	reply := &wire.KeyReply{Session: m.Session, Key: m.Key, Held: s.Held(), Ready: s.Held() && s.Ready(), GCCounter: s.GCCounter()}
	if item := r.items.Current(m.Key, stored[0]); item != nil && s.Held() {
		reply.Present, reply.Item = true, *item
	}
	r.step.PostAfter(s.Written(), core.Envelope{To: h.From, Answer: replyTo, Message: reply})
}

// OnKeyReply merges another node's item of a key. Only the answer of a ready holder lets
// the request go on: other holders may lack a newer version. The GC counter of a ready
// holder comes along, so that a write is above what was collected there (I13).
func (r *Replica) OnKeyReply(h wire.Header, m *wire.KeyReply, stored []*wire.Item) {
	if !r.guard.Credible(h.From, m) {
		return
	}
	a := r.questions.Find(m.Session, m.Key, h.From)
	if a == nil || len(stored) != 1 {
		return
	}
	at := r.slots.Space().Slot(hashing.Hash(m.Key))
	if r.slots.At(at).Owned() && m.Present && m.Item.Key == m.Key && r.items.Merge(&m.Item, stored[0]) {
		r.waiting.Note(m.Key)
	}
	if m.Ready {
		r.slots.RaiseGCCounter(at, m.GCCounter)
	}
	r.step.After(r.step.Commit(), r.wakeKeys)
	if a.Answered(h.From) || m.Ready {
		r.endQuestion(a, m.Ready, m.Ready && m.Present)
	}
}

// endQuestion closes a question and tries its requests again. vouched says that a ready
// holder has answered, found that its answer had an item.
func (r *Replica) endQuestion(a *waiting.Question[*request], vouched, found bool) {
	r.questions.Close(a)
	for _, q := range a.Requests {
		q.asking, q.asked = false, true
		q.vouched, q.found = q.vouched || vouched, q.found || found
		if q.gone {
			continue
		}
		r.wait(q)
		r.again(q)
	}
}

// tickQuestions closes the questions whose time is over: their requests go on waiting for the slot
// to be ready.
func (r *Replica) tickQuestions() {
	for _, a := range r.questions.Open() {
		if r.step.Now() >= a.Until {
			r.endQuestion(a, false, false)
		} else {
			r.step.Alarm(a.Until)
		}
	}
}
