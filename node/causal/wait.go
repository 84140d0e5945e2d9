package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/causal/waiting"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// wait lists a request as one that waits. It is looked at again when its key is merged,
// when K or readiness of its slot grows, and when the view changes.
func (r *Replica) wait(q *request) {
	if r.waiting.Add(q, q.op.Key) {
		r.box.Event(core.Event{Kind: EventWaits})
	}
	r.requestMissingInfo()
}

// wakeKeys looks at the requests that wait for keys which were merged: that is durable.
func (r *Replica) wakeKeys() {
	for _, q := range r.waiting.Noted() {
		if r.waiting.Has(q) {
			q.looked = false // what was found then is not what the key holds
			r.again(q)
		}
	}
}

// wakeAll looks at all requests that wait, but for those that wait for a merge of their
// key.
func (r *Replica) wakeAll() {
	for _, q := range r.waiting.All() {
		if r.waiting.Has(q) && !(q.looked && r.owns(q.at) && r.slots.At(q.at).Ready() && r.behind(q)) {
			r.again(q)
		}
	}
}

// behind reports that a context names a version of the key itself that K does not
// cover. Only a merge of the key, or K, helps.
func (r *Replica) behind(q *request) bool {
	want := version.Named(&q.context, q.hash)
	behind := !want.IsZero() && !r.slots.Satisfied(r.slots.At(q.at), want.Dot.Stream, want.Dot.N)
	if behind {
		r.suspect(want.Dot.Stream)
	}
	return behind
}

// again looks at a request once more. What it lacks is looked at first, because to
// read its key costs more.
func (r *Replica) again(q *request) {
	switch {
	case q.kind == listing || r.closed() || !r.owns(q.at):
		r.start(q, nil)
	case q.reading || !r.slots.At(q.at).Ready() && !r.unreadyAllowed(q):
	case q.kind == reading && !r.foldedSatisfied(&q.context, q.at):
	default:
		q.reading = true
		r.read(q.op.Key, func(current *wire.Item) {
			q.reading = false
			if r.waiting.Has(q) {
				r.start(q, current) // else it went another way meanwhile
			}
		})
	}
}

// reroute looks at all requests after the view has changed: some slots are others'
// now.
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
		if q.kind == listing || r.closed() || !r.owns(q.at) || !r.slots.At(q.at).Ready() {
			r.waiting.Remove(q)
			r.start(q, nil)
			continue
		}
		r.again(q)
	}
	r.rerouteForwards()
}

// OnLeftBehind answers everybody: this node takes no requests any more.
func (r *Replica) OnLeftBehind() {
	if !r.closed() {
		return
	}
	r.reroute()
	r.beginHandoffs()
}

// askKey asks all nodes that may hold a slot for a key, on behalf of a request.
func (r *Replica) askKey(q *request) {
	q.asking = true
	if r.questions.Join(q.op.Key, q) {
		return
	}
	session := r.session()
	var nodes []ids.Node
	for _, p := range r.peers {
		if r.reachable(p) {
			nodes = append(nodes, p.id)
			r.request(p.id, &wire.KeyRequest{Session: session, Key: q.op.Key, Births: r.births()})
		}
	}
	a := r.questions.Ask(session, q.op.Key, q, nodes, r.now)
	r.alarm(a.Until)
	if a.Complete() {
		r.endQuestion(a, false, false)
	}
}

// OnKeyRequest says what is held of a key.
func (r *Replica) OnKeyRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.KeyRequest, stored []*wire.Item) {
	r.sign(h)
	if len(stored) != 1 {
		return
	}
	s := r.slots.Of(hashing.Hash(m.Key))
	reply := &wire.KeyReply{Session: m.Session, Key: m.Key, Held: s.Held(), Ready: s.Held() && s.Ready(), GCCounter: s.GCCounter()}
	if item := r.overlay.current(m.Key, stored[0]); item != nil && s.Held() {
		reply.Present, reply.Item = true, *item
	}
	r.box.PostAfter(s.Written(), core.Envelope{To: h.From, Answer: replyTo, Message: reply})
}

// OnKeyReply takes in what another node holds of a key.
func (r *Replica) OnKeyReply(h wire.Header, m *wire.KeyReply, stored []*wire.Item) {
	r.sign(h)
	if !r.credible(h.From, m) {
		return
	}
	a := r.questions.Find(m.Session, m.Key, h.From)
	if a == nil || len(stored) != 1 {
		return
	}
	at := r.slots.Space().Slot(hashing.Hash(m.Key))
	if r.slots.At(at).Owned() && m.Present && m.Item.Key == m.Key && r.merge(&m.Item, stored[0]) {
		r.waiting.Note(m.Key)
	}
	if m.Ready {
		r.slots.RaiseGCCounter(at, m.GCCounter)
	}
	r.after(r.commit(), r.wakeKeys)
	if a.Answered(h.From) || m.Ready {
		r.endQuestion(a, m.Ready, m.Ready && m.Present)
	}
}

// endQuestion goes on with the requests on whose behalf a question was asked.
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

func (r *Replica) tickQuestions() {
	for _, a := range r.questions.Open() {
		if r.now >= a.Until {
			r.endQuestion(a, false, false)
		} else {
			r.alarm(a.Until)
		}
	}
}
