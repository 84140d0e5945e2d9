package truth

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// Answerable reports whether an incarnation holds, durably, all that it needs to answer a
// request: it owns the slot, is ready, and has what the context means for the slot.
func (t *Truth) Answerable(l *Incarnation, o *Op) bool {
	if !l.ready || l.dead {
		return false
	}
	if o.List {
		for _, s := range l.Owned() {
			if !t.foldedSatisfied(l, s, &o.Sent) {
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
		if (held == nil || above(d.Version, held.Version)) && !l.durable.known(k.slot, d.Version.Dot.Stream, d.Version.Dot.N) {
			return false
		}
	}
	return t.foldedSatisfied(l, k.slot, &o.Sent)
}

// listable reports whether K covers every exact entry of a context in the slots that an
// incarnation owns. A listing looks at no item before that.
func (t *Truth) listable(l *Incarnation, c *wire.Context) bool {
	for _, d := range c.Exact {
		s := t.cfg.Space.Slot(d.Hash)
		if l.view.owns(l.Node, s) && !l.durable.known(s, d.Version.Dot.Stream, d.Version.Dot.N) {
			return false
		}
	}
	return true
}

// foldedSatisfied reports whether K of a slot has what the folded part of a context means
// for the slot. Views that the incarnation does not know count as not satisfied.
func (t *Truth) foldedSatisfied(l *Incarnation, s hashing.Slot, c *wire.Context) bool {
	if !t.vectorSatisfied(l, s, c.Vector) {
		return false
	}
	for _, name := range c.CutRefs {
		if !l.written.cuts[name] || !t.vectorSatisfied(l, s, t.views[name].stableCut) {
			return false
		}
	}
	return true
}

func (t *Truth) vectorSatisfied(l *Incarnation, s hashing.Slot, v wire.Vector) bool {
	for _, p := range v {
		if l.durable.known(s, p.Stream, p.N) {
			continue
		}
		if x := t.views[p.Stream.View]; !l.written.viewsKnown[p.Stream.View] || x.owns(p.Stream.Node, s) {
			return false
		}
	}
	return true
}

// known reports whether K of a slot has a position.
func (s *state) known(at hashing.Slot, stream wire.Stream, n uint64) bool {
	return s.slots[at].known.At(stream) >= n || s.live[stream] >= n
}

// knownEver reports whether K of a slot has a dot, or had it in an earlier view. The slot
// must not have been given up since.
func (s *state) knownEver(at hashing.Slot, d wire.Dot) bool {
	return s.known(at, d.Stream, d.N) || s.folded[d.Stream] >= d.N && s.slots[at].void[d.Stream] < d.N
}

// AdoptedAt returns when an incarnation came to its view.
func (l *Incarnation) AdoptedAt() wire.Instant { return l.adoptedAt }

// Collectable reports whether nothing keeps a replica from collecting a tombstone
// (docs/causal.md §9.1, §9.3): the replica knows no former members, and K has what the
// tombstone deleted.
func (t *Truth) Collectable(l *Incarnation, w *Write) bool {
	k, deps := &t.keys[w.Key], &w.Item.Deps
	for _, d := range deps.Exact {
		if v := d.Version.Dot; d.Hash == k.hash && !l.durable.known(k.slot, v.Stream, v.N) {
			return false
		}
	}
	return len(l.written.former) == 0 && t.foldedSatisfied(l, k.slot, deps)
}
