package truth

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/wire"
)

// Op is a client's request as the truth knows it.
type Op struct {
	Token  uint64
	Read   bool
	List   bool
	Delete bool
	Key    int
	Value  []byte
	Past   Past         // of the context that it was sent with
	Sent   wire.Context // that context
	Asked  wire.Instant
	Over   wire.Instant // when its client was answered, or its node knew that it left; 0: not yet
	ceil   uint64       // of that context
	Writes []*Write     // what it made: more than one if owners that could not hear each other took it
}

// Write is one version of a key.
type Write struct {
	Key     int
	Version wire.CausalVersion
	Item    *wire.Item // as it was first written
	Op      *Op
	Past    Past // all that it causally depends on; of its own key too
	At      wire.Instant
	Acked   wire.Instant // when its client was answered; 0: not yet
	durable bool         // where it was written, at least

	shaken    bool         // an incarnation that had it, or more, has lost its memory
	shakenAt  wire.Instant // the first time
	lost      bool         // all of them have
	spared    bool         // somebody did not show it who could not know that it is not lost
	forgotten bool         // a tombstone that wins over it was collected while somebody unknown had less
	displaced []*Write     // smaller versions of its key whose place it took in the context of an answer
}

func (w *Write) String() string {
	what := "put"
	if w.Item.Deleted {
		what = "delete"
	}
	return fmt.Sprintf("%s %q %s", what, w.Item.Key, VersionString(w.Version))
}

// Excused reports that nobody need see a write any more.
func (w *Write) Excused() bool { return w.lost || w.forgotten }

// Spared reports that somebody did not show a write who could not know better.
func (w *Write) Spared() bool { return w.spared }

// VersionString is a version as people speak of it.
func VersionString(v wire.CausalVersion) string {
	if v.IsZero() {
		return "none"
	}
	s := v.Dot.Stream
	return fmt.Sprintf("%d@%d (v%d.%d/%04x, boot %04x, %d)", v.Counter, s.Node, s.View.Number, s.View.Author, uint16(s.View.Boot), uint16(s.Boot), v.Dot.N)
}

const tagPrefix = "causal/"

// Tag is the content type of every write of an operation, so that it can be traced.
func Tag(token uint64) string { return tagPrefix + strconv.FormatUint(token, 10) }

func (t *Truth) opOf(item *wire.Item) *Op { return t.Tagged(item.ContentType) }

// Tagged is the operation of a tag; nil: nobody made it.
func (t *Truth) Tagged(tag string) *Op {
	digits, ok := strings.CutPrefix(tag, tagPrefix)
	token, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || token >= uint64(len(t.ops)) {
		return nil
	}
	return t.ops[token]
}

// Asked notes a request and gives it its token.
func (t *Truth) Asked(o *Op) {
	o.Token = uint64(len(t.ops))
	o.Asked, o.ceil = t.world.Now(), o.Sent.Ceil
	t.ops = append(t.ops, o)
}

// Op is a request by its token; nil: nobody made it.
func (t *Truth) Op(token uint64) *Op {
	if token < uint64(len(t.ops)) {
		return t.ops[token]
	}
	return nil
}

// find is the write of an item, if there is one and it is the same (I16).
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

// register notes a write when its node first writes it down.
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

// mayTake checks that a node may take a write, and that its version is the right one.
func (t *Truth) mayTake(l *Incarnation, w *Write) {
	k := &t.keys[w.Key]
	if !l.view.owns(l.Node, k.slot) {
		t.fail("I20", "node %d takes %s and does not own slot %d in its view", l.Node, w, k.slot)
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
		if boot, told := k.told[l]; told && boot == l.boot {
			t.fail("I19", "node %d takes %s, and was asked before %s was collected", l.Node, w, c)
			return
		}
		t.forget(c) // this node has not heard of the tombstone, nor had those who collected it of the node
	}
	if most := t.mostCounter(l, w); w.Version.Counter > most {
		t.fail("counter", "node %d writes %s, the counter can be %d at most", l.Node, w, most)
		return
	}
	t.mayForward(l, w)
	t.stranger(l, w)
}

// mostCounter bounds the counter of a write: by the versions of its key, the tombstones
// that went, or were about to, and what was folded in its context. What is merely depended on does
// not raise it.
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

// Newer reports that a write won over another one; nil: no write.
func Newer(w, over *Write) bool { return w != nil && exceeds(w, over) }
