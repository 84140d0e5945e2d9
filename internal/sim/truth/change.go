package truth

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Wrote checks a write of a node against the truth, in the order in which the node carries
// its writes out, and then applies the write to the written state.
func (l *Incarnation) Wrote(seq uint64, c *wire.CausalWrite) {
	t, s := l.t, l.written
	for _, r := range c.Free {
		t.mayFree(l, r)
		l.untell(r)
	}
	for i := range c.Put {
		t.put(l, &c.Put[i])
	}
	for _, name := range c.Drop {
		if key := t.Key(name); key >= 0 {
			t.drop(l, key)
		}
	}
	s.change(t, c)
	if c.Known != nil {
		t.claims(l, s, "writes down", c.Known)
	}
	for i := range c.Views {
		t.published(l, &c.Views[i])
	}
	if l.recovers && c.NewStreams {
		l.recovers = false
		t.recovered(l)
	}
	l.unsynced = append(l.unsynced, unsyncedWrite{seq: seq, change: c})
}

// put checks one item that is written: it is a new write of this node, or a known write
// that wins over the item that is there (I18).
func (t *Truth) put(l *Incarnation, item *wire.Item) {
	d := item.Version.Dot
	var w *Write
	if str := t.streams[d.Stream]; d.Stream.Node == l.Node && d.Stream.Boot == l.boot && (str == nil || d.N > uint64(len(str.writes))) {
		w = t.register(l, item)
	} else {
		w = t.find(l, item)
	}
	if w == nil {
		return
	}
	if held := l.written.items[w.Key]; held != nil && !above(w.Version, held.Version) {
		t.fail("I18", "node %d puts %s in place of %s", l.Node, w, held)
		return
	}
	t.collectedBefore(l, w)
	if w.Item == item {
		t.depends(l, w)
	}
	l.written.items[w.Key] = w
}

// collectedBefore checks that a deleted key does not come back to a node whose K has a
// collected tombstone (I19). All writes that the tombstone won over had to be known when it
// was collected.
func (t *Truth) collectedBefore(l *Incarnation, w *Write) {
	k := &t.keys[w.Key]
	c := k.collected
	excused := k.forgotten != nil && !above(w.Version, k.forgotten.Version)
	if c == nil || excused || !above(c.Version, w.Version) {
		return
	}
	d := c.Version.Dot
	counts := l.ready && l.view.owns(l.Node, k.slot) && l.written.live[d.Stream] >= d.N
	if counts || l.written.slots[k.slot].known.At(d.Stream) >= d.N {
		t.fail("I19", "node %d puts %s; its K has %s, which was collected", l.Node, w, c)
	}
}

// depends checks the dependencies that a new version is stored with. They stand for all
// that its client had seen except the key itself, and are within their bound.
func (t *Truth) depends(l *Incarnation, w *Write) {
	if n := len(w.Item.Deps.Exact); n > t.cfg.Deps {
		t.fail("size", "%s is stored with %d dependencies, %d are allowed", w, n, t.cfg.Deps)
	}
	t.stands(&w.Item.Deps, w.Past, w.Key, "what %s at node %d depends on", w, l.Node)
}

// drop checks that an item which a node forgets was deleted, and that no node can bring a
// lower version of the key back (I19, I25).
func (t *Truth) drop(l *Incarnation, key int) {
	k, w := &t.keys[key], l.written.items[key]
	switch {
	case w == nil:
		return
	case w.Item.Deleted:
		t.collect(l, w)
	case k.collected == nil || above(w.Version, k.collected.Version):
		t.fail("I25", "node %d forgets %s, and no tombstone above it was collected", l.Node, w)
		return
	default:
		t.world.Saw("value forgotten with a collected tombstone")
	}
	l.written.items[key] = nil
}

