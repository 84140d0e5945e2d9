package truth

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Written checks the answer to a write: the version is one that the request made, and is
// durable somewhere. It returns the past of the client after the answer.
func (t *Truth) Written(l *Incarnation, o *Op, r *core.CausalResult) Past {
	if r == nil || r.Item == nil {
		t.fail("answer", "node %d answers write %d without an item", l.Node, o.Token)
		return o.Past
	}
	i := slices.IndexFunc(o.Writes, func(w *Write) bool { return w.Version == r.Item.Version })
	if i < 0 {
		t.fail("answer", "node %d answers write %d with %s, it has %v", l.Node, o.Token, VersionString(r.Item.Version), o.Writes)
		return o.Past
	}
	w := o.Writes[i]
	if !w.durable {
		t.fail("durability", "node %d answers %s, which is not durable", l.Node, w)
	}
	w.Acked = t.world.Now()
	past := o.Past.With(w)
	t.context(l, o, &r.Context, past)
	return past
}

// Read checks the answer to a read of a key (I14). It returns the past of the client after
// the answer, and the write that the client read; nil: none.
func (t *Truth) Read(l *Incarnation, o *Op, r *core.CausalResult) (Past, *Write) {
	if r == nil {
		t.fail("answer", "node %d answers read %d without a context", l.Node, o.Token)
		return o.Past, nil
	}
	w := t.shown(l, o.Key, r.Item)
	t.enough(l, o, o.Key, w)
	t.fresh(l, o, w)
	past := o.Past
	if w != nil {
		past = past.With(w)
	}
	t.context(l, o, &r.Context, past)
	t.noteDisplaced(&o.Sent, nil, &r.Context)
	return past, w
}

// Elsewhere stands for a key that a listing does not cover.
var Elsewhere = new(Write)

// List returns what a listing of slots shows, by key: the write, nil for a key that the
// listing leaves out, Elsewhere for a key of another slot.
func (t *Truth) List(l *Incarnation, slots []hashing.Slot, items []*wire.Item) []*Write {
	list := make([]*Write, len(t.keys))
	for key := range list {
		if !slices.Contains(slots, t.keys[key].slot) {
			list[key] = Elsewhere
		}
	}
	for _, item := range items {
		w := t.find(l, item)
		if w == nil {
			return list
		}
		if list[w.Key] == Elsewhere {
			t.fail("I20", "node %d lists %s, which it does not own", l.Node, w)
		}
		list[w.Key] = w
	}
	return list
}

// Listed checks the answer to a listing (I14): of every key that the node owned when it was
// read, the listing shows no less than the client's context has. It returns the past of the
// client after the answer.
func (t *Truth) Listed(l *Incarnation, o *Op, list []*Write, c *wire.Context) Past {
	past := o.Past
	for key, w := range list {
		if w == Elsewhere {
			continue
		}
		t.enough(l, o, key, w)
		if w == nil {
			continue
		}
		if !w.durable {
			t.fail("durability", "node %d lists %s, which is durable nowhere", l.Node, w)
		}
		past = past.With(w)
	}
	t.context(l, o, c, past)
	t.noteDisplaced(&o.Sent, list, c)
	return past
}

// shown returns the write that an answer shows. The write must be durable somewhere.
func (t *Truth) shown(l *Incarnation, key int, item *wire.Item) *Write {
	if item == nil {
		return nil
	}
	w := t.find(l, item)
	switch {
	case w == nil:
	case w.Key != key:
		t.fail("answer", "node %d answers a read of %q with %s", l.Node, t.keys[key].name, w)
	case !w.durable:
		t.fail("durability", "node %d shows %s, which is durable nowhere", l.Node, w)
	}
	return w
}

// enough checks that a client sees no less of a key than its context has (I14). The answer
// shows that write, or one that won over it. It shows nothing if the key was deleted and
// the tombstone collected.
func (t *Truth) enough(l *Incarnation, o *Op, key int, w *Write) {
	p := o.Past.At(key)
	for p != nil && t.excused(l, p, o.Asked) {
		t.world.Saw("a lost write in a context")
		p = p.Past.At(key) // the client had seen the overwritten write too
	}
	c := t.keys[key].collected
	switch {
	case p == nil || w != nil && !above(p.Version, w.Version):
	case w == nil && p.Item.Deleted && p != o.Past.At(key): // the lost write was the only evidence that the key existed after the delete
	case w == nil && c != nil && !above(p.Version, c.Version):
	default:
		t.fail("I14", "node %d shows %v to client's request %d, whose context has %s", l.Node, w, o.Token, p)
	}
	for lost := o.Past.At(key); lost != p; lost = lost.Past.At(key) {
		t.giveUp(&o.Sent, lost, w)
	}
}

// context checks the context of an answer: it stands for all that its client has seen
// (I17), names nothing else, and is within its bound.
func (t *Truth) context(l *Incarnation, o *Op, c *wire.Context, past Past) {
	if len(c.Exact) > t.cfg.Exact {
		t.fail("size", "node %d gives a context of %d entries, %d are allowed", l.Node, len(c.Exact), t.cfg.Exact)
	}
	for _, d := range c.Exact {
		i, known := t.byHash[d.Hash]
		if !known || past.At(i) == nil || above(d.Version, past.At(i).Version) {
			t.fail("context", "node %d puts %s of key %d into the context of request %d, which has not seen it", l.Node, VersionString(d.Version), i, o.Token)
			return
		}
	}
	t.stands(c, past, -1, "the context of request %d at node %d", o.Token, l.Node)
}

// manyKeys is the number of keys above which only every 64th context is checked.
const manyKeys = 500

// stands checks that a context stands for a past, except for the key but. Nothing may have
// left the context except for knowledge that implies it (I17).
func (t *Truth) stands(c *wire.Context, past Past, but int, format string, args ...any) {
	if t.looks++; len(t.keys) > manyKeys && t.looks%64 != 0 {
		return // a check takes time in proportion to the keys
	}
	exact := make(map[uint64]wire.CausalVersion, len(c.Exact))
	for _, d := range c.Exact {
		exact[d.Hash] = d.Version
	}
	for w := range past.Each {
		if w.Key == but || t.implied(c, exact, w) {
			continue
		}
		t.fail("I17", "%s does not stand for %s: %s", fmt.Sprintf(format, args...), w, describe(c))
		return
	}
}

// implied reports whether a node that has all that a context asks for has a write, or one
// that won over it.
func (t *Truth) implied(c *wire.Context, exact map[uint64]wire.CausalVersion, w *Write) bool {
	k := &t.keys[w.Key]
	if v, named := exact[k.hash]; named && !above(w.Version, v) {
		return true
	}
	for _, o := range k.writes {
		if !above(w.Version, o.Version) && t.covers(c, o.Version.Dot) {
			return true
		}
	}
	return false
}

// covers reports whether the vector of a context, or a stable cut that it references, has a dot.
func (t *Truth) covers(c *wire.Context, d wire.Dot) bool {
	if c.Vector.At(d.Stream) >= d.N {
		return true
	}
	return slices.ContainsFunc(c.CutRefs, func(name ids.View) bool {
		v := t.views[name]
		return v != nil && v.stableCut.At(d.Stream) >= d.N
	})
}

func describe(c *wire.Context) string {
	return fmt.Sprintf("%d exact, vector %+v, names %v, ceil %d", len(c.Exact), c.Vector, c.CutRefs, c.Ceil)
}
