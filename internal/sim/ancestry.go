package sim

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// joins are the reports that a round has received before it decided.
type joins struct {
	decided bool
	of      []joiner
}

// joiner is what one boot reported in its Join: its history, and its staged bases.
type joiner struct {
	node   ids.Node
	inc    ids.Incarnation
	boot   ids.Boot
	hist   ids.Ballot
	staged []ids.Ballot
}

// joined notes a report that arrives at the primary of its round.
func (t *witness) joined(h wire.Header, m *wire.Join) {
	j := t.joins[m.Ballot]
	if j == nil {
		j = &joins{}
		t.joins[m.Ballot] = j
	}
	if j.decided {
		return
	}
	r := joiner{node: h.From, inc: h.Inc, boot: h.Boot, hist: m.History.Ballot}
	for i := range m.Staged {
		r.staged = append(r.staged, m.Staged[i].History.Ballot)
	}
	j.of = slices.DeleteFunc(j.of, func(o joiner) bool { return o.node == r.node })
	j.of = append(j.of, r)
}

// decided notes that a round has made up its mind.
func (t *witness) decided(b ids.Ballot) {
	if j := t.joins[b]; j != nil {
		j.decided = true
	}
}

// entriesBetween lists the entries between a position of one history and the start of
// another that was built from it. It returns false if the other was not built from it, or
// is a merge.
func (t *witness) entriesBetween(old *history, index int, h *history) ([]*wire.Entry, bool) {
	var tail []*wire.Entry
	for h.no != 0 && !h.base.Merged() {
		x, from := t.histories[h.base.Source], 0
		if x == old {
			from = index
		}
		for i := int(h.base.Length); i > from; i-- {
			tail = append(tail, &x.log[i-1])
		}
		if x == old {
			slices.Reverse(tail)
			return tail, index <= int(h.base.Length)
		}
		h = x
	}
	return nil, false
}

// lastEntries lists up to n entries before the start of a history.
func (t *witness) lastEntries(h *history, n int) []*wire.Entry {
	var tail []*wire.Entry
	for h.no != 0 && !h.base.Merged() && len(tail) < n {
		x := t.histories[h.base.Source]
		for i := int(h.base.Length); i > 0 && len(tail) < n; i-- {
			tail = append(tail, &x.log[i-1])
		}
		h = x
	}
	slices.Reverse(tail)
	return tail
}

// swapped notes that a node made a staged base its history. The first to do so
// is the primary: its ballot is active from here on.
func (t *witness) swapped(n *node, s *core.Write) {
	w, o := t.w, t.of(n)
	if w.sched.garbled() {
		o.hist = s.Ballot
		return
	}
	h := t.histories[s.Ballot]
	if h == nil {
		return // staging it has failed
	}
	ahead, ok := t.lastEntries(h, len(s.Entries)), true
	if !s.Fresh {
		ahead, ok = t.entriesBetween(t.histories[o.hist], o.index, h)
	}
	if !ok || len(ahead) != len(s.Entries) {
		w.fail("ancestry", "node %d puts a tail of %d entries of %s on (%s, %d), from which there are %d (built from it: %v)",
			n.id, len(s.Entries), name(s.Ballot), name(o.hist), o.index, len(ahead), ok)
		return
	}
	if !h.active {
		t.activated(n, h)
	}
	o.hist, o.index, o.ahead, o.fresh = s.Ballot, 0, ahead, s.Fresh
	o.complete = s.Ballot.View
}

// checkTakenOver checks, after a step, the state that a node took over in it.
func (t *witness) checkTakenOver(n *node) {
	if t.w.failure != nil || t.w.sched.garbled() {
		return
	}
	if t.of(n).fresh {
		t.compareStore(n)
	}
	t.of(n).fresh = false
	if len(t.of(n).ahead) > 0 {
		t.w.fail("ancestry", "node %d swaps %s in and does not apply %d entries of its tail", n.id, name(t.of(n).hist), len(t.of(n).ahead))
	}
}

// activated checks that every member has the base (I5), that nothing committed
// is missing in it, and which node activates it.
func (t *witness) activated(n *node, h *history) {
	w := t.w
	w.note("%s is active at node %d, number %d", name(h.ballot), n.id, h.states[0].next)
	if primary := h.members[0].ID; primary != n.id {
		w.fail("I21", "node %d swaps in %s before its primary, node %d", n.id, name(h.ballot), primary)
		return
	}
	t.checkOwner(n, h.ballot)
	if !t.checkBaseEverywhere(h) {
		return
	}
	h.active = true
	if h.closed {
		// A primary that was away finds that all have its base. They have gone on
		// since, with all that was in it, so no node will follow.
		w.counts.add("world", "ballot active too late")
		return
	}
	t.checkSane(h)
	t.checkKeepsCommitted(h)
	t.checkContributions(h)
	t.checkOwed(n, h)
	if w.failure != nil {
		return
	}
	t.active = h
	if h.base.Merged() {
		w.counts.add("world", "merge active")
	}
	w.counts.add("world", "ballot active")
	t.operator.active(h.ballot)
}

// checkBaseEverywhere checks that all members have the base durably (I5).
func (t *witness) checkBaseEverywhere(h *history) bool {
	if len(h.bound) != len(h.members) {
		t.w.fail("I5", "%s is active and counts on %d of %d members", name(h.ballot), len(h.bound), len(h.members))
		return false
	}
	for i, x := range h.bound {
		bootCount := t.commitments[x.Node][x.Inc]
		if x.Node != h.members[i].ID || bootCount == nil || !bootCount.hasStaged(h.ballot) {
			t.w.fail("I5", "%s is active and node %d has not got its base", name(h.ballot), x.Node)
			return false
		}
	}
	return true
}

