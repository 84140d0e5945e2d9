package truth

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// Answerable reports that a life has, durably, all that it needs to answer a request:
// it owns the slot, is ready, and has what the context means for it.
func (t *Truth) Answerable(l *Life, o *Op) bool {
	if !l.ready || l.dead {
		return false
	}
	if o.List {
		for _, s := range l.Owned() {
			if !t.reached(l, s, &o.Sent) {
				return false
			}
		}
		return t.listable(l, &o.Sent)
	}
	k := &t.keys[o.Key]
	if !l.view.owns(l.Node, k.slot) {
		return false
	}
	if !o.Read {
		return true
	}
	for _, d := range o.Sent.Exact {
		if d.Hash != k.hash {
			continue
		}
		held := l.durable.items[o.Key]
		if (held == nil || above(d.Version, held.Version)) && !l.durable.attains(k.slot, d.Version.Dot.Stream, d.Version.Dot.N) {
			return false
		}
	}
	return t.reached(l, k.slot, &o.Sent)
}

// listable reports that K covers what a context names exactly of the slots that a
// life owns: a listing looks at no item before.
func (t *Truth) listable(l *Life, c *wire.Context) bool {
	for _, d := range c.Exact {
		s := t.cfg.Space.Slot(d.Hash)
		if l.view.owns(l.Node, s) && !l.durable.attains(s, d.Version.Dot.Stream, d.Version.Dot.N) {
			return false
		}
	}
	return true
}

// reached reports that K of a slot has what the folded part of a context means for
// it, as far as the life knows the views that are named.
func (t *Truth) reached(l *Life, s hashing.Slot, c *wire.Context) bool {
	if !t.reachedVector(l, s, c.Vector) {
		return false
	}
	for _, name := range c.CutRefs {
		if !l.floors[name] || !t.reachedVector(l, s, t.views[name].floor) {
			return false
		}
	}
	return true
}

func (t *Truth) reachedVector(l *Life, s hashing.Slot, v wire.Vector) bool {
	for _, p := range v {
		if l.durable.attains(s, p.Stream, p.N) {
			continue
		}
		if x := t.views[p.Stream.View]; !l.charts[p.Stream.View] || x.owns(p.Stream.Node, s) {
			return false
		}
	}
	return true
}

// attains reports that K of a slot has a position.
func (s *state) attains(at hashing.Slot, stream wire.Stream, n uint64) bool {
	return s.slots[at].known.At(stream) >= n || s.live[stream] >= n
}

// attained reports that K of a slot has a dot, or had it in an earlier view, unless the
// slot was given up since.
func (s *state) attained(at hashing.Slot, d wire.Dot) bool {
	return s.attains(at, d.Stream, d.N) || s.folded[d.Stream] >= d.N && s.slots[at].void[d.Stream] < d.N
}

// AdoptedAt is when a life came to its view.
func (l *Life) AdoptedAt() wire.Instant { return l.adoptedAt }
