package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
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
	list := r.slots.valid(m.Slots)
	if !m.Survey && len(list) > 0 {
		r.requesters.noteRequest(h, r.now)
	}
	reply := &wire.Digest{
		Session: m.Session, View: r.viewID(), Layout: r.layout, Removals: r.removals(), Revision: r.slots.revision, Frozen: r.closed(),
		Descends: r.view != nil && r.view.Descends(h.View),
		Unsynced: r.unsynced(), StableCut: r.stableCutSum(), Ended: r.boots.endedBoots(), GCCounter: r.collector.Counter, Former: r.formerFor(h.View),
		Heard: r.heardAt(h.View), Acked: r.requesters.ackedAt(h.View, r.slots.revision), Requesting: r.requesters.asking(h.View, r.now),
		Held: r.holdings(list), Forgotten: r.forgottenList(),
	}
	if !m.Survey && len(reply.Held.Held) > 0 {
		reply.Groups = r.differing(list, m.Sums)
	}
	// Sums may count items, and K may rest on writes, that are not durable yet.
	r.respond(h.From, replyTo, reply)
}

// holdings is what is held of slots, as others are told when all that is written is
// durable.
func (r *Replica) holdings(list []wire.SlotRange) wire.Holdings {
	j := &version.Joiner{}
	var w holdingsWriter
	for at := range each(list) {
		if s := &r.slots.all[at]; s.held {
			w.add(at, r.knowledge(s, j), s.ready, s.gcCounter)
		}
	}
	return w.holdings
}

// heardAt is which writes exist, as far as this node knows, for a node in another view.
// A node in this view hears it with the slots that it requests.
func (r *Replica) heardAt(view ids.View) wire.Vector {
	if r.view != nil && view == r.view.ID {
		return nil
	}
	var heard, last wire.Vector
	for i := range r.slots.all {
		if s := &r.slots.all[i]; s.held && !version.Same(s.known, last) { // slots that lie together are alike
			last = s.known
			heard = version.Join(heard, last)
		}
	}
	if r.view != nil && r.slots.owned > 0 {
		heard = version.Join(heard, r.streams.Vector(r.slots.unready < r.slots.owned))
	}
	return heard
}

// unsynced reports that data may still be on its way here, or may come from former
// members.
func (r *Replica) unsynced() bool {
	return r.view == nil || !r.synced || r.slots.unready > 0 || r.hasFormer()
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

// differing has the sums of the slots of those groups whose sum is not the asker's.
func (r *Replica) differing(list []wire.SlotRange, theirs []wire.Sum) []wire.GroupSums {
	ours := r.groupSums(list)
	var out []wire.GroupSums
	group, i := ^uint32(0), -1
	for at := range each(list) {
		if g := r.groupOf(at); g != group {
			group = g
			i++
			if i >= len(theirs) || theirs[i] != ours[i] {
				out = append(out, wire.GroupSums{Group: g})
			}
		}
		if n := len(out) - 1; n >= 0 && out[n].Group == group {
			out[n].Sums = append(out[n].Sums, r.slots.all[at].sum)
		}
	}
	return out
}

// maxWants bounds the reads of slots that are under way for others; each has one
// open, so more are not from peers that wait.
const maxWants = 256

// removals grows whenever something is removed here: a slot is released, or an item
// dropped. Items of that slot which are read later belong to a later K than the Digest
// before had.
func (r *Replica) removals() uint64 { return r.releases + r.dropped }

// lastRemoval is removals when something was last removed from those slots whose items
// have not all gone out.
func (r *Replica) lastRemoval(list []wire.SlotRange, after wire.SlotCursor) (last uint64) {
	first := hashing.Slot(0)
	if after.Begun {
		first = r.slots.space.Slot(after.Hash)
	}
	for at := range each(list) {
		if at >= first {
			last = max(last, r.slots.all[at].removedAt)
		}
	}
	return last
}

// OnFetchItems sends items.
func (r *Replica) OnFetchItems(h wire.Header, replyTo ids.ReplyTo, m *wire.FetchItems) {
	r.sign(h)
	r.requesters.noteRequest(h, r.now)
	list := r.slots.valid(m.Slots)
	if r.slotReads.open() >= maxWants {
		return
	}
	r.readSlots(list, m.After, func(in *core.SlotsRead) {
		r.respond(h.From, replyTo, &wire.Items{
			Session: m.Session, RemovedAt: r.lastRemoval(list, m.After), After: m.After, GCCounters: r.gcCounters(list, m.After, in),
			Items: r.newest(in.Items), Last: in.Last,
		})
	})
}

// gcCounters are those of the slots whose items were read.
func (r *Replica) gcCounters(list []wire.SlotRange, after wire.SlotCursor, in *core.SlotsRead) []wire.SlotGCCounter {
	first, last := hashing.Slot(0), hashing.Slot(len(r.slots.all))
	if after.Begun {
		first = r.slots.space.Slot(after.Hash)
	}
	if n := len(in.Items); !in.Last && n > 0 {
		last = r.slots.space.Slot(hashing.Hash(in.Items[n-1].Key))
	}
	var counters []wire.SlotGCCounter
	for at := first; at <= last && int(at) < len(r.slots.all); at++ {
		if f := r.slots.all[at].gcCounter; f > 0 && inRanges(list, at) {
			counters = append(counters, wire.SlotGCCounter{Slot: uint32(at), GCCounter: f})
		}
	}
	return counters
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
