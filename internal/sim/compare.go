package sim

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/wire"
)

// position is the state that a node must hold.
func (t *witness) position(n *node) *state {
	return t.histories[t.of(n).hist].states[t.of(n).index]
}

// compareStore holds all that a node stores against the state at its position.
func (t *witness) compareStore(n *node) {
	if t.w.sched.garbled() {
		return
	}
	snapshot := n.store.Snapshot()
	if want := t.position(n).next; snapshot.Next() != want {
		t.w.fail("state", "node %d has %d as its next number at (%s, %d), want %d",
			n.id, snapshot.Next(), name(t.of(n).hist), t.of(n).index, want)
		return
	}
	t.compareRecords(n, snapshot.From(nil))
}

func (t *witness) compareRecords(n *node, records func(func(wire.Record) bool)) {
	if t.w.sched.garbled() {
		return
	}
	held := 0
	for rec := range records {
		held++
		t.compareRecord(n, rec.Key, rec, true)
	}
	want := 0
	for _, v := range t.position(n).keys {
		if v != nil {
			want++
		}
	}
	if held != want {
		t.w.fail("state", "node %d holds %d keys at (%s, %d), want %d", n.id, held, name(t.of(n).hist), t.of(n).index, want)
	}
}

func (t *witness) compareRecord(n *node, key string, rec wire.Record, found bool) {
	if t.w.sched.garbled() {
		return
	}
	var want *value
	if i, err := strconv.Atoi(strings.TrimPrefix(key, "k")); err == nil && i < maxKeys {
		want = t.position(n).keys[i]
	}
	if found != (want != nil) || found && !want.is(&rec) {
		t.w.fail("state", "node %d holds %q = %q %+v %+v (found: %v) at (%s, %d), want %+v",
			n.id, key, short(rec.Value), rec.Version, rec.Stamp, found, name(t.of(n).hist), t.of(n).index, want)
	}
}

func (v *value) is(rec *wire.Record) bool {
	return bytes.Equal(rec.Value, v.data) && rec.ContentType == v.tag && rec.Version == v.version && rec.Stamp == v.stamp
}

// list checks a listing and returns its number.
func (t *witness) list(n *node) uint64 {
	s := n.store.Snapshot()
	t.compareRecords(n, s.From(nil))
	return s.Next()
}

func sameEntry(a, b *wire.Entry) bool {
	return a.Stamp == b.Stamp && a.ID == b.ID && a.LowestOpen == b.LowestOpen && a.Result == b.Result &&
		a.Op.Kind == b.Op.Kind && a.Op.Key == b.Op.Key && a.Op.ContentType == b.Op.ContentType &&
		a.Op.Condition == b.Op.Condition && a.Op.Match == b.Op.Match && bytes.Equal(a.Op.Value, b.Op.Value)
}
