package truth

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Incarnation is one node from a start without state until it loses its state. It may span
// several boots.
type Incarnation struct {
	Node   ids.Node
	t      *Truth
	boot   ids.Boot
	born   wire.Instant // when it started without state
	booted wire.Instant // when its present boot started
	dead   bool

	view      *view        // of the written state
	births    []ids.View   // the first views of view's cluster, as the node has written them
	before    *view        // the view when the present step began
	adoptedAt wire.Instant // when it came to view
	left      []stay       // its earlier views, in the order in which it left them
	ready     bool         // it reports to be ready for all its slots in this view
	// acked has the other streams of this view: the number up to which the incarnation held
	// all writes when it acknowledged them.
	acked    map[*stream]uint64
	written  *state          // what the node has written, durable or not
	durable  *state          // what has become durable
	unsynced []unsyncedWrite // writes in written that are not in durable, in their order
	ever     []*Write        // by key: the largest write that was ever durable here
	had      [][]arrival     // by key: the writes that were durable here since the slot was given up last
	since    []wire.Instant  // by key: when the present durable item became durable

	told     []toldSlot // by slot: what it has told other nodes
	recovers bool       // it has not written yet what it takes up in this boot
	behind   bool       // it shows in this boot that it was left behind
	frozenIn *view      // it has told that it takes no writes in this view, because it was left behind; nil: none

	finished map[wire.NodeBoot]uint64 // by forwarder: the number below which all its writes are finished, as this boot has heard
}

// stay is an earlier view of an incarnation.
type stay struct {
	view  *view
	until wire.Instant
}

// arrival is a write, and when it became durable at a node.
type arrival struct {
	*Write
	at wire.Instant
}

// unsyncedWrite is a write of the node that is not durable yet.
type unsyncedWrite struct {
	seq    uint64 // number of the write
	change *wire.CausalWrite
	view   *view // adopted by the write; nil: none
}

// state is what an incarnation holds: as written, or as durable.
type state struct {
	node  ids.Node
	view  *view
	items []*Write // by key; nil: none
	slots []slotState
	live  map[wire.Stream]uint64 // of the streams of its view: the number up to which K has every write
	// folded is live of earlier views and boots: it is part of K of the slots that were ready then.
	folded     map[wire.Stream]uint64
	results    map[ids.Request]bool // of forwarded writes
	former     []wire.Member        // former members, as listed last
	viewsKnown map[ids.View]bool    // views of which the layout is known
	cuts       map[ids.View]bool    // views of which the common stable cut is known
}

// slotState is a slot in one state.
type slotState struct {
	held      bool
	freed     bool                   // the slot was given up, and nothing was learnt of it since
	void      map[wire.Stream]uint64 // folded when the slot was given up last: knowledge that no longer counts for this slot
	known     wire.Vector            // K of the slot as it was written last; state.live and state.folded add to it
	gcCounter uint64
	sure      map[wire.Stream]uint64 // by stream: the number up to which K was found to be true
	whole     wire.Vector            // the last vector of which every position was found to be true
}

func (t *Truth) newState(node ids.Node) *state {
	return &state{
		node: node, items: make([]*Write, len(t.keys)), slots: make([]slotState, t.cfg.Space.Slots()),
		live: map[wire.Stream]uint64{}, folded: map[wire.Stream]uint64{}, results: map[ids.Request]bool{},
		viewsKnown: map[ids.View]bool{}, cuts: map[ids.View]bool{},
	}
}

func (s *state) clone() *state {
	c := *s
	c.items, c.slots = slices.Clone(s.items), slices.Clone(s.slots)
	c.live, c.folded, c.results = maps.Clone(s.live), maps.Clone(s.folded), maps.Clone(s.results)
	c.viewsKnown, c.cuts = maps.Clone(s.viewsKnown), maps.Clone(s.cuts)
	for i := range c.slots {
		c.slots[i].sure = maps.Clone(c.slots[i].sure)
	}
	return &c
}

