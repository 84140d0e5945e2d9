package truth

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/wire"
)

// Op is a request of a client, with the context that it was sent with.
type Op struct {
	Token  uint64 // also the last part of the tag of its writes
	Read   bool
	List   bool
	Delete bool
	Key    int // number of the key; not used by a List
	Value  []byte
	Past   Past         // the past that Sent stands for
	Sent   wire.Context // the context that the client sent
	Asked  wire.Instant // when the client sent it
	Over   wire.Instant // when the client was answered, or the node knew that it left; 0: not yet
	ceil   uint64       // the ceiling of Sent
	Writes []*Write     // the writes that it made: several if owners took it that could not reach each other
}

// Write is one version of a key.
type Write struct {
	Key     int // number of the key
	Version wire.CausalVersion
	Item    *wire.Item // as it was written first
	Op      *Op
	Past    Past         // all that it causally depends on, earlier writes of its own key included
	At      wire.Instant // when its node wrote it
	Acked   wire.Instant // when its client was answered; 0: not yet
	durable bool         // at the node that wrote it, at least

	shaken    bool         // an incarnation that held it, or a larger version, has lost its state
	shakenAt  wire.Instant // when that happened first
	lost      bool         // no incarnation holds it or a write that won over it
	spared    bool         // a node was excused from showing it, because the node could not know that it is not lost
	forgotten bool         // a tombstone above it was collected while an unknown node held a lower version
	displaced []*Write     // smaller versions of its key whose place it took in the context of an answer
}

func (w *Write) String() string {
	what := "put"
	if w.Item.Deleted {
		what = "delete"
	}
	return fmt.Sprintf("%s %q %s", what, w.Item.Key, VersionString(w.Version))
}

// Excused reports that no node need show a write any more.
func (w *Write) Excused() bool { return w.lost || w.forgotten }

// Spared reports that a node was excused from showing a write that it could not know of.
func (w *Write) Spared() bool { return w.spared }

// VersionString renders a version for people.
func VersionString(v wire.CausalVersion) string {
	if v.IsZero() {
		return "none"
	}
	s := v.Dot.Stream
	return fmt.Sprintf("%d@%d (v%d.%d/%04x, boot %04x, %d)", v.Counter, s.Node, s.View.Number, s.View.Author, uint16(s.View.Boot), uint16(s.Boot), v.Dot.N)
}

const tagPrefix = "causal/"

// Tag is the content type of all writes of an operation, so that a write can be traced to
// it.
func Tag(token uint64) string { return tagPrefix + strconv.FormatUint(token, 10) }

func (t *Truth) opOf(item *wire.Item) *Op { return t.Tagged(item.ContentType) }

// Tagged returns the operation of a tag; nil: no client made it.
func (t *Truth) Tagged(tag string) *Op {
	digits, ok := strings.CutPrefix(tag, tagPrefix)
	token, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || token >= uint64(len(t.ops)) {
		return nil
	}
	return t.ops[token]
}

// Asked records a request and gives it its token.
func (t *Truth) Asked(o *Op) {
	o.Token = uint64(len(t.ops))
	o.Asked, o.ceil = t.world.Now(), o.Sent.Ceil
	t.ops = append(t.ops, o)
}

// Op returns a request by its token; nil: no client made it.
func (t *Truth) Op(token uint64) *Op {
	if token < uint64(len(t.ops)) {
		return t.ops[token]
	}
	return nil
}

// find returns the write of an item. It fails the run if no node wrote it ("thin air"), or
// if the same dot has another content (I16).
func (t *Truth) find(by *Incarnation, item *wire.Item) *Write {
	d := item.Version.Dot
	s := t.streams[d.Stream]
	if s == nil || d.N == 0 || d.N > uint64(len(s.writes)) {
		t.fail("thin air", "node %d has %q %s, which nobody wrote", by.Node, item.Key, VersionString(item.Version))
		return nil
	}
	w := s.writes[d.N-1]
	if !same(w.Item, item) {
		t.fail("I16", "node %d has %q %s %q, another one %s %q", by.Node, item.Key, VersionString(item.Version), item.ContentType, w, w.Item.ContentType)
		return nil
	}
	return w
}

