package witness

import (
	"slices"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// joins are the reports that a round received before it decided.
type joins struct {
	decided bool
	of      []joiner
}

// joiner is the content of one Join: the history of a boot, and its staged bases.
type joiner struct {
	node   ids.Node
	inc    ids.Incarnation
	boot   ids.Boot
	hist   ids.Ballot
	staged []ids.Ballot
}

// joined records a Join that arrives at the primary of its round.
func (t *Witness) joined(h wire.Header, m *wire.Join) {
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

// decided records that a round has decided: later reports do not count.
func (t *Witness) decided(b ids.Ballot) {
	if j := t.joins[b]; j != nil {
		j.decided = true
	}
}

// entriesBetween lists the entries between a position of one history and the start of
// another that was built from it. It returns false if the other was not built from it, or
// is a merge.
func (t *Witness) entriesBetween(old *History, index int, h *History) ([]*wire.Entry, bool) {
	var tail []*wire.Entry
	for h.no != 0 && !h.base.Merged() {
		x, from := t.Histories[h.base.Source], 0
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
func (t *Witness) lastEntries(h *History, n int) []*wire.Entry {
	var tail []*wire.Entry
	for h.no != 0 && !h.base.Merged() && len(tail) < n {
		x := t.Histories[h.base.Source]
		for i := int(h.base.Length); i > 0 && len(tail) < n; i-- {
			tail = append(tail, &x.log[i-1])
		}
		h = x
	}
	slices.Reverse(tail)
	return tail
}

// swapped records that a node made a staged base its history. The first node to do so is
// the primary: its ballot is active from then on.
func (t *Witness) swapped(n *world.Node, s *wire.Write) {
	w, o := t.w, t.Of(n)
	if w.Sched.Garbled() {
		o.Hist = s.Ballot
		return
	}
	h := t.Histories[s.Ballot]
	if h == nil {
		return // staging it has failed
	}
	ahead, ok := t.lastEntries(h, len(s.Entries)), true
	if !s.Fresh {
		ahead, ok = t.entriesBetween(t.Histories[o.Hist], o.Index, h)
	}
	if !ok || len(ahead) != len(s.Entries) {
		w.Fail("ancestry", "node %d puts a tail of %d entries of %s on (%s, %d), from which there are %d (built from it: %v)",
			n.ID, len(s.Entries), trace.Name(s.Ballot), trace.Name(o.Hist), o.Index, len(ahead), ok)
		return
	}
	if !h.Active {
		t.activated(n, h)
	}
	o.Hist, o.Index, o.ahead, o.fresh = s.Ballot, 0, ahead, s.Fresh
	o.Complete = s.Ballot.View
}

// checkTakenOver checks, after a step, the state that a node took over in that step.
func (t *Witness) checkTakenOver(n *world.Node) {
	if t.w.Failure != nil || t.w.Sched.Garbled() {
		return
	}
	if t.Of(n).fresh {
		t.CompareStore(n)
	}
	t.Of(n).fresh = false
	if len(t.Of(n).ahead) > 0 {
		t.w.Fail("ancestry", "node %d swaps %s in and does not apply %d entries of its tail", n.ID, trace.Name(t.Of(n).Hist), len(t.Of(n).ahead))
	}
}

// activated checks that every member has the base (I5), that the base lacks nothing
// committed, and which node activates the ballot (I21).
func (t *Witness) activated(n *world.Node, h *History) {
	w := t.w
	w.Note("%s is active at node %d, number %d", trace.Name(h.Ballot), n.ID, h.states[0].next)
	if primary := h.members[0].ID; primary != n.ID {
		w.Fail("I21", "node %d swaps in %s before its primary, node %d", n.ID, trace.Name(h.Ballot), primary)
		return
	}
	t.checkOwner(n, h.Ballot)
	if !t.checkBaseEverywhere(h) {
		return
	}
	h.Active = true
	if h.Closed {
		// A primary that was away finds that all members have its base. They have gone on
		// since, with all that was in the base, so no node will follow this ballot.
		w.Counts.Add("world", "ballot active too late")
		return
	}
	t.checkSane(h)
	t.checkKeepsCommitted(h)
	t.checkContributions(h)
	t.checkOwed(n, h)
	if w.Failure != nil {
		return
	}
	t.Active = h
	if h.base.Merged() {
		w.Counts.Add("world", "merge active")
	}
	w.Counts.Add("world", "ballot active")
	t.Operator.BallotActive(h.Ballot)
}

// checkBaseEverywhere checks that all members have the base durably (I5).
func (t *Witness) checkBaseEverywhere(h *History) bool {
	if len(h.bound) != len(h.members) {
		t.w.Fail("I5", "%s is active and counts on %d of %d members", trace.Name(h.Ballot), len(h.bound), len(h.members))
		return false
	}
	for i, x := range h.bound {
		bootCount := t.commitments[x.Node][x.Inc]
		if x.Node != h.members[i].ID || bootCount == nil || !bootCount.HasStaged(h.Ballot) {
			t.w.Fail("I5", "%s is active and node %d has not got its base", trace.Name(h.Ballot), x.Node)
			return false
		}
	}
	return true
}

// checkSane checks that the active ballots are one line, and that each contains all that is
// committed in the one before. If nothing was written in an active ballot, another ballot
// may continue its predecessor.
func (t *Witness) checkSane(h *History) {
	last := t.Active
	if t.w.Sched.RuledBy() != schedule.Sane {
		return
	}
	if bit := h.states[0].ops.lacks(last.states[last.Committed].ops); bit >= 0 {
		t.w.Fail("durability", "%s lacks %s, which is committed in %s", trace.Name(h.Ballot), t.took[bit], trace.Name(last.Ballot))
		return
	}
	if _, known := h.knows(last); !known && last.no < len(h.known) {
		h.learn(last, last.Committed)
	}
}

// checkKeepsCommitted checks that a ballot that becomes active contains all that is
// committed of the histories it was built from, and closes these histories.
func (t *Witness) checkKeepsCommitted(h *History) {
	for no, n := range h.known {
		x := t.byNumber[no]
		switch {
		case n == 0:
			continue
		case n-1 < x.Committed:
			t.w.Fail("durability", "%s was built from %d entries of %s, %d are committed", trace.Name(h.Ballot), n-1, trace.Name(x.Ballot), x.Committed)
		}
		if !x.Closed {
			x.limit, x.Closed = n-1, true
		}
		x.builtOn, x.limit = max(x.builtOn, n-1), min(x.limit, n-1)
	}
}

// checkContributions checks that the base contains every committed entry of every node that
// joined the round: no operator can make a view forget one. Where pasts are short, a
// history may be older than all pasts; then it is not checked.
func (t *Witness) checkContributions(h *History) {
	j := t.joins[h.Ballot]
	forgets := t.w.Sched.Limits.Past > 0
	for _, x := range h.bound {
		if j == nil || !slices.ContainsFunc(j.of, func(r joiner) bool { return r.node == x.Node && r.inc == x.Inc }) {
			t.w.Fail("I5", "%s is active and node %d has not joined it", trace.Name(h.Ballot), x.Node)
			return
		}
	}
	for _, r := range j.of {
		for _, b := range append(r.staged, r.hist) {
			x := t.Histories[b]
			if x == nil || !x.Active || forgets {
				continue
			}
			if bit := h.states[0].ops.lacks(x.states[x.Committed].ops); bit >= 0 {
				t.w.Fail("contribution", "%s lacks %s, which is committed in %s; node %d brought that along",
					trace.Name(h.Ballot), t.took[bit], trace.Name(b), r.node)
				return
			}
		}
	}
}

// checkOwed checks that a view does not become active without a history that its author
// knew of (I24). A history is excused if it was given up: by force, or because no node can
// supply it.
func (t *Witness) checkOwed(n *world.Node, h *History) {
	for _, b := range h.base.GivenUp {
		t.givenUp[b] = true
	}
	v := t.Of(n).view
	if v == nil || v.ID != h.Ballot.View || v.Force || t.w.Sched.Limits.Past > 0 {
		return
	}
	for _, k := range v.Known {
		if _, has := h.knows(t.Histories[k.Ballot]); !has && !t.givenUp[k.Ballot] {
			t.w.Fail("I24", "%s is active without %s, which its view knew of", trace.Name(h.Ballot), trace.Name(k.Ballot))
		}
	}
}

// applied checks the next entry that a node applies. It is the next of a base, or follows
// in the node's ballot.
func (t *Witness) applied(n *world.Node, e *wire.Entry) {
	w, o := t.w, t.Of(n)
	if w.Failure != nil || w.Sched.Garbled() {
		return
	}
	if len(o.ahead) > 0 {
		if want := o.ahead[0]; !sameEntry(e, want) {
			w.Fail("agreement", "node %d applies %s, another node %s", n.ID, trace.DescribeEntry(e), trace.DescribeEntry(want))
		}
		o.ahead = o.ahead[1:]
		return
	}
	if e.Stamp.Ballot != o.Hist || e.Stamp.Index != uint64(o.Index)+1 {
		w.Fail("ancestry", "node %d stands at (%s, %d) and applies (%s, %d)", n.ID, trace.Name(o.Hist), o.Index, trace.Name(e.Stamp.Ballot), e.Stamp.Index)
		return
	}
	h := t.Histories[o.Hist]
	if o.Index == len(h.log) {
		w.Fail("ancestry", "node %d applies %s, which nobody has logged", n.ID, trace.DescribeEntry(e))
		return
	}
	if known := &h.log[o.Index]; !sameEntry(e, known) {
		w.Fail("agreement", "node %d applies %s, another node %s", n.ID, trace.DescribeEntry(e), trace.DescribeEntry(known))
		return
	}
	if o.Index++; o.Index > h.Committed && t.mayCommit(n, h, o.Index) {
		h.Committed = o.Index
	}
}

// mayCommit checks the first application of an entry beyond a base. It must be by the
// primary of the ballot, when every member has the entry durably (I4). Once later ballots
// are active, only entries that all of them contain may still be committed.
func (t *Witness) mayCommit(n *world.Node, h *History, index int) bool {
	w := t.w
	b := h.Ballot
	if own := t.owners[b]; own.node != n.ID || own.boot != n.Boot {
		w.Fail("I6", "node %d applies (%s, %d) before its primary committed it", n.ID, trace.Name(b), index)
		return false
	}
	if h.Closed && index > h.limit || !h.Closed && w.Sched.RuledBy() == schedule.Sane && h != t.Active {
		w.Fail("I1", "node %d commits in %s, after %s became active", n.ID, trace.Name(b), trace.Name(t.Active.Ballot))
		return false
	}
	if t.Of(n).promised != b && t.Of(n).before.promised != b {
		w.Fail("I1", "node %d commits in %s and has promised %s", n.ID, trace.Name(b), trace.Name(t.Of(n).promised))
		return false
	}
	for _, x := range h.bound {
		if bootCount := t.commitments[x.Node][x.Inc]; bootCount.durable[b] < uint64(index) {
			w.Fail("I4", "node %d commits (%s, %d); at node %d only %d are durable", n.ID, trace.Name(b), index, x.Node, bootCount.durable[b])
			return false
		}
	}
	return true
}
