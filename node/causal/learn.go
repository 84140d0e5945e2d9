package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// lesson is what K of a slot grows to when it is durable.
type lesson struct {
	at    hashing.Slot
	gen   uint64
	known wire.Vector
	floor uint64
	ready bool // it need not wait for anybody any more
}

// learn notes that K of a slot grows; learnt writes it. The floor counter counts at
// once: what it stands for may be forgotten in this step.
func (r *Replica) learn(at hashing.Slot, known wire.Vector, floor uint64, ready bool) {
	s := &r.slots.all[at]
	s.floor = max(s.floor, floor)
	s.taught = join(s.taught, known)
	r.lessons = append(r.lessons, lesson{at, s.gen, known, floor, ready})
}

// learnt writes what was noted. When it is durable, it counts (I15).
func (r *Replica) learnt() {
	if len(r.lessons) == 0 {
		return
	}
	lessons := r.lessons
	r.lessons = nil
	slices.SortFunc(lessons, func(a, b lesson) int { return int(a.at) - int(b.at) })
	var w holdingsWriter
	for _, l := range lessons {
		w.add(l.at, l.known, l.ready || r.slots.all[l.at].ready, l.floor)
	}
	known := w.holdings
	r.pending.Known = &known
	view := r.viewID()
	r.after(r.commit(), func() {
		j := &joiner{}
		for _, l := range lessons {
			s := &r.slots.all[l.at]
			if !s.held || s.gen != l.gen {
				continue
			}
			s.known = j.join(s.known, l.known)
			r.slots.changed(s)
			if l.ready && r.viewID() == view {
				r.makeReady(l.at)
				r.advance()
			}
		}
		r.wakeAll()
	})
}

func (r *Replica) viewID() wire.ViewID {
	if r.view == nil {
		return wire.ViewID{}
	}
	return r.view.ID
}

// births tell of which cluster this node is; nil: of none yet.
func (r *Replica) births() []wire.ViewID {
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

func (w *holdingsWriter) add(at hashing.Slot, v wire.Vector, ready bool, floor uint64) {
	if w.index == nil {
		w.index = map[*wire.Position]uint32{}
	}
	i, ok := w.index[head(v)]
	if !ok || len(w.holdings.Vectors[i]) != len(v) {
		i = uint32(len(w.holdings.Vectors))
		w.holdings.Vectors = append(w.holdings.Vectors, v)
		w.index[head(v)] = i
	}
	held := w.holdings.Held
	if n := len(held) - 1; n >= 0 && held[n].Slots.First+held[n].Slots.Count == uint32(at) &&
		held[n].Vector == i && held[n].Ready == ready && held[n].GCCounter == floor {
		held[n].Slots.Count++
		return
	}
	w.holdings.Held = append(held, wire.HeldSlots{
		Slots: wire.SlotRange{First: uint32(at), Count: 1}, Vector: i, Ready: ready, GCCounter: floor,
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
	r.lives.begin() // who has what lives that are over have left of it?
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
		r.aside -= asideBytes(item)
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
		r.box.Event(wire.Event{Kind: EventReady, View: r.viewID()})
		r.catchUp()
		r.checkSynced()
	}
	r.moved()
	r.wakeAll()
}
