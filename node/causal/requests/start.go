package requests

import (
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// start refuses a request, forwards it to an owner, lets it wait, or carries it out. It is called
// again whenever the request is woken, and decides by the present state alone. The argument
// stored is the item that the store has for the key; nil: none, or not needed.
func (r *Requests) start(q *request, stored *wire.Item) {
	switch {
	case q.gone:
	case q.incoming != nil && r.Incoming.outdated(q.incoming):
		r.Incoming.drop(q.incoming) // this node was stopped for a while, and the forwarder may have asked another owner
	case r.view.Closed(), q.incoming != nil && !r.view.OfOurGroup(q.incoming.view):
		r.refuse(q)
	case q.kind == listing:
		r.tryList(q)
	case !r.view.Owns(q.at):
		r.elsewhere(q)
	case !r.slots.At(q.at).Ready() && !r.unreadyAllowed(q):
		r.whileUnready(q)
	case q.kind == writing:
		r.write(q, r.items.Current(q.op.Key, stored))
	default:
		r.tryRead(q, r.items.Current(q.op.Key, stored))
	}
}

// whileUnready asks other nodes for the key of a request, once. Then the request waits for
// the slot to be ready.
func (r *Requests) whileUnready(q *request) {
	if !q.asked && !q.asking {
		r.Questions.ask(q)
		return
	}
	r.wait(q)
}

// unreadyAllowed reports whether a request may go on although its slot is not ready. A ready
// holder has answered for the key: a read is served that item, and a write is above it.
func (r *Requests) unreadyAllowed(q *request) bool {
	if q.kind == writing {
		return q.vouched
	}
	return q.found
}

// tryRead answers a read of a ready slot, or of a key for which a ready holder has answered.
// The read waits while its context names a newer version of the key that is not satisfied,
// or while the folded part is not satisfied (I14; docs/causal.md §3.1).
func (r *Requests) tryRead(q *request, item *wire.Item) {
	s := r.slots.At(q.at)
	want := version.Named(&q.context, q.hash)
	behind := (item == nil || version.Wins(want, item.Version)) && r.satisfied.Behind(&q.context, q.hash)
	if behind || !r.satisfied.Folded(&q.context, q.at) {
		q.looked = behind
		r.wait(q)
		return
	}
	if item != nil && version.Wins(want, item.Version) && r.slots.Durable(s, want.Dot.Stream, want.Dot.N) {
		item = nil // the named version was deleted and collected; the writer of the stored one did not know of that
	}
	c := q.context
	if item != nil {
		c = version.Seen(&q.context, item, r.slots.IsLost)
	}
	r.answer(q, s.Written(), item, c)
}

// elsewhere forwards a request to an owner of its slot. A request that was forwarded here is
// refused instead, and its forwarder chooses again: no request is forwarded twice in a row.
func (r *Requests) elsewhere(q *request) {
	if q.incoming != nil {
		r.refuse(q)
		return
	}
	r.waiting.Remove(q)
	r.Outgoing.forward(q)
}

// refuse ends a request that this node may not serve: *elsewhere* to a forwarder, 503 to a
// client. A write that was sent to an owner is forwarded on instead.
func (r *Requests) refuse(q *request) {
	r.waiting.Remove(q)
	if q.incoming != nil {
		r.Incoming.answer(q.incoming, &wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, r.step.LastWrite())
		return
	}
	if q.kind == writing && q.id != (ids.Request{}) {
		r.Outgoing.forward(q) // an owner may have applied the write, so 503 would be wrong (I12)
		return
	}
	r.reply(q, core.NotInView, nil)
}

// serveLocally serves a request that was forwarded, because this node owns its slot by now. A
// write keeps its id, so an owner that has applied it and this node do not both apply it if
// one has heard of the other's item.
func (r *Requests) serveLocally(q *request) {
	q.asked, q.vouched, q.found = false, false, false
	if !r.slots.At(q.at).Ready() {
		r.start(q, nil)
		return
	}
	r.wait(q)
	r.again(q)
}