// Begin records that a node starts without state.
func (t *Truth) Begin(node ids.Node, boot ids.Boot) *Incarnation {
	l := &Incarnation{
		Node: node, t: t, boot: boot, born: t.world.Now(), booted: t.world.Now(), written: t.newState(node), durable: t.newState(node),
		ever: make([]*Write, len(t.keys)), had: make([][]arrival, len(t.keys)), since: make([]wire.Instant, len(t.keys)), finished: map[wire.NodeBoot]uint64{},
		acked: map[*stream]uint64{},
	}
	l.told = make([]toldSlot, t.cfg.Space.Slots())
	t.incarnations[node] = l
	return l
}

// Restart records that an incarnation goes on in another boot, with its durable state.
func (l *Incarnation) Restart(boot ids.Boot) {
	l.boot, l.booted = boot, l.t.world.Now()
	l.unsynced, l.ready, l.behind, l.recovers = nil, false, false, l.durable.view != nil
	clear(l.acked)
	l.written = l.durable.clone()
	if l.view != l.written.view {
		l.comeTo(l.written.view)
	}
	l.finished = map[wire.NodeBoot]uint64{}
}

// Boot returns the present boot.
func (l *Incarnation) Boot() ids.Boot { return l.boot }

// Shows records whether an incarnation reports to be ready for all its slots, and to be left behind.
func (l *Incarnation) Shows(ready, behind bool) {
	l.ready = ready
	if l.behind && !behind {
		l.frozenIn = nil // an operator has renewed the view
	}
	l.behind = behind
}

// Has reports whether an incarnation holds a write or one that won over it, or knows that
// the write was deleted and collected.
func (l *Incarnation) Has(w *Write) bool { return l.written.keeps(l.t, w) }

// Item returns the write that an incarnation holds of a key; nil: none.
func (l *Incarnation) Item(key int) *Write { return l.written.items[key] }

// Adopt records that a view was written. It reports whether the view differs from the one
// before.
func (l *Incarnation) Adopt(seq uint64, v *wire.View) bool {
	x := l.t.viewOf(v)
	l.births = v.Births
	another := l.view != x
	if another {
		l.comeTo(x)
		l.ready = false
		clear(l.acked)
	}
	l.written.adopt(x)
	l.unsynced = append(l.unsynced, unsyncedWrite{seq: seq, view: x})
	return another
}

func (l *Incarnation) comeTo(v *view) {
	now := l.t.world.Now()
	if l.view != nil {
		l.left = append(l.left, stay{l.view, now})
	}
	l.left = slices.DeleteFunc(l.left, func(s stay) bool { return s.view == v })
	l.view, l.adoptedAt = v, now
}

// viewAt returns the view that an incarnation had at a time. Before it had any, that is the
// first one.
func (l *Incarnation) viewAt(when wire.Instant) *view {
	for _, s := range l.left {
		if s.until > when {
			return s.view
		}
	}
	return l.view
}

// adopt begins a view.
func (s *state) adopt(v *view) {
	if s.view != v {
		s.view = v
		s.fold()
	}
}

// fold ends the streams of a view, or of a boot.
func (s *state) fold() {
	for stream, n := range s.live { //maporder:ok each is looked at by itself
		s.folded[stream] = max(s.folded[stream], n)
	}
	clear(s.live)
}

// DurableUpTo records that all writes up to number seq are durable.
func (l *Incarnation) DurableUpTo(seq uint64) {
	n := 0
	for n < len(l.unsynced) && l.unsynced[n].seq <= seq {
		if p := &l.unsynced[n]; p.view != nil {
			l.durable.adopt(p.view)
		} else {
			l.becomeDurable(p.change)
		}
		n++
	}
	l.unsynced = slices.Delete(l.unsynced, 0, n)
}