func same(a, b *wire.Item) bool {
	return a.Key == b.Key && a.Version == b.Version && a.Deleted == b.Deleted && a.ContentType == b.ContentType && bytes.Equal(a.Value, b.Value)
}

// register records a write when its node first writes it, and checks its dot (I16), its
// request ("thin air") and its version (mayTake).
func (t *Truth) register(l *Incarnation, item *wire.Item) *Write {
	d := item.Version.Dot
	s := t.streams[d.Stream]
	if s == nil {
		s = &stream{id: d.Stream}
		t.streams[d.Stream] = s
		t.order = append(t.order, s)
	}
	switch {
	case l.view == nil || d.Stream.View != l.view.id || d.Stream.Node != l.Node || d.Stream.Boot != l.boot:
		t.fail("I16", "node %d, boot %x, writes %q %s under another's name", l.Node, l.boot, item.Key, VersionString(item.Version))
		return nil
	case d.N != uint64(len(s.writes))+1:
		t.fail("I16", "node %d writes %q %s, its last number is %d", l.Node, item.Key, VersionString(item.Version), len(s.writes))
		return nil
	}
	o, key := t.opOf(item), t.Key(item.Key)
	if o == nil || key < 0 || o.Key != key || o.Delete != item.Deleted || !item.Deleted && !bytes.Equal(o.Value, item.Value) || o.Read {
		t.fail("thin air", "node %d writes %q %s %q, which nobody asked for", l.Node, item.Key, VersionString(item.Version), item.ContentType)
		return nil
	}
	w := &Write{Key: key, Version: item.Version, Item: item, Op: o, Past: o.Past, At: t.world.Now()}
	t.mayTake(l, w)
	s.writes = append(s.writes, w)
	t.keys[key].writes = append(t.keys[key].writes, w)
	o.Writes = append(o.Writes, w)
	return w
}

// mayTake checks that a node may take a write (I19, I20), and that the version is above all
// that the client or the node knew (I13).
func (t *Truth) mayTake(l *Incarnation, w *Write) {
	k := &t.keys[w.Key]
	if !l.view.owns(l.Node, k.slot) {
		t.fail("I20", "node %d takes %s and does not own slot %d in its view", l.Node, w, k.slot)
		return
	}
	if l.view == l.frozenIn {
		t.fail("I25", "node %d takes %s in a view in which it has told that it takes no writes: nobody may ask it any more", l.Node, w)
		return
	}
	if p := w.Past.At(w.Key); p != nil && !t.excused(l, p, w.At) && !above(w.Version, p.Version) {
		t.fail("I13", "node %d writes %s, its context has %s", l.Node, w, p)
		return
	}
	for _, v := range k.writes {
		if l.written.satisfied(t, v) && !above(w.Version, v.Version) && !v.forgotten {
			t.fail("I13", "node %d writes %s and knows of %s", l.Node, w, v)
			return
		}
	}
	if c := k.collected; c != nil && !above(w.Version, c.Version) {
		if k.told[l] {
			t.fail("I19", "node %d takes %s, and was asked before %s was collected", l.Node, w, c)
			return
		}
		t.forget(c) // neither had this node heard of the tombstone, nor the collectors of this node
	}
	if most := t.mostCounter(l, w); w.Version.Counter > most {
		t.fail("counter", "node %d writes %s, the counter can be %d at most", l.Node, w, most)
		return
	}
	t.mayForward(l, w)
	t.stranger(l, w)
}

// mostCounter bounds the counter of a write. The bound is one above the versions of its
// key, the tombstones that were collected or announced, and the ceiling of the context.
// Other dependencies do not raise it.
func (t *Truth) mostCounter(l *Incarnation, w *Write) uint64 {
	k := &t.keys[w.Key]
	most := max(w.Op.ceil, t.collecting)
	for _, v := range k.writes {
		most = max(most, v.Version.Counter)
	}
	for i := range t.keys {
		if c := t.keys[i].collected; c != nil {
			most = max(most, c.Version.Counter)
		}
	}
	return most + 1
}

// Newer reports whether a write won over another one; nil: no write.
func Newer(w, over *Write) bool { return w != nil && exceeds(w, over) }
