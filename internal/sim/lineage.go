package sim

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

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
// is the primary: its ballot is active from here on.
func (t *witness) swapped(n *node, s *wire.Write) {
	w := t.w
	b := s.Ballot
	birth := t.births[b]
	if !s.Fresh && !t.begins(b, n.oath.at) {
		w.fail("lineage", "node %d puts the tail of %s on a state of %s that it was not built from", n.id, name(b), name(n.oath.hist))
		return
	}
	if !birth.active {
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
	if n.oath.fresh && t.w.failure == nil {
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
	late := b.Compare(t.active) < 0
	switch {
	case late && birth.at <= len(t.entries) && t.begins(b, birth.at):
		// A primary that was away finds that all have its base. They have gone on
		// since, with all that was in it, so nobody will follow.
		w.counts.add("world", "ballot active too late")
	case late || !t.begins(b, len(t.entries)):
		w.fail("durability", "%s begins after %d entries that are not those that are committed, %d in %s",
			name(b), birth.at, len(t.entries), name(t.active))
	default:
		t.active = b
		w.counts.add("world", "ballot active")
		w.operator.active(b.View)
		for w.failure == nil && len(t.entries) < birth.at {
			t.append(n, t.entryAt(b, len(t.entries)+1))
		}
	}
}

// begins reports whether the base of a ballot begins with the first entries that
// are committed. A stamp says all that was before it, so the last one decides.
func (t *witness) begins(b wire.Ballot, entries int) bool {
	if entries == 0 {
		return true
	}
	e := t.entryAt(b, entries)
	return entries <= t.births[b].at && e != nil && e.Stamp == t.entries[entries-1].Stamp
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
	if at > len(t.entries) {
		if t.mayCommit(n, e, birth) {
			t.append(n, e)
		}
		return
	}
	if known := &t.entries[at-1]; !sameEntry(e, known) {
		w.fail("agreement", "node %d applies %s at %d, another node %s", n.id, describeEntry(e), at, describeEntry(known))
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
	if b != t.active {
		w.fail("I1", "node %d commits in %s, after %s became active", n.id, name(b), name(t.active))
		return false
	}
	if n.oath.promised != b && n.oath.before.promised != b {
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