func (l *Incarnation) becomeDurable(c *wire.CausalWrite) {
	t, s := l.t, l.durable
	s.change(t, c)
	for _, r := range c.Free {
		for key := range l.had {
			if h := t.keys[key].hash; r.First <= h && h <= r.Last {
				l.had[key] = nil // its owners hold it now, and may lose it
			}
		}
	}
	for i := range c.Put {
		w := t.writeOf(&c.Put[i])
		if w == nil {
			continue
		}
		w.durable = true
		l.since[w.Key] = t.world.Now()
		l.had[w.Key] = append(l.had[w.Key], arrival{w, t.world.Now()})
		if exceeds(w, l.ever[w.Key]) {
			l.ever[w.Key] = w
		}
	}
}

// writeOf returns the write of an item that was checked before.
func (t *Truth) writeOf(item *wire.Item) *Write {
	d := item.Version.Dot
	if s := t.streams[d.Stream]; s != nil && d.N >= 1 && d.N <= uint64(len(s.writes)) {
		return s.writes[d.N-1]
	}
	return nil
}

// change applies a write without a check.
func (s *state) change(t *Truth, c *wire.CausalWrite) {
	if c.NewStreams {
		s.fold()
	}
	for _, r := range c.Free {
		s.free(t, r)
	}
	for i := range c.Put {
		if w := t.writeOf(&c.Put[i]); w != nil {
			s.items[w.Key] = w
		}
	}
	for i := range c.Applied {
		s.results[c.Applied[i].ID] = true
	}
	for _, name := range c.Drop {
		if key := t.Key(name); key >= 0 {
			s.items[key] = nil
		}
	}
	if c.Known != nil {
		for _, run := range c.Known.Held {
			for i := range run.Slots.Count {
				x := &s.slots[run.Slots.First+i]
				x.held, x.freed, x.known, x.gcCounter = true, false, c.Known.Vectors[run.Vector], run.GCCounter
			}
		}
	}
	for _, p := range c.Live {
		s.live[p.Stream] = max(s.live[p.Stream], p.N)
	}
	if c.AlumniSet {
		s.former = c.Alumni
	}
	for i := range c.Views {
		v := &c.Views[i]
		s.viewsKnown[v.ID] = true
		s.cuts[v.ID] = s.cuts[v.ID] || v.Common
	}
}

// free removes the items of a range, and K of its slots.
func (s *state) free(t *Truth, r wire.HashRange) {
	for i := range t.keys {
		if h := t.keys[i].hash; r.First <= h && h <= r.Last {
			s.items[i] = nil
		}
	}
	void := maps.Clone(s.folded)
	for stream, n := range s.live { //maporder:ok the larger of two, whichever comes first
		void[stream] = max(void[stream], n)
	}
	for at := t.cfg.Space.Slot(r.First); at <= t.cfg.Space.Slot(r.Last); at++ {
		s.slots[at] = slotState{freed: true, void: void}
	}
}

// has reports whether a state holds a write or one that won over it. It also reports true
// if the write was deleted and collected anywhere.
func (s *state) has(t *Truth, w *Write) bool {
	if held := s.items[w.Key]; held != nil {
		return !above(w.Version, held.Version)
	}
	c := t.keys[w.Key].collected
	return c != nil && !above(w.Version, c.Version)
}

// keeps is has by the state's own knowledge: a state that knows nothing of a slot does not
// count as holding what was deleted in the slot and collected.
func (s *state) keeps(t *Truth, w *Write) bool {
	if s.items[w.Key] != nil || !s.has(t, w) {
		return s.has(t, w)
	}
	x, d := &s.slots[t.keys[w.Key].slot], w.Version.Dot
	return x.known.At(d.Stream) >= d.N || !x.freed && max(s.live[d.Stream], s.folded[d.Stream]) >= d.N
}

// satisfied reports whether K of a state covers a write.
func (s *state) satisfied(t *Truth, w *Write) bool {
	if held := s.items[w.Key]; held != nil && !above(w.Version, held.Version) {
		return true
	}
	d := w.Version.Dot
	if s.slots[t.keys[w.Key].slot].known.At(d.Stream) >= d.N {
		return true
	}
	return s.live[d.Stream] >= d.N && s.has(t, w)
}

