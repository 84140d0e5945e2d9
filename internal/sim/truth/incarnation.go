package truth

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Incarnation is one node from its start with nothing until it loses its data.
type Incarnation struct {
	Node   ids.Node
	t      *Truth
	boot   ids.Boot
	born   wire.Instant
	booted wire.Instant
	dead   bool

	view       *view      // written
	births     []ids.View // of that view, as the node has written it
	before     *view      // when the present step began
	adoptedAt  wire.Instant
	leftAt     map[*view]wire.Instant // views that it has had before
	ready      bool                   // it shows that it is, for all its slots, in this view
	former     []wire.Member          // written
	acked      map[*stream]uint64     // of other streams in this view: up to there all was here when it was acknowledged
	viewsKnown map[ids.View]bool      // views that it has written down
	cuts       map[ids.View]bool      // and those with their stable cut
	written    *state
	durable    *state
	unsynced   []unsyncedWrite
	ever       []*Write       // per key the largest that was durable here, at any time
	had        [][]arrival    // per key all that were, since its slot was given up last
	since      []wire.Instant // per key when what is durable came

	remembered map[ids.Request]bool     // that this boot has written down
	finished   map[wire.NodeBoot]uint64 // writes of a forwarder below this number, as this boot has heard
}

// arrival is a write and when it became durable somewhere.
type arrival struct {
	*Write
	at wire.Instant
}

// unsyncedWrite is a write that the node has begun and that is not durable yet.
type unsyncedWrite struct {
	seq    uint64
	change *core.CausalWrite
	view   *view
}

// state is what an incarnation has, written or durable.
type state struct {
	node  ids.Node
	view  *view
	items []*Write // by key; nil: nothing
	slots []slotState
	live  map[wire.Stream]uint64 // of the streams of its view
	// folded is what live was in earlier views: K of those slots that were ready then.
	folded map[wire.Stream]uint64
}

// slotState is a slot as it was written.
type slotState struct {
	held      bool
	freed     bool                   // given up, and nothing known since
	void      map[wire.Stream]uint64 // what had been folded when it was given up last: of this slot that is not known any more
	known     wire.Vector
	gcCounter uint64
	sure      map[wire.Stream]uint64 // what K says of these is true
	whole     wire.Vector            // the last vector that was found to be true
}

func (t *Truth) newState(node ids.Node) *state {
	return &state{
		node: node, items: make([]*Write, len(t.keys)), slots: make([]slotState, t.cfg.Space.Slots()),
		live: map[wire.Stream]uint64{}, folded: map[wire.Stream]uint64{},
	}
}

func (s *state) clone() *state {
	c := *s
	c.items, c.slots = slices.Clone(s.items), slices.Clone(s.slots)
	c.live, c.folded = maps.Clone(s.live), maps.Clone(s.folded)
	for i := range c.slots {
		c.slots[i].sure = maps.Clone(c.slots[i].sure)
	}
	return &c
}

// Begin notes that a node starts with nothing.
func (t *Truth) Begin(node ids.Node, boot ids.Boot) *Incarnation {
	l := &Incarnation{
		Node: node, t: t, boot: boot, born: t.world.Now(), booted: t.world.Now(), written: t.newState(node), durable: t.newState(node),
		ever: make([]*Write, len(t.keys)), had: make([][]arrival, len(t.keys)), since: make([]wire.Instant, len(t.keys)), remembered: map[ids.Request]bool{}, finished: map[wire.NodeBoot]uint64{},
		leftAt: map[*view]wire.Instant{},
		acked:  map[*stream]uint64{}, viewsKnown: map[ids.View]bool{}, cuts: map[ids.View]bool{},
	}
	t.incarnations[node] = l
	return l
}

