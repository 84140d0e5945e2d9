package sim

import (
	"bytes"

	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// witness is the certificate of a run (docs/strong.md §7). Under a sane operator all
// nodes apply one sequence of entries, each node a prefix of it. The first node
// that applies an entry appends it here, and from then on every node must apply
// the very same one at that position. An operation takes effect when its entry
// is appended, a read when its number says; so linearizability is decided at
// once, by what happened in between:
//
//   - an answered write is in the sequence, once, with the result that follows
//     from the entries before it. It was appended after it was asked for and
//     before it was answered, so writes keep the order of real time;
//   - a read returns exactly the state before the number that it was given, and
//     that number is no lower than what any operation answered before the read
//     began has seen (floor), and no higher than the next one;
//   - what was answered with 503 is never in it.
//
// A ballot's log continues the sequence where the ballot's base ends, which
// gives every entry a position by its stamp alone.
type witness struct {
	w       *world
	entries []wire.Entry // entries[i] is at position i+1
	next    []uint64     // next[i] is the number of the next write after i entries
	keys    map[string][]keyState
	births  map[wire.Ballot]*birth
	logs    map[wire.Ballot][]wire.Entry // as its primary wrote it, committed or not
	owners  map[wire.Ballot]owner
	lives   []map[wire.Incarnation]*oath // by node
	ops     []*op                        // by token
	floor   uint64                       // what a read that begins now may not be below
	active  wire.Ballot                  // the last ballot that became active
}

// keyState is what a key holds from one number on.
type keyState struct {
	at      int // position of its entry
	num     uint64
	exists  bool
	value   []byte
	tag     string
	version wire.Version
}

func (t *witness) init(w *world) {
	t.w = w
	t.next = []uint64{1}
	t.keys = map[string][]keyState{}
	t.births = map[wire.Ballot]*birth{{}: {active: true}}
	t.logs = map[wire.Ballot][]wire.Entry{}
	t.owners = map[wire.Ballot]owner{}
	t.ops = []*op{nil}
	t.floor = 1
	t.lives = make([]map[wire.Incarnation]*oath, w.sched.Nodes)
}

func (t *witness) newLife(n *node) *oath {
	o := newOath(n)
	if t.lives[n.id] == nil {
		t.lives[n.id] = map[wire.Incarnation]*oath{}
	}
	t.lives[n.id][n.inc] = o
	return o
}

// append commits an entry: it has the result that follows from those before it,
// and belongs to a request that had none yet.
func (t *witness) append(n *node, e *wire.Entry) {
	w := t.w
	if e == nil {
		w.fail("lineage", "node %d activates a base with an entry that nobody logged", n.id)
		return
	}
	o := t.opOf(e)
	if o == nil {
		w.fail("integrity", "node %d commits %s, which nobody asked for", n.id, describeEntry(e))
		return
	}
	if o.at != 0 {
		w.fail("I11", "%s took effect at %d and again at %d", o, o.at, len(t.entries)+1)
		return
	}
	if o.state == refused {
		w.fail("503", "%s was refused and takes effect", o)
		return
	}
	next := t.next[len(t.entries)]
	want, after := t.decide(o, e, next)
	if e.Result != want {
		w.fail("result", "%s has the result %+v, want %+v", o, e.Result, want)
		return
	}
	t.entries = append(t.entries, *e)
	o.at = len(t.entries)
	if want.Status != wire.PreconditionFailed {
		after.at = o.at
		t.keys[e.Op.Key] = append(t.keys[e.Op.Key], after)
		next++
	}
	t.next = append(t.next, next)
	w.counts.add("result", statusNames[want.Status])
}

// opOf finds the client's operation that an entry stands for, by the tag that
// went with it, and checks that it is the same.
func (t *witness) opOf(e *wire.Entry) *op {
	token, ok := parseTag(e.Op.ContentType)
	if !ok || token >= uint64(len(t.ops)) {
		return nil
	}
	o := t.ops[token]
	if o.write.Kind != e.Op.Kind || o.write.Key != e.Op.Key || !bytes.Equal(o.write.Value, e.Op.Value) || o.node != e.ID.Node || o.boot != e.ID.Boot {
		return nil
	}
	return o
}

// decide is what an operation does when next is the next number. It is written
// down here once more, so that kv.Decide is under test as well.
func (t *witness) decide(o *op, e *wire.Entry, next uint64) (wire.Result, keyState) {
	cur := t.stateAt(o.write.Key, next)
	ok := true
	switch o.write.Condition {
	case wire.IfAbsent:
		ok = !cur.exists
	case wire.IfPresent:
		ok = cur.exists
	case wire.IfVersion:
		ok = cur.exists && cur.version == o.write.Match
	}
	if !ok {
		r := wire.Result{Status: wire.PreconditionFailed, MsgNum: next}
		if cur.exists {
			r.Version = cur.version
		}
		return r, cur
	}
	r := wire.Result{MsgNum: next, Version: wire.Version{MsgNum: next, Fingerprint: kv.Fingerprint(e.Stamp)}}
	put := o.write.Kind == wire.OpPut
	switch {
	case put && cur.exists:
		r.Status = wire.Replaced
	case put:
		r.Status = wire.Created
	case cur.exists:
		r.Status = wire.Deleted
	default:
		r.Status = wire.Absent
	}
	return r, keyState{num: next, exists: put, value: e.Op.Value, tag: e.Op.ContentType, version: r.Version}
}

// stateAt is what a key held when num was the number of the next write.
func (t *witness) stateAt(key string, num uint64) keyState {
	states := t.keys[key]
	for i := len(states) - 1; i >= 0; i-- {
		if states[i].num < num {
			return states[i]
		}
	}
	return keyState{}
}

// compareStore holds all that a node stores against the state at its position.
func (t *witness) compareStore(n *node) {
	snapshot := n.store.Snapshot()
	num := t.next[n.oath.at]
	if snapshot.Next() != num {
		t.w.fail("state", "node %d has %d as its next number at position %d, want %d", n.id, snapshot.Next(), n.oath.at, num)
		return
	}
	t.compareRecords(n, snapshot.From(nil), num)
}

func (t *witness) compareRecords(n *node, records func(func(wire.Record) bool), num uint64) {
	held := 0
	for rec := range records {
		held++
		t.compareRecord(n, rec.Key, rec, true, num)
	}
	want := 0
	for key := range t.keys {
		if t.stateAt(key, num).exists {
			want++
		}
	}
	if held != want {
		t.w.fail("state", "node %d holds %d keys before number %d, want %d", n.id, held, num, want)
	}
}

func (t *witness) compareRecord(n *node, key string, rec wire.Record, found bool, num uint64) {
	want := t.stateAt(key, num)
	if found != want.exists || found && (!bytes.Equal(rec.Value, want.value) || rec.ContentType != want.tag || rec.Version != want.version) {
		t.w.fail("state", "node %d holds %q = %q %+v (found: %v) before number %d, want %q %+v (%v)",
			n.id, key, short(rec.Value), rec.Version, found, num, short(want.value), want.version, want.exists)
	}
}

func sameEntry(a, b *wire.Entry) bool {
	return a.Stamp == b.Stamp && a.ID == b.ID && a.Mark == b.Mark && a.Result == b.Result &&
		a.Op.Kind == b.Op.Kind && a.Op.Key == b.Op.Key && a.Op.ContentType == b.Op.ContentType &&
		a.Op.Condition == b.Op.Condition && a.Op.Match == b.Op.Match && bytes.Equal(a.Op.Value, b.Op.Value)
}
