package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// OnDigestRequest says what is held here: at any time, in any view and in none, without
// waiting for anybody. Nothing is kept for it.
func (r *Replica) OnDigestRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.DigestRequest) {
	r.sign(h)
	if !r.credible(h.From, m) {
		return
	}
	r.collector.Raise(m.Collecting)
	r.hearForgotten(h.From, m.Forgotten)
	list := slots.Valid(r.slots.Space(), m.Slots)
	if !m.Survey && len(list) > 0 {
		r.requesters.NoteRequest(h, r.now)
	}
	reply := &wire.Digest{
		Session: m.Session, View: r.viewID(), Layout: r.layout, Revision: r.slots.Revision(), Frozen: r.closed(),
		Descends: r.view != nil && r.view.Descends(h.View),
		Unsynced: r.unsynced(), StableCut: r.stableCutSum(), Ended: r.boots.endedBoots(), GCCounter: r.collector.Counter, Former: r.formerFor(h.View),
		Heard: r.heardAt(h.View), Acked: r.requesters.AckedAt(h.View, r.slots.Revision()), Requesting: r.requesters.Asking(h.View, r.now),
		Held: r.slots.Holdings(list), Forgotten: r.forgottenList(),
	}
	if !m.Survey && len(reply.Held.Held) > 0 {
		reply.Groups = r.slots.Differing(list, m.Sums)
	}
	// Sums may count items, and K may rest on writes, that are not durable yet.
	r.respond(h.From, replyTo, reply)
}

// heardAt is which writes exist, as far as this node knows, for a node in another view.
// A node in this view hears it with the slots that it requests.
func (r *Replica) heardAt(view ids.View) wire.Vector {
	if r.view != nil && view == r.view.ID {
		return nil
	}
	return r.slots.Heard()
}

// unsynced reports that data may still be on its way here, or may come from former
// members.
func (r *Replica) unsynced() bool {
	return r.view == nil || !r.synced || r.slots.Unready() > 0 || r.hasFormer()
}

// former lists the former members that have not been drained. A node outside its view
// is asked by members of it, who may not know whom it was with before.
func (r *Replica) former() []wire.Member {
	var list []wire.Member
	for _, p := range r.peers {
		if p.former {
			list = append(list, p.at)
		}
	}
	for _, m := range r.outside {
		if r.view != nil && !r.view.Has(m.ID) {
			list = append(list, m)
		}
	}
	return list
}

// formerFor is what a node in a view is told of former members: the members of this
// node's view may be former members of that one.
func (r *Replica) formerFor(view ids.View) []wire.Member {
	list := r.former()
	if r.view != nil && view != r.view.ID {
		list = append(list, r.view.Layout.Members()...)
	}
	return list
}

func (r *Replica) hasFormer() bool {
	for _, p := range r.peers {
		if p.former {
			return true
		}
	}
	return false
}

// maxWants bounds the reads of slots that are under way for others; each has one
// open, so more are not from peers that wait.
const maxWants = 256

// OnFetchItems sends items.
func (r *Replica) OnFetchItems(h wire.Header, replyTo ids.ReplyTo, m *wire.FetchItems) {
	r.sign(h)
	r.requesters.NoteRequest(h, r.now)
	list := slots.Valid(r.slots.Space(), m.Slots)
	if r.slotReads.open() >= maxWants {
		return
	}
	r.readSlots(list, m.After, func(in *core.SlotsRead) {
		first, last := r.slotsIn(m.After, in)
		r.respond(h.From, replyTo, &wire.Items{
			Session: m.Session, RemovedAt: r.slots.LastRemoval(list, first), After: m.After,
			GCCounters: r.slots.GCCounters(list, first, last), Items: r.newest(in.Items), Last: in.Last,
		})
	})
}

// slotsIn are the first and the last slot whose items a read has had, after a place.
func (r *Replica) slotsIn(after wire.SlotCursor, in *core.SlotsRead) (first, last hashing.Slot) {
	last = hashing.Slot(r.slots.Len() - 1)
	if after.Begun {
		first = r.slots.Space().Slot(after.Hash)
	}
	if n := len(in.Items); !in.Last && n > 0 {
		last = r.slots.Space().Slot(hashing.Hash(in.Items[n-1].Key))
	}
	return first, last
}

// newest puts what was written since items were read in their place. What was
// forgotten since is left out.
func (r *Replica) newest(items []wire.Item) []wire.Item {
	out := items[:0]
	for i := range items {
		if item := r.overlay.current(items[i].Key, &items[i]); item != nil {
			out = append(out, *item)
		}
	}
	return out
}
