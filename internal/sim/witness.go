package sim

import (
	"bytes"
	"slices"

	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// witness is the certificate of a run (STRONG.md §1). Under a sane operator all
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

// birth is where a ballot's log begins.
type birth struct {
	at      int // entries before it
	base    wire.Base
	bound   []wire.Sighting
	members []wire.Member
	active  bool // its primary has swapped it in
}

// owner is the one life of the one primary of a ballot (I21).
type owner struct {
	node wire.NodeID
	boot wire.Boot
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

// staged notes where a ballot's log will begin: after the first Length entries of
// its base's. All members must have been given the same base.
func (t *witness) staged(n *node, s *wire.Write) {
	b := s.Ballot
	if birth := t.births[b]; birth != nil {
		if birth.base.Source != s.Base.Source || birth.base.Length != s.Base.Length || !slices.Equal(birth.bound, s.Bound) {
			t.w.fail("lineage", "node %d has another base of %s: %+v and %+v", n.id, name(b), s.Base, birth.base)
		}
		return
	}
	source := t.births[s.Base.Source]
	if source == nil {
		t.w.fail("lineage", "node %d stages a base of %s, which nobody had", n.id, name(s.Base.Source))
		return
	}
	t.births[b] = &birth{at: source.at + int(s.Base.Length), base: s.Base, bound: s.Bound, members: s.Members}
}

// logged notes entries that a node appends to its log. The logs of one ballot are
// prefixes of one another: one primary wrote them, in one life.
func (t *witness) logged(n *node, x *wire.Write) {
	log := t.logs[x.Ballot]
	for i := range x.Entries {
		e := &x.Entries[i]
		switch k := e.Stamp.Index; {
		case k == 0 || e.Stamp.Ballot != x.Ballot || k > uint64(len(log))+1:
			t.w.fail("lineage", "node %d appends %s to %d entries of %s", n.id, describeEntry(e), len(log), name(x.Ballot))
			return
		case k == uint64(len(log))+1:
			log = append(log, *e)
		case !sameEntry(e, &log[k-1]):
			t.w.fail("agreement", "node %d appends %s, another node %s", n.id, describeEntry(e), describeEntry(&log[k-1]))
		}
	}
	t.logs[x.Ballot] = log
}

// entryAt is the entry at a position of the history that a ballot begins with.
func (t *witness) entryAt(b wire.Ballot, at int) *wire.Entry {
	for at <= t.births[b].at {
		b = t.births[b].base.Source
	}
	if i := at - t.births[b].at - 1; i < len(t.logs[b]) {
		return &t.logs[b][i]
	}
	return nil
}

// swapped notes that a node made a staged base its history. The first to do so
// is the primary: its ballot is active from here on. Under a later promise the
// ballot may never have become active; the state is then ahead of the witness
// and nobody may read it.
func (t *witness) swapped(n *node, s *wire.Write) {
	w := t.w
	b := s.Ballot
	birth := t.births[b]
	if !s.Fresh && !t.descends(b, n.oath.hist) {
		w.fail("lineage", "node %d puts the tail of %s on a state of %s, which it was not built from", n.id, name(b), name(n.oath.hist))
		return
	}
	if !birth.active && n.oath.promised == b {
		t.activated(n, b, birth)
	}
	if s.Fresh {
		n.oath.at = birth.at - len(s.Entries)
	}
	if n.oath.at < 0 || n.oath.at+len(s.Entries) != birth.at {
		w.fail("lineage", "node %d has %d entries and a tail of %d for %s, which begins after %d",
			n.id, n.oath.at, len(s.Entries), name(b), birth.at)
		return
	}
	n.oath.fresh = s.Fresh
	n.oath.hist = b
	w.operator.complete(n, b.View)
}

// settled checks, after a step, the state that a node took over in it.
func (t *witness) settled(n *node) {
	if n.oath.fresh && t.w.failure == nil && n.oath.at <= len(t.entries) {
		t.compareStore(n)
	}
	n.oath.fresh = false
}

// activated checks that every member has the base (I5), that nothing committed
// is missing in it, and who activates it.
func (t *witness) activated(n *node, b wire.Ballot, birth *birth) {
	w := t.w
	w.note("%s is active at node %d, position %d", name(b), n.id, birth.at)
	if primary := birth.members[0].ID; primary != n.id {
		w.fail("I21", "node %d swaps in %s before its primary, node %d", n.id, name(b), primary)
		return
	}
	t.owns(n, b)
	if len(birth.bound) != len(birth.members) {
		w.fail("I5", "%s is active and counts on %d of %d members", name(b), len(birth.bound), len(birth.members))
		return
	}
	for i, x := range birth.bound {
		life := t.lives[x.Node][x.Inc]
		if x.Node != birth.members[i].ID || life == nil || !life.hasStaged(b) {
			w.fail("I5", "%s is active and node %d has not got its base", name(b), x.Node)
			return
		}
	}
	birth.active = true
	switch {
	case t.descends(t.active, b):
		// Late: a primary that was away finds that all have its base. They have
		// gone on since, with all that was in it, so nobody will follow.
		w.counts.add("world", "ballot active too late")
		return
	case !t.descends(b, t.active):
		w.fail("lineage", "%s is active and not built from %s, which was active before", name(b), name(t.active))
	case birth.at < len(t.entries):
		w.fail("durability", "%s begins after %d entries, %d are committed", name(b), birth.at, len(t.entries))
	default:
		t.active = b
		w.counts.add("world", "ballot active")
		w.operator.active(b.View)
		for w.failure == nil && len(t.entries) < birth.at {
			t.append(n, t.entryAt(b, len(t.entries)+1))
		}
	}
}

// descends reports whether a ballot is another one or was built from it.
func (t *witness) descends(b, from wire.Ballot) bool {
	for b != from && !b.IsZero() {
		b = t.births[b].base.Source
	}
	return b == from
}

// applied checks the next entry that a node applies.
func (t *witness) applied(n *node, e *wire.Entry) {
	w := t.w
	if w.failure != nil {
		return
	}
	birth := t.births[e.Stamp.Ballot]
	if birth == nil {
		w.fail("lineage", "node %d applies an entry of %s, which nobody had", n.id, name(e.Stamp.Ballot))
		return
	}
	at := birth.at + int(e.Stamp.Index)
	if at != n.oath.at+1 {
		w.fail("lineage", "node %d has applied %d entries and now applies the one at %d", n.id, n.oath.at, at)
		return
	}
	n.oath.at = at
	known := t.entryAt(n.oath.hist, at)
	switch {
	case at <= len(t.entries):
		known = &t.entries[at-1]
	case at > t.births[n.oath.hist].at && t.mayCommit(n, e, birth):
		t.append(n, e)
	case at <= t.births[n.oath.hist].at && t.births[n.oath.hist].active:
		w.fail("lineage", "node %d applies %s with the base of %s, which is active without it", n.id, describeEntry(e), name(n.oath.hist))
	}
	if known == nil || !sameEntry(e, known) {
		w.fail("agreement", "node %d applies %s at %d, another node has another entry there", n.id, describeEntry(e), at)
	}
}

// mayCommit checks the first application of an entry beyond a base: by the
// primary of its ballot, when every member has it durably (I4).
func (t *witness) mayCommit(n *node, e *wire.Entry, birth *birth) bool {
	w := t.w
	b := e.Stamp.Ballot
	if own := t.owners[b]; own.node != n.id || own.boot != n.boot || n.oath.hist != b {
		w.fail("I6", "node %d applies (%s, %d) before its primary committed it", n.id, name(b), e.Stamp.Index)
		return false
	}
	if n.oath.promised != b && n.oath.before != b { // it may commit first and promise then, in one step
		w.fail("I1", "node %d commits in %s and has promised %s", n.id, name(b), name(n.oath.promised))
		return false
	}
	for _, x := range birth.bound {
		if life := t.lives[x.Node][x.Inc]; life.durable[b] < e.Stamp.Index {
			w.fail("I4", "node %d commits (%s, %d); at node %d only %d are durable", n.id, name(b), e.Stamp.Index, x.Node, life.durable[b])
			return false
		}
	}
	return true
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
	//maporder:ok a sum
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