// Restart notes that an incarnation goes on in another boot with what was durable.
func (l *Incarnation) Restart(boot ids.Boot) {
	l.boot, l.booted = boot, l.t.world.Now()
	l.unsynced, l.ready = nil, false
	clear(l.acked)
	l.written = l.durable.clone()
	if l.view != l.written.view {
		l.comeTo(l.written.view)
	}
	l.remembered, l.finished = map[ids.Request]bool{}, map[wire.NodeBoot]uint64{}
}

// Boot is the present boot.
func (l *Incarnation) Boot() ids.Boot { return l.boot }

// Shows notes that an incarnation shows whether it is ready for all its slots.
func (l *Incarnation) Shows(ready bool) { l.ready = ready }

// Has reports that an incarnation has a write, or what won over it, or knows that it was
// deleted and collected.
func (l *Incarnation) Has(w *Write) bool { return l.written.keeps(l.t, w) }

// Item is what an incarnation has written of a key; nil: nothing.
func (l *Incarnation) Item(key int) *Write { return l.written.items[key] }

// Adopt notes that a view was written, and reports whether it is another one than
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
		l.leftAt[l.view] = now
	}
	delete(l.leftAt, v)
	l.view, l.adoptedAt = v, now
}

// adopt begins a view.
func (s *state) adopt(v *view) {
	if s.view != v {
		s.view = v
		maps.Copy(s.folded, s.live)
		clear(s.live)
	}
}

// DurableUpTo is told what has become durable.
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

func (l *Incarnation) becomeDurable(c *core.CausalWrite) {
	t, s := l.t, l.durable
	s.change(t, c)
	for _, r := range c.Free {
		for key := range l.had {
			if h := t.keys[key].hash; r.First <= h && h <= r.Last {
				l.had[key] = nil // it is with its owners, who may lose it
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

// writeOf is the write of an item that was checked before.
func (t *Truth) writeOf(item *wire.Item) *Write {
	d := item.Version.Dot
	if s := t.streams[d.Stream]; s != nil && d.N >= 1 && d.N <= uint64(len(s.writes)) {
		return s.writes[d.N-1]
	}
	return nil
}

// change does what a write says, without a judgement.
func (s *state) change(t *Truth, c *core.CausalWrite) {
	if c.Reset {
		*s = *t.newState(s.node)
	}
	for _, r := range c.Free {
		s.free(t, r)
	}
	for i := range c.Put {
		if w := t.writeOf(&c.Put[i]); w != nil {
			s.items[w.Key] = w
		}
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
}

// free takes the items of a range away, and K of its slots.
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

// has reports that a state has a write, or what won over it, or that it was deleted
// and collected.
func (s *state) has(t *Truth, w *Write) bool {
	if held := s.items[w.Key]; held != nil {
		return !above(w.Version, held.Version)
	}
	c := t.keys[w.Key].collected
	return c != nil && !above(w.Version, c.Version)
}

// keeps is has, by what the state knows itself: who holds nothing of a slot does not
// stand for what was deleted in it and collected.
func (s *state) keeps(t *Truth, w *Write) bool {
	if s.items[w.Key] != nil || !s.has(t, w) {
		return s.has(t, w)
	}
	x, d := &s.slots[t.keys[w.Key].slot], w.Version.Dot
	return x.known.At(d.Stream) >= d.N || !x.freed && max(s.live[d.Stream], s.folded[d.Stream]) >= d.N
}

// satisfied reports that K of a state covers a write.
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

// lie is a write that a claim "of this slot everything in this stream up to n" covers
// and the state has not got (I15); a claim beyond the end of the stream is one, too.
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

// outlives reports that a key has less than a write, because that was collected with
// what won over it, and what the key has was written where nobody knew of it: whoever
// claims to have the one claims nothing of the other.
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

// claim fails an incarnation that says it knows what it has not got.
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

// stillHeld leaves out what was given up since an answer was made, which waited until
// what it speaks of was durable: it speaks of then. What its receiver makes of it is
// judged there.
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

// claims holds all that holdings say against a state.
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