// lie checks the claim "of this slot I have every write of this stream up to n" (I15). It
// returns ok if the claim is true, and otherwise a write that the state lacks. A claim
// beyond the end of the stream is false too.
func (s *state) lie(t *Truth, at hashing.Slot, p wire.Position, v wire.Vector) (lie *Write, ok bool) {
	x := &s.slots[at]
	from := x.sure[p.Stream]
	if from >= p.N {
		return nil, true
	}
	str := t.streams[p.Stream]
	if str == nil || p.N > uint64(len(str.writes)) {
		return nil, false
	}
	for _, w := range str.writes[from:p.N] {
		if t.keys[w.Key].slot == at && !s.has(t, w) && !w.forgotten && !s.outlives(t, w.Key, w, v) {
			return w, false
		}
	}
	if x.sure == nil {
		x.sure = map[wire.Stream]uint64{}
	}
	x.sure[p.Stream] = p.N
	return nil, true
}

// outlives reports whether a state may hold a lower version of a key than a write. The
// write, or a tombstone that won over it, was collected by nodes that did not know of the
// lower version. The claim v covers the tombstone and not the lower version.
func (s *state) outlives(t *Truth, key int, w *Write, v wire.Vector) bool {
	held, c := s.items[key], t.keys[key].collected
	if held == nil || c == nil || above(w.Version, c.Version) {
		return false
	}
	d, o := c.Version.Dot, held.Version.Dot
	if v.At(d.Stream) < d.N || v.At(o.Stream) >= o.N {
		return false
	}
	t.world.Saw("collected, and outlived by what was not known there")
	return true
}

// claim checks what an incarnation claims to have of one slot (I15).
func (t *Truth) claim(l *Incarnation, s *state, what string, at hashing.Slot, v wire.Vector) {
	x := &s.slots[at]
	if len(v) == 0 || len(v) == len(x.whole) && &v[0] == &x.whole[0] {
		return
	}
	for _, p := range v {
		if w, ok := s.lie(t, at, p, v); !ok {
			t.fail("I15", "node %d %s: of slot %d everything up to %d of stream v%d.%d node %d boot %04x; it lacks %v, has %v",
				l.Node, what, at, p.N, p.Stream.View.Number, p.Stream.View.Author, p.Stream.Node, uint16(p.Stream.Boot), w, s.of(w))
			return
		}
	}
	x.whole = v
}

func (s *state) of(w *Write) *Write {
	if w == nil {
		return nil
	}
	return s.items[w.Key]
}

// stillHeld leaves out the slots that were given up since an answer was made. The answer
// waited until its writes were durable, and describes an earlier moment. Its effect is
// checked at the receiver.
func (t *Truth) stillHeld(l *Incarnation, h *wire.Holdings) *wire.Holdings {
	still := wire.Holdings{Vectors: h.Vectors}
	for _, run := range h.Held {
		for i := range run.Slots.Count {
			at := run.Slots.First + i
			if int(at) < len(l.durable.slots) && l.durable.slots[at].freed {
				t.world.Saw("answered about a slot that was given up since")
				continue
			}
			one := run
			one.Slots = wire.SlotRange{First: at, Count: 1}
			still.Held = append(still.Held, one)
		}
	}
	return &still
}

// claims checks all holdings of a message against a state (I15).
func (t *Truth) claims(l *Incarnation, s *state, what string, h *wire.Holdings) {
	for _, run := range h.Held {
		if int(run.Vector) >= len(h.Vectors) || int(run.Slots.First+run.Slots.Count) > len(s.slots) {
			t.fail("I15", "node %d %s: holdings that make no sense", l.Node, what)
			return
		}
		for i := range run.Slots.Count {
			t.claim(l, s, what, hashing.Slot(run.Slots.First+i), h.Vectors[run.Vector])
		}
	}
}
