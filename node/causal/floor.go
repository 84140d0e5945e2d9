package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// floorMaker publishes the floor of a view, once (docs/causal.md §9).
type floorMaker struct {
	busy bool
	at   wire.Instant
}

// makeFloor begins to make the floor of the view, if that is this node's to do and
// all is well.
func (r *Replica) makeFloor() {
	f := &r.floors
	if r.view == nil || !r.member || f.busy || !r.synced {
		return
	}
	chart := r.atlas.charts[r.view.ID]
	if first, ok := r.view.Primary(); !ok || first != r.cfg.Self || chart.Common {
		return
	}
	if r.now < f.at || !r.healthy() {
		f.at = max(f.at, r.now+2*resend)
		r.alarm(f.at)
		return
	}
	f.busy = true
	f.at = r.now + gossipEvery
	var list []wire.SlotRange
	if !chart.HasStableCut {
		list = []wire.SlotRange{{First: 0, Count: uint32(len(r.slots.all))}}
	}
	r.inquire(list, 0, func(answers map[wire.NodeID]*wire.Digest) {
		f.busy = false
		r.alarm(f.at)
		r.concludeFloor(chart, answers)
	})
}

// concludeFloor takes the next step to a floor whose name may be used: one that was
// published is asked for, if this node has lost it, because a name must not mean two
// things; else it is made; when all members know it, that is published.
func (r *Replica) concludeFloor(chart *chart, answers map[wire.NodeID]*wire.Digest) {
	known, same, settled := 0, 0, true
	for _, p := range r.peers {
		have := answers[p.id]
		switch {
		case have == nil || have.StableCut == 0:
			continue
		case !chart.HasStableCut:
			r.request(p.id, &wire.ViewInfoRequest{Views: []wire.ViewID{chart.ID}})
		case have.StableCut == r.floorSum():
			same++
		}
		known++
	}
	for _, have := range answers { //maporder:ok all must agree
		settled = settled && !have.Unsynced
	}
	switch {
	case answers == nil || !settled:
	case !chart.HasStableCut && known == 0:
		r.publish(wire.KnownView{ID: chart.ID, Layout: chart.Layout, HasStableCut: true, StableCut: r.least(answers)})
	case chart.HasStableCut && same < known: // made in different lives of the lowest id: the name stays unused
	case chart.HasStableCut && same == len(answers)-1:
		k := chart.KnownView
		k.Common = true
		r.publish(k)
	case chart.HasStableCut:
		r.publish(chart.KnownView)
	}
}

// floorSum is a fingerprint of the view's floor; 0: it is not known here.
func (r *Replica) floorSum() uint64 {
	if r.view == nil {
		return 0
	}
	c := r.atlas.charts[r.view.ID]
	if !c.HasStableCut {
		return 0
	}
	sum := uint64(1)
	for i := range c.StableCut {
		s := &c.StableCut[i].Stream
		for _, v := range [...]uint64{s.View.Number, uint64(s.View.Author), uint64(s.View.Boot), uint64(s.Node), uint64(s.Boot), c.StableCut[i].N} {
			sum = mix(sum ^ v)
		}
	}
	return max(sum, 1)
}

// least is, per stream, the least number that a replica has, of the slots that the
// stream concerns.
func (r *Replica) least(answers map[wire.NodeID]*wire.Digest) wire.Vector {
	var floor wire.Vector
	for _, have := range answers { //maporder:ok a union
		for _, v := range have.Held.Vectors {
			floor = join(floor, v)
		}
	}
	floor = slices.Clone(floor)
	for i := range floor {
		p := &floor[i]
		for id, have := range answers { //maporder:ok a minimum
			r.leastOf(p, id, have)
		}
	}
	return slices.DeleteFunc(floor, func(p wire.Position) bool { return p.N == 0 })
}

// leastOf lowers a position to what a member has of it in the slots that it owns.
func (r *Replica) leastOf(p *wire.Position, id wire.NodeID, have *wire.Digest) {
	home, ok := r.atlas.charts[r.view.ID].home[id]
	if !ok {
		return
	}
	for _, at := range r.ring.Slots(home) {
		n := uint64(0)
		if run := runOf(&have.Held, at); run != nil {
			n = have.Held.Vectors[run.Vector].At(p.Stream)
		}
		if n < p.N && r.atlas.concerns(p.Stream, hashing.Slot(at)) {
			p.N = n
		}
	}
}

// publish makes a floor known under the name of the view. It never changes again.
func (r *Replica) publish(k wire.KnownView) {
	if r.atlas.note(k) {
		r.pending.Views = append(r.pending.Views, k)
		r.commit()
	}
	for _, p := range r.peers {
		r.sendDurable(p.id, &wire.ViewInfo{Views: []wire.KnownView{k}})
	}
	r.box.Event(wire.Event{Kind: EventStableCut, View: k.ID, Count: uint64(len(k.StableCut))})
}