// collect checks that a node may drop a tombstone (I19). If a node holds a lower version of
// the key, K of the collector must have that version: otherwise the key would come back.
// Two cases are excused. The node is neither in the view nor known to its members as a
// former member. Or the lower version is still under way.
func (t *Truth) collect(l *Incarnation, w *Write) {
	k := &t.keys[w.Key]
	first := exceeds(w, k.collected) // otherwise the node may drop it because another node collected it before
	t.world.Saw("tombstone dropped")
	if first {
		k.collected = w
		t.told(l, k)
	}
	for _, o := range t.incarnations {
		if o == nil || o == l || o.dead {
			continue
		}
		for _, s := range []*state{o.written, o.durable} {
			less := s.items[w.Key]
			if less == nil || !above(w.Version, less.Version) {
				continue
			}
			if d := less.Version.Dot; l.written.knownEver(k.slot, d) {
				continue
			}
			if first && slices.Contains(t.known(l), o.Node) {
				t.fail("I19", "node %d collects %s; node %d has %s, which it does not know of", l.Node, w, o.Node, less)
				return
			}
			t.forget(w)
		}
	}
	for _, v := range k.writes {
		if d := v.Version.Dot; above(w.Version, v.Version) && !l.written.knownEver(k.slot, d) {
			t.forget(w)
			return
		}
	}
}

// told records which incarnations were asked before a tombstone was collected. One that began
// since need not have been.
func (t *Truth) told(l *Incarnation, k *key) {
	k.told = map[*Incarnation]bool{}
	for _, m := range l.view.members {
		if o := t.incarnations[m.ID]; o != nil && (o == l || t.world.Now()-o.born > surveyed) {
			k.told[o] = true
		}
	}
}

// surveyed is the largest age of an answer by which a tombstone may be collected
// (docs/causal.md §9).
const surveyed = 2 * wire.Second

// known returns the nodes of an incarnation's view and the former members that these nodes
// know.
func (t *Truth) known(l *Incarnation) []ids.Node {
	all := slices.Clone(l.written.former)
	if l.view != nil {
		all = append(all, l.view.members...)
		for _, m := range l.view.members {
			if o := t.incarnations[m.ID]; o != nil && o.view == l.view {
				all = append(all, o.written.former...)
			}
		}
	}
	nodes := make([]ids.Node, 0, len(all))
	for _, m := range all {
		nodes = append(nodes, m.ID)
	}
	return nodes
}

// forget excuses the writes that a collected tombstone won over. Another group, of which
// the collectors had not heard, may bring one of them back.
func (t *Truth) forget(w *Write) {
	k := &t.keys[w.Key]
	t.world.Saw("collected while somebody unknown had less")
	if exceeds(w, k.forgotten) {
		k.forgotten = w
	}
	for _, o := range k.writes {
		if !above(o.Version, w.Version) {
			o.forgotten = true
		}
	}
}

// mayFree checks that every owner of a key holds what a node gives up, or has held it
// before (I25). An owner that has lost its state since is excused.
func (t *Truth) mayFree(l *Incarnation, r wire.HashRange) {
	for i := range t.keys {
		k, w := &t.keys[i], l.written.items[i]
		if w == nil || k.hash < r.First || k.hash > r.Last {
			continue
		}
		if l.view.owns(l.Node, k.slot) {
			t.fail("I25", "node %d gives up slot %d, which it owns", l.Node, k.slot)
			return
		}
		for _, id := range l.view.owners(k.slot) {
			o := t.incarnations[id]
			if o == nil || o.born > l.adoptedAt || o.durable.has(t, w) {
				continue
			}
			if exceeds(w, o.ever[i]) && !t.outlived(l, o, w) {
				t.fail("I25", "node %d gives up %s; node %d, which owns it, has %v", l.Node, w, id, o.durable.items[i])
				return
			}
		}
	}
}

// outlived reports whether an owner rightly has a lower version of a key than w, which
// another node gives up. The owner knows that w was collected, by a node that had not heard
// of the owner's item. The node that gives w up has not heard of that item either:
// otherwise it would know that the item wins.
func (t *Truth) outlived(l, o *Incarnation, w *Write) bool {
	less, at := o.durable.items[w.Key], t.keys[w.Key].slot
	if less == nil || !w.forgotten || !o.durable.known(at, w.Version.Dot.Stream, w.Version.Dot.N) {
		return false
	}
	if d := less.Version.Dot; l.written.knownEver(at, d) {
		return false
	}
	t.world.Saw("tombstone given up, outlived by what was not known there")
	return true
}