// checkSane checks that the active ballots are one line, each with all that is
// committed in the one before. Nothing may have been written in a ballot that is
// active and not built on; then it is as good as one that is.
func (t *witness) checkSane(h *history) {
	last := t.active
	if t.w.sched.ruledBy() != Sane {
		return
	}
	if bit := h.states[0].ops.lacks(last.states[last.committed].ops); bit >= 0 {
		t.w.fail("durability", "%s lacks %s, which is committed in %s", name(h.ballot), t.took[bit], name(last.ballot))
		return
	}
	if _, known := h.knows(last); !known && last.no < len(h.known) {
		h.learn(last, last.committed)
	}
}

// checkKeepsCommitted checks that a ballot that becomes active has all that is committed of
// what it was built from, and closes that.
func (t *witness) checkKeepsCommitted(h *history) {
	for no, n := range h.known {
		x := t.byNumber[no]
		switch {
		case n == 0:
			continue
		case n-1 < x.committed:
			t.w.fail("durability", "%s was built from %d entries of %s, %d are committed", name(h.ballot), n-1, name(x.ballot), x.committed)
		}
		if !x.closed {
			x.limit, x.closed = n-1, true
		}
		x.builtOn, x.limit = max(x.builtOn, n-1), min(x.limit, n-1)
	}
}

// checkContributions checks that what every node that was heard had, if it is
// committed, is in the base: no operator can make a view forget it. (Where pasts are kept
// short, a history may be older than all pasts; then it does not count.)
func (t *witness) checkContributions(h *history) {
	j := t.joins[h.ballot]
	forgets := t.w.sched.Limits.Past > 0
	for _, x := range h.bound {
		if j == nil || !slices.ContainsFunc(j.of, func(r joiner) bool { return r.node == x.Node && r.inc == x.Inc }) {
			t.w.fail("I5", "%s is active and node %d has not joined it", name(h.ballot), x.Node)
			return
		}
	}
	for _, r := range j.of {
		for _, b := range append(r.staged, r.hist) {
			x := t.histories[b]
			if x == nil || !x.active || forgets {
				continue
			}
			if bit := h.states[0].ops.lacks(x.states[x.committed].ops); bit >= 0 {
				t.w.fail("contribution", "%s lacks %s, which is committed in %s; node %d brought that along",
					name(h.ballot), t.took[bit], name(b), r.node)
				return
			}
		}
	}
}

// checkOwed checks that a view does not become active without a history that its
// author had heard of, unless that was given up, by force or because it cannot be
// had (I24).
func (t *witness) checkOwed(n *node, h *history) {
	for _, b := range h.base.GivenUp {
		t.givenUp[b] = true
	}
	v := t.of(n).view
	if v == nil || v.ID != h.ballot.View || v.Force || t.w.sched.Limits.Past > 0 {
		return
	}
	for _, k := range v.Known {
		if _, has := h.knows(t.histories[k.Ballot]); !has && !t.givenUp[k.Ballot] {
			t.w.fail("I24", "%s is active without %s, which its view knew of", name(h.ballot), name(k.Ballot))
		}
	}
}

// applied checks the next entry that a node applies: the rest of a base, or what
// follows in its ballot.
func (t *witness) applied(n *node, e *wire.Entry) {
	w, o := t.w, t.of(n)
	if w.failure != nil || w.sched.garbled() {
		return
	}
	if len(o.ahead) > 0 {
		if want := o.ahead[0]; !sameEntry(e, want) {
			w.fail("agreement", "node %d applies %s, another node %s", n.id, describeEntry(e), describeEntry(want))
		}
		o.ahead = o.ahead[1:]
		return
	}
	if e.Stamp.Ballot != o.hist || e.Stamp.Index != uint64(o.index)+1 {
		w.fail("ancestry", "node %d stands at (%s, %d) and applies (%s, %d)", n.id, name(o.hist), o.index, name(e.Stamp.Ballot), e.Stamp.Index)
		return
	}
	h := t.histories[o.hist]
	if o.index == len(h.log) {
		w.fail("ancestry", "node %d applies %s, which nobody has logged", n.id, describeEntry(e))
		return
	}
	if known := &h.log[o.index]; !sameEntry(e, known) {
		w.fail("agreement", "node %d applies %s, another node %s", n.id, describeEntry(e), describeEntry(known))
		return
	}
	if o.index++; o.index > h.committed && t.mayCommit(n, h, o.index) {
		h.committed = o.index
	}
}

// mayCommit checks the first application of an entry beyond a base: by the
// primary of its ballot, when every member has it durably (I4). When later ballots
// are active, only what they all have may still be committed.
func (t *witness) mayCommit(n *node, h *history, index int) bool {
	w := t.w
	b := h.ballot
	if own := t.owners[b]; own.node != n.id || own.boot != n.boot {
		w.fail("I6", "node %d applies (%s, %d) before its primary committed it", n.id, name(b), index)
		return false
	}
	if h.closed && index > h.limit || !h.closed && w.sched.ruledBy() == Sane && h != t.active {
		w.fail("I1", "node %d commits in %s, after %s became active", n.id, name(b), name(t.active.ballot))
		return false
	}
	if t.of(n).promised != b && t.of(n).before.promised != b {
		w.fail("I1", "node %d commits in %s and has promised %s", n.id, name(b), name(t.of(n).promised))
		return false
	}
	for _, x := range h.bound {
		if bootCount := t.commitments[x.Node][x.Inc]; bootCount.durable[b] < uint64(index) {
			w.fail("I4", "node %d commits (%s, %d); at node %d only %d are durable", n.id, name(b), index, x.Node, bootCount.durable[b])
			return false
		}
	}
	return true
}
