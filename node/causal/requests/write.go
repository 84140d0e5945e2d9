package requests

import (
	"bytes"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// write gives a write its version, stores the item and starts its broadcast (docs/causal.md
// §3.2). The client is answered when the write is durable and its flight is over: all awaited
// replicas have acknowledged it, or 30 ms have passed. A change of the view ends the flight.
func (r *Requests) write(q *request, old *wire.Item) {
	if q.id != (ids.Request{}) && r.settle(q) {
		return
	}
	r.waiting.Remove(q)
	item := &wire.Item{
		Key: q.op.Key, Deleted: q.op.Kind == wire.OpDelete, Value: q.op.Value, ContentType: q.op.ContentType,
		Deps: r.compactor().Bound(r.satisfied.Deps(&q.context, q.hash, old), r.limits.Deps, version.MaxDepsBytes), ID: q.id,
	}
	item.Deps.Exact = slices.Clone(item.Deps.Exact) // the item stays, and must not hold the entries that were folded
	item.Deps = footprint.Tight(&item.Deps)
	item.Deps.Vector = r.items.Shared(item.Deps.Vector)
	if q.incoming != nil {
		item.Key, item.Value = strings.Clone(item.Key), bytes.Clone(item.Value) // nor the message that brought the write
	}
	item.Version.Counter = 1 + r.satisfied.CounterBelow(&q.context, q.op.Key, old)
	q.existed = old != nil && !old.Deleted
	own := &r.streams.Own
	own.Append(item)
	r.items.Put(q.hash, item, old)
	r.results.Remember(item, true, q.existed)
	n, view := own.Last(), r.view.ID()
	r.step.Change.Live = append(r.step.Change.Live, wire.Position{Stream: own.ID(), N: n})
	r.waiting.Note(item.Key)
	c := version.With(&q.context, q.hash, item.Version)
	seq := r.step.Commit()
	r.step.After(seq, func() {
		inFlight := r.view.ID() == view
		r.ownDurable(view, n)
		r.WakeKeys()
		if !inFlight || own.Over(n) {
			r.answer(q, seq, item, c)
			return
		}
		own.Wait(n, func() { r.answer(q, seq, item, c) })
	})
}

// settle ends a write that must not be applied here, and reports whether there was reason to.
// Either the write was applied before, here or at another owner, and gets the same result
// (I11). Or it is finished: its forwarder waits no longer, or its result had to go for want
// of room. In the latter case a client of this node is told *unknown*, never failed (I12).
func (r *Requests) settle(q *request) bool {
	t, fate := r.results.Fate(q.id)
	switch {
	case fate == forward.Finished && q.incoming == nil: // its result had to go for want of room
		r.waiting.Remove(q)
		r.reply(q, core.InDoubt, nil)
	case fate == forward.Finished:
		r.step.Event(core.Event{Kind: EventForwardFinished, Peer: q.id.Node})
		r.waiting.Remove(q)
		r.Incoming.answer(q.incoming, &wire.CausalForwardReply{Fate: wire.ForwardFinished}, 0)
	case fate == forward.Done && t.Hash == q.hash:
		r.step.Event(core.Event{Kind: EventForwardRepeated, Peer: q.id.Node})
		q.existed = t.Existed
		item := &wire.Item{Key: q.op.Key, Version: t.Version, Deleted: t.Deleted}
		r.answer(q, r.step.LastWrite(), item, version.With(&q.context, q.hash, t.Version))
	default:
		return false
	}
	return true
}
