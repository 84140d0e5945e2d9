package truth

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Near are the lives whose data must come to the members of a list: they themselves,
// and those outside that they know as former members and that no operator has given
// another view since (docs/causal.md §6, §7).
func (t *Truth) Near(list []int) []*Life {
	var near []*Life
	for _, id := range list {
		if o := t.lives[id]; o != nil {
			near = append(near, o)
		}
	}
	for _, o := range slices.Clone(near) {
		for _, id := range o.former {
			f := t.lives[id]
			if f == nil || slices.Contains(near, f) || f.view == nil || o.view == nil {
				continue
			}
			if len(f.view.members) == 0 || o.view.ancestors[f.view.id] {
				near = append(near, f)
			}
		}
	}
	return near
}

// Attainable reports that some lives have, between them, all that a context names:
// else who reads with it may have to wait for ever.
func (t *Truth) Attainable(c *wire.Context, lives []*Life) bool {
	for _, d := range c.Exact {
		if !anyKnows(lives, wire.Position{Stream: d.Version.Dot.Stream, N: d.Version.Dot.N}) {
			return false
		}
	}
	vectors := []wire.Vector{c.Vector}
	for _, name := range c.Names {
		if v := t.views[name]; v != nil {
			vectors = append(vectors, v.floor)
		}
	}
	for _, v := range vectors {
		for _, p := range v {
			if !anyKnows(lives, p) {
				return false
			}
		}
	}
	return true
}

func anyKnows(lives []*Life, p wire.Position) bool {
	return slices.ContainsFunc(lives, func(l *Life) bool { return l.written.anySlot(p) })
}

// anySlot reports that K of some slot has a position.
func (s *state) anySlot(p wire.Position) bool {
	if s.live[p.Stream] >= p.N {
		return true
	}
	return slices.ContainsFunc(s.slots, func(x slotState) bool { return x.known.At(p.Stream) >= p.N })
}
