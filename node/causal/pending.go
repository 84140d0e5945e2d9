package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// pendingKnowledge is what K of a slot grows to when it is durable.
type pendingKnowledge struct {
	at         hashing.Slot
	releasedAt uint64
	known      wire.Vector
	gcCounter  uint64
	ready      bool // it need not wait for anybody any more
}

// addPending notes that K of a slot grows; writePending writes it. The GC counter is
// raised at once: items below it may be dropped in this step.
func (r *Replica) addPending(at hashing.Slot, known wire.Vector, gcCounter uint64, ready bool) {
	s := &r.slots.all[at]
	s.gcCounter = max(s.gcCounter, gcCounter)
	s.pending = version.Join(s.pending, known)
	r.pendingKnowledge = append(r.pendingKnowledge, pendingKnowledge{at, s.releasedAt, known, gcCounter, ready})
}

// writePending writes what was noted. When it is durable, it counts (I15).
func (r *Replica) writePending() {
	if len(r.pendingKnowledge) == 0 {
		return
	}
	list := r.pendingKnowledge
	r.pendingKnowledge = nil
	slices.SortFunc(list, func(a, b pendingKnowledge) int { return int(a.at) - int(b.at) })
	var w holdingsWriter
	for _, l := range list {
		w.add(l.at, l.known, l.ready || r.slots.all[l.at].ready, l.gcCounter)
	}
	known := w.holdings
	r.change.Known = &known
	view := r.viewID()
	r.after(r.commit(), func() {
		j := &version.Joiner{}
		for _, l := range list {
			s := &r.slots.all[l.at]
			if !s.held || s.releasedAt != l.releasedAt {
				continue
			}
			s.known = j.Join(s.known, l.known)
			r.slots.changed(s)
			if l.ready && r.viewID() == view {
				r.makeReady(l.at)
				r.advance()
			}
		}
		r.wakeAll()
	})
}

func (r *Replica) viewID() ids.View {
	if r.view == nil {
		return ids.View{}
	}
	return r.view.ID
}

// births tell of which cluster this node is; nil: of none yet.
func (r *Replica) births() []ids.View {
	if r.view == nil {
		return nil
	}
	return r.view.Births
}

// holdingsWriter makes holdings of slots that come ascending.
type holdingsWriter struct {
	holdings wire.Holdings
	index    map[*wire.Position]uint32
}

func (w *holdingsWriter) add(at hashing.Slot, v wire.Vector, ready bool, gcCounter uint64) {
	if w.index == nil {
		w.index = map[*wire.Position]uint32{}
	}
	i, ok := w.index[version.Head(v)]
	if !ok || len(w.holdings.Vectors[i]) != len(v) {
		i = uint32(len(w.holdings.Vectors))
		w.holdings.Vectors = append(w.holdings.Vectors, v)
		w.index[version.Head(v)] = i
	}
	held := w.holdings.Held
	if n := len(held) - 1; n >= 0 && held[n].Slots.First+held[n].Slots.Count == uint32(at) &&
		held[n].Vector == i && held[n].Ready == ready && held[n].GCCounter == gcCounter {
		held[n].Slots.Count++
		return
	}
	w.holdings.Held = append(held, wire.HeldSlots{
		Slots: wire.SlotRange{First: uint32(at), Count: 1}, Vector: i, Ready: ready, GCCounter: gcCounter,
	})
}

// hold begins to hold a slot, with nothing in it.
func (r *Replica) hold(at hashing.Slot) {
	s := &r.slots.all[at]
	if s.held {
		return
	}
	s.held = true
	r.slots.held++
	r.boots.beginInquiry() // which nodes have writes of ended boots in it?
}

// makeReady lets a slot be served. What was kept aside is merged first; the tracks
// count for the slot from when that is durable.
func (r *Replica) makeReady(at hashing.Slot) {
	s := &r.slots.all[at]
	if !s.owned || s.ready || s.unmerged > 0 {
		return
	}
	aside := s.aside
	s.aside, s.merging = nil, aside
	if len(aside) == 0 {
		r.serve(at)
		return
	}
	s.unmerged = len(aside)
	view := r.viewID()
	for i := range aside {
		item := &aside[i]
		r.aside -= footprint.Listed(item)
		r.read(item.Key, func(current *wire.Item) {
			if r.viewID() != view || s.unmerged == 0 {
				return
			}
			if r.merge(item, current) {
				r.wakeKey(item.Key)
			}
			if s.unmerged == 1 {
				r.after(r.commit(), func() {
					r.wakeKeys()
					if r.viewID() == view && s.owned {
						s.unmerged = 0
						r.makeReady(at) // more may have come meanwhile
					}
				})
			} else {
				s.unmerged--
				r.after(r.commit(), r.wakeKeys)
			}
		})
	}
}

// serve marks a slot as ready.
func (r *Replica) serve(at hashing.Slot) {
	s := &r.slots.all[at]
	s.ready = true
	r.slots.unready--
	if r.slots.unready == 0 {
		r.box.Event(core.Event{Kind: EventReady, View: r.viewID()})
		r.catchUp()
		r.checkSynced()
	}
	r.moved()
	r.wakeAll()
}
