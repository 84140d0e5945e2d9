package witness

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/wire"
)

// position returns the state that a node must hold.
func (t *Witness) position(n *world.Node) *state {
	return t.Histories[t.Of(n).Hist].states[t.Of(n).Index]
}

// CompareStore compares all that a node stores with the state at its position.
func (t *Witness) CompareStore(n *world.Node) {
	if t.w.Sched.Garbled() {
		return
	}
	snapshot := n.Store.Snapshot()
	if want := t.position(n).next; snapshot.Next() != want {
		t.w.Fail("state", "node %d has %d as its next number at (%s, %d), want %d",
			n.ID, snapshot.Next(), trace.Name(t.Of(n).Hist), t.Of(n).Index, want)
		return
	}
	t.compareRecords(n, snapshot.From(nil))
}

func (t *Witness) compareRecords(n *world.Node, records func(func(wire.Record) bool)) {
	if t.w.Sched.Garbled() {
		return
	}
	held := 0
	for rec := range records {
		held++
		t.CompareRecord(n, rec.Key, rec, true)
	}
	want := 0
	for _, v := range t.position(n).keys {
		if v != nil {
			want++
		}
	}
	if held != want {
		t.w.Fail("state", "node %d holds %d keys at (%s, %d), want %d", n.ID, held, trace.Name(t.Of(n).Hist), t.Of(n).Index, want)
	}
}

// CompareRecord compares a record that a node returned for a key with the state at the
// node's position.
func (t *Witness) CompareRecord(n *world.Node, key string, rec wire.Record, found bool) {
	if t.w.Sched.Garbled() {
		return
	}
	var want *value
	if i, err := strconv.Atoi(strings.TrimPrefix(key, "k")); err == nil && i < maxKeys {
		want = t.position(n).keys[i]
	}
	if found != (want != nil) || found && !want.is(&rec) {
		t.w.Fail("state", "node %d holds %q = %q %+v %+v (found: %v) at (%s, %d), want %+v",
			n.ID, key, trace.Short(rec.Value), rec.Version, rec.Stamp, found, trace.Name(t.Of(n).Hist), t.Of(n).Index, want)
	}
}

func (v *value) is(rec *wire.Record) bool {
	return bytes.Equal(rec.Value, v.data) && rec.ContentType == v.tag && rec.Version == v.version && rec.Stamp == v.stamp
}

// List checks a listing and returns its number.
func (t *Witness) List(n *world.Node) uint64 {
	s := n.Store.Snapshot()
	t.compareRecords(n, s.From(nil))
	return s.Next()
}

func sameEntry(a, b *wire.Entry) bool {
	return a.Stamp == b.Stamp && a.ID == b.ID && a.LowestOpen == b.LowestOpen && a.Result == b.Result &&
		a.Op.Kind == b.Op.Kind && a.Op.Key == b.Op.Key && a.Op.ContentType == b.Op.ContentType &&
		a.Op.Condition == b.Op.Condition && a.Op.Match == b.Op.Match && bytes.Equal(a.Op.Value, b.Op.Value)
}
