package truth

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Die records that an incarnation ends with its state. A write is lost if no other
// incarnation holds it or a write that won over it.
func (l *Incarnation) Die() {
	t := l.t
	l.dead = true
	t.incarnations[l.Node] = nil
	for _, s := range t.order {
		if s.id.Node == l.Node && s.lostAt == 0 {
			s.lostAt = t.world.Now()
		}
	}
	for i := range t.keys {
		best := t.best(i)
		for _, w := range t.keys[i].writes {
			if !w.shaken && l.ever[i] != nil && !above(w.Version, l.ever[i].Version) {
				w.shaken, w.shakenAt = true, t.world.Now()
			}
			if !w.lost && exceeds(w, best) {
				w.lost = true
				t.world.Saw("write lost with its last holder")
			}
		}
	}
}

// excused reports that an incarnation need not show a write. Either the write is lost, or
// the incarnation cannot know better: a node that had the write has lost its state, and no
// node that the incarnation knows of has the write (docs/causal.md §10).
func (t *Truth) excused(l *Incarnation, w *Write, asked wire.Instant) bool {
	switch {
	case w.Excused():
	case !w.shaken || t.withinReach(l, w, asked):
		return false
	default:
		w.spared = true
		t.world.Saw("a write given up by who could not know better")
	}
	for _, v := range t.keys[w.Key].writes { // the writes that it overwrote are given up too
		if v.shaken && above(w.Version, v.Version) && !t.withinReach(l, v, asked) {
			v.spared = true
		}
	}
	return true
}

// withinReach reports that an incarnation, or a node that it knows, holds a write or one
// that won over it. A holding counts only if it is older than the read and older than the
// question for lost writes, which a node asks once in a view after an incarnation has
// ended. The answer to a read may be older than its arrival, and needs to show no more than
// the context has. Nor does a write count that another node got after it left the
// incarnation's view: the incarnation has not heard of it, or would be left behind.
func (t *Truth) withinReach(l *Incarnation, w *Write, asked wire.Instant) bool {
	by := min(asked, max(l.adoptedAt, w.shakenAt))
	for _, id := range t.known(l) {
		if o := t.incarnations[id]; o != nil && !apart(l, o) && o.kept(w, by, l.view) {
			return true
		}
	}
	return l.kept(w, by, l.view)
}

// kept reports that an incarnation holds a write that arrived by a time, and before the
// incarnation left a view.
func (l *Incarnation) kept(w *Write, by wire.Instant, in *view) bool {
	if !l.durable.keeps(l.t, w) {
		return false
	}
	stayed := slices.IndexFunc(l.left, func(s stay) bool { return s.view == in })
	return l.durable.items[w.Key] == nil || slices.ContainsFunc(l.had[w.Key], func(v arrival) bool {
		return v.At <= by && (stayed < 0 || v.at <= l.left[stayed].until) && !above(w.Version, v.Version)
	})
}

// apart reports that operators have parted two incarnations: neither view replaces the
// other, and the two have different lists. Such nodes do not exchange data (docs/causal.md
// §6).
func apart(a, b *Incarnation) bool {
	v, w := a.view, b.view
	if v == nil || w == nil || v == w || v.ancestors[w.id] || w.ancestors[v.id] {
		return false
	}
	return len(v.members) > 0 && len(w.members) > 0 && !v.layout.Equal(w.layout)
}

// noteDisplaced records the versions whose place a larger one has taken between the context of
// a request and that of its answer. A list also shows versions. A larger version that another
// item depends on takes the place of a shown one, unless the client named the larger version
// itself. In that case the node knew that the larger one is lost, and must name the smaller one
// (docs/causal.md §2, rule 2).
func (t *Truth) noteDisplaced(sent *wire.Context, listed []*Write, answered *wire.Context) {
	named := make(map[uint64]wire.CausalVersion, len(sent.Exact))
	for _, d := range sent.Exact {
		named[d.Hash] = d.Version
	}
	for _, d := range answered.Exact {
		u, v := t.writeAt(d.Version), t.writeAt(named[d.Hash])
		u.displace(v)
		if u != nil && u != v && listed != nil && listed[u.Key] != Elsewhere {
			u.displace(listed[u.Key])
		}
	}
}

// writeAt returns the write of a version; nil: there is none.
func (t *Truth) writeAt(v wire.CausalVersion) *Write {
	s, n := t.streams[v.Dot.Stream], v.Dot.N
	if s == nil || n == 0 || n > uint64(len(s.writes)) {
		return nil
	}
	return s.writes[n-1]
}

// displace records that w took the place of a smaller version in a context.
func (w *Write) displace(v *Write) {
	if w != nil && v != nil && above(w.Version, v.Version) && !slices.Contains(w.displaced, v) {
		w.displaced = append(w.displaced, v)
	}
}

// giveUp spares the writes that are given up with a lost write which a context names: the versions
// whose place the lost write took there, and the versions that these overwrote. A write is spared
// only if it is above the version that is shown, and the context does not ask for it
// (docs/causal.md §10, rule 2).
func (t *Truth) giveUp(c *wire.Context, lost, shown *Write) {
	seen := map[*Write]bool{}
	for open := slices.Clone(lost.displaced); len(open) > 0; {
		v := open[len(open)-1]
		open = open[:len(open)-1]
		if v == nil || seen[v] || !exceeds(v, shown) || t.asksFor(c, v) {
			continue
		}
		seen[v], v.spared = true, true
		t.world.Saw("a write given up with a lost one that took its place")
		open = append(append(open, v.displaced...), v.Past.At(v.Key))
	}
}

// asksFor reports whether the vector or a stable-cut reference of a context has a write, or a
// larger version of its key that no node has lost.
func (t *Truth) asksFor(c *wire.Context, w *Write) bool {
	return slices.ContainsFunc(t.keys[w.Key].writes, func(v *Write) bool {
		return !above(w.Version, v.Version) && !v.shaken && !v.Excused() && t.covers(c, v.Version.Dot)
	})
}

// best returns the largest version of a key that is left. It is durable somewhere, or is a
// collected tombstone that an incarnation knows of.
func (t *Truth) best(key int) *Write {
	var best *Write
	c := t.keys[key].collected
	for _, o := range t.incarnations {
		if o == nil {
			continue
		}
		if held := o.durable.items[key]; held != nil && exceeds(held, best) {
			best = held
		}
		if c != nil && o.durable.satisfied(t, c) && exceeds(c, best) {
			best = c
		}
	}
	return best
}

// StreamLost reports that a stream ended with the state of its node.
func (t *Truth) StreamLost(d wire.Stream) bool {
	s := t.streams[d]
	return s != nil && s.lostAt != 0
}
