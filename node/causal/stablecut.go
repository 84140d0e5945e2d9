package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// stableCutMaker publishes the stable cut of a view, once (docs/causal.md §9).
type stableCutMaker struct {
	busy bool
	at   wire.Instant
}

// makeStableCut begins to make the stable cut of the view, if this node is the lowest
// member and everything is calm.
func (r *Replica) makeStableCut() {
	f := &r.stableCuts
	if r.view == nil || !r.member || f.busy || !r.synced {
		return
	}
	entry := r.catalog.Get(r.view.ID)
	if first, ok := r.view.Primary(); !ok || first != r.cfg.Self || entry.Common {
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
	if !entry.HasStableCut {
		list = []wire.SlotRange{{First: 0, Count: uint32(len(r.slots.all))}}
	}
	r.beginSurvey(list, 0, func(answers map[ids.Node]*wire.Digest) {
		f.busy = false
		r.alarm(f.at)
		r.concludeStableCut(entry, answers)
	})
}

// concludeStableCut takes the next step to a stable cut that contexts may refer to. A
// cut that was published, and that this node has lost, is asked for, because a
// reference must not mean two things. Otherwise the cut is made. When all members know
// it, it is published as common.
func (r *Replica) concludeStableCut(entry *catalog.View, answers map[ids.Node]*wire.Digest) {
	known, same, synced := 0, 0, true
	for _, p := range r.peers {
		digest := answers[p.id]
		switch {
		case digest == nil || digest.StableCut == 0:
			continue
		case !entry.HasStableCut:
			r.request(p.id, &wire.ViewInfoRequest{Views: []ids.View{entry.ID}})
		case digest.StableCut == r.stableCutSum():
			same++
		}
		known++
	}
	for _, digest := range answers { //maporder:ok all must agree
		synced = synced && !digest.Unsynced
	}
	switch {
	case answers == nil || !synced:
	case !entry.HasStableCut && known == 0:
		r.publish(wire.KnownView{ID: entry.ID, Layout: entry.Layout, HasStableCut: true, StableCut: r.least(answers)})
	case entry.HasStableCut && same < known: // made in different boots of the lowest member: no context refers to it
	case entry.HasStableCut && same == len(answers)-1:
		k := entry.KnownView
		k.Common = true
		r.publish(k)
	case entry.HasStableCut:
		r.publish(entry.KnownView)
	}
}

// stableCutSum is a fingerprint of the view's stable cut; 0: it is not known here.
func (r *Replica) stableCutSum() uint64 {
	if r.view == nil {
		return 0
	}
	c := r.catalog.Get(r.view.ID)
	if !c.HasStableCut {
		return 0
	}
	sum := uint64(1)
	for i := range c.StableCut {
		s := &c.StableCut[i].Stream
		for _, v := range [...]uint64{s.View.Number, uint64(s.View.Author), uint64(s.View.Boot), uint64(s.Node), uint64(s.Boot), c.StableCut[i].N} {
			sum = version.Mix(sum ^ v)
		}
	}
	return max(sum, 1)
}

// least is, per stream, the least position that a replica has in the slots that the
// stream may have writes in.
func (r *Replica) least(answers map[ids.Node]*wire.Digest) wire.Vector {
	var cut wire.Vector
	for _, digest := range answers { //maporder:ok a union
		for _, v := range digest.Held.Vectors {
			cut = version.Join(cut, v)
		}
	}
	cut = slices.Clone(cut)
	for i := range cut {
		p := &cut[i]
		for id, digest := range answers { //maporder:ok a minimum
			r.leastOf(p, id, digest)
		}
	}
	return slices.DeleteFunc(cut, func(p wire.Position) bool { return p.N == 0 })
}

// leastOf lowers a position to what a member has of it in the slots that it owns.
func (r *Replica) leastOf(p *wire.Position, id ids.Node, have *wire.Digest) {
	shard, ok := r.catalog.Get(r.view.ID).ShardOf(id)
	if !ok {
		return
	}
	for _, at := range r.ring.Slots(shard) {
		n := uint64(0)
		if run := runOf(&have.Held, at); run != nil {
			n = have.Held.Vectors[run.Vector].At(p.Stream)
		}
		if n < p.N && r.catalog.Concerns(p.Stream, hashing.Slot(at)) {
			p.N = n
		}
	}
}

// publish makes the stable cut of a view known. It never changes again.
func (r *Replica) publish(k wire.KnownView) {
	if r.catalog.Add(k) {
		r.change.Views = append(r.change.Views, k)
		r.commit()
	}
	for _, p := range r.peers {
		r.sendDurable(p.id, &wire.ViewInfo{Views: []wire.KnownView{k}})
	}
	r.box.Event(core.Event{Kind: EventStableCut, View: k.ID, Count: uint64(len(k.StableCut))})
}
