package witness

import (
	"slices"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// History is what the witness knows of one ballot: where its log begins (its birth), the
// log as its primary wrote it, and the state at every position. Births make a graph: a
// plain base continues one history, a merged base joins several. States are computed along
// the graph, never taken from a node.
type History struct {
	no      int // by order of birth: larger than those of the histories that it was built from
	Ballot  ids.Ballot
	base    wire.Base       // what its log begins with
	bound   []wire.Sighting // the incarnations whose promises the ballot needs
	members []wire.Member
	known   []int // by number of a history: 1 + how many of its entries the base contains; 0: it is no ancestor

	log       []wire.Entry // as its primary wrote it, committed or not
	states    []*state     // states[i] is the state after i entries of log
	sent      []int        // by entry: the event at which its primary first sent it
	Committed int          // how many entries of log are committed
	builtOn   int          // the most entries of log that an active ballot was built from; groups may differ
	Active    bool         // its primary has swapped the base in
	Closed    bool         // an active ballot was built from it
	limit     int          // if Closed: the entries that every active ballot built from it contains

	observed   []observation // positions that clients have seen, by moment
	superseded uint64        // the moment at which a client first saw a later ballot; 0: never
}

// observation says that a client has seen a position at a moment.
type observation struct {
	moment uint64
	index  int
}

// owner is the one boot of the primary of a ballot (I21).
type owner struct {
	node ids.Node
	boot ids.Boot
}

// knows returns how many entries of x the base of h contains. It returns false if x is no
// ancestor.
func (h *History) knows(x *History) (int, bool) {
	if x == nil || x.no >= len(h.known) || h.known[x.no] == 0 {
		return 0, false
	}
	return h.known[x.no] - 1, true
}

func (h *History) learn(x *History, entries int) {
	h.known[x.no] = max(h.known[x.no], entries+1)
}

// floorAt returns the highest position that clients had seen up to a moment.
func (h *History) floorAt(moment uint64) int {
	for _, o := range slices.Backward(h.observed) {
		if o.moment <= moment {
			return o.index
		}
	}
	return 0
}

// born records where the log of a ballot will begin. All members must receive the same
// base.
func (t *Witness) born(n *world.Node, s *wire.Write) {
	if t.w.Sched.Garbled() {
		return
	}
	if h := t.Histories[s.Ballot]; h != nil {
		if h.base.Source != s.Base.Source || h.base.Length != s.Base.Length ||
			!slices.Equal(h.base.Sides, s.Base.Sides) || !slices.Equal(h.bound, s.Bound) {
			t.w.Fail("ancestry", "node %d has another base of %s: %+v and %+v", n.ID, trace.Name(s.Ballot), s.Base, h.base)
		}
		return
	}
	sides, ok := t.sidesOf(n, &s.Base)
	if !ok {
		return
	}
	h := &History{
		no: len(t.byNumber), Ballot: s.Ballot, base: s.Base, bound: s.Bound, members: s.Members,
		known: make([]int, len(t.byNumber)),
	}
	for _, s := range sides {
		for no, n := range s.h.known {
			h.known[no] = max(h.known[no], n)
		}
		h.learn(s.h, s.index)
	}
	t.checkPast(n, h)
	if s.Base.Merged() {
		t.mayMerge(h, sides)
		h.states = []*state{t.merged(sides)}
		t.merges = append(t.merges, h)
	} else {
		h.states = []*state{sides[0].state()}
	}
	t.byNumber = append(t.byNumber, h)
	t.Histories[s.Ballot] = h
}

// sidesOf returns the histories that a base is built from: one, or several.
func (t *Witness) sidesOf(n *world.Node, b *wire.Base) ([]side, bool) {
	from := b.Sides
	if !b.Merged() {
		from = []wire.PastBallot{{Ballot: b.Source, Count: b.Length}}
	}
	var sides []side
	for _, p := range from {
		x := t.Histories[p.Ballot]
		if x == nil || p.Count > uint64(len(x.log)) {
			t.w.Fail("ancestry", "node %d stages a base of (%s, %d), which nobody had", n.ID, trace.Name(p.Ballot), p.Count)
			return nil, false
		}
		sides = append(sides, side{x, int(p.Count)})
	}
	return sides, true
}

// checkPast checks what a base says about its ancestors (I8). A base may name a ballot in
// which nothing was written although it is no ancestor. The node that held that ballot has
// promised a later one, so the ballot is closed all the same.
func (t *Witness) checkPast(n *world.Node, h *History) {
	for _, p := range h.base.Past {
		x := t.Histories[p.Ballot]
		if x == nil {
			t.w.Fail("ancestry", "node %d builds %s on %s, which nobody had", n.ID, trace.Name(h.Ballot), trace.Name(p.Ballot))
			return
		}
		count, known := h.knows(x)
		if known && uint64(count) != p.Count || !known && p.Count != 0 {
			t.w.Fail("ancestry", "node %d builds %s on %d entries of %s, in truth it has %d", n.ID, trace.Name(h.Ballot), p.Count, trace.Name(p.Ballot), count)
			return
		}
		h.learn(x, count)
	}
}

// mayMerge checks that joined histories went apart because of the operator. Under a sane
// operator no histories go apart. Under a splitting operator a ballot that never was active
// must not be one of the sides, if a node that joined the round knew that.
func (t *Witness) mayMerge(h *History, sides []side) {
	w := t.w
	w.Note("%s merges %d histories", trace.Name(h.Ballot), len(sides))
	w.Counts.Add("world", "merged base")
	for _, s := range sides {
		switch {
		case w.Sched.RuledBy() == schedule.Sane:
			w.Fail("fork", "%s joins %d histories that went apart, %s is one of them", trace.Name(h.Ballot), len(sides), trace.Name(s.h.Ballot))
		case s.h.Active:
		case w.Sched.RuledBy() == schedule.Splitting && t.denied(s.h, t.joins[h.Ballot]):
			w.Fail("false merge", "%s joins (%s, %d), which never was active", trace.Name(h.Ballot), trace.Name(s.h.Ballot), s.index)
		default:
			w.Counts.Add("world", "merge with what never was active")
		}
	}
}

// denied reports whether one of the nodes that joined a round knew that a ballot never was
// active. Such a node is the ballot's primary, in the same boot, or a node that the ballot
// counts on (bound) and that does not have its base.
func (t *Witness) denied(h *History, j *joins) bool {
	if j == nil {
		return false
	}
	return slices.ContainsFunc(j.of, func(r joiner) bool {
		if own := t.owners[h.Ballot]; own.node == r.node && own.boot == r.boot {
			return true
		}
		has := slices.ContainsFunc(append(r.staged, r.hist), func(b ids.Ballot) bool {
			x := t.Histories[b]
			if x == nil {
				return false
			}
			_, known := x.knows(h)
			return x == h || known
		})
		return !has && slices.ContainsFunc(h.bound, func(s wire.Sighting) bool { return s.Node == r.node && s.Inc == r.inc })
	})
}

// logged records entries that a node appends to its log. The logs of one ballot are
// prefixes of one another, because one primary wrote them, in one boot.
func (t *Witness) logged(n *world.Node, x *wire.Write) {
	if t.w.Sched.Garbled() {
		return
	}
	h := t.Histories[x.Ballot]
	for i := range x.Entries {
		e := &x.Entries[i]
		switch k := e.Stamp.Index; {
		case t.w.Failure != nil:
			return
		case h == nil || k == 0 || e.Stamp.Ballot != x.Ballot || k > uint64(len(h.log))+1:
			t.w.Fail("ancestry", "node %d appends %s to what is known of %s", n.ID, trace.DescribeEntry(e), trace.Name(x.Ballot))
		case k == uint64(len(h.log))+1:
			t.ordered(n, h, e)
		case !sameEntry(e, &h.log[k-1]):
			t.w.Fail("agreement", "node %d appends %s, another node %s", n.ID, trace.DescribeEntry(e), trace.DescribeEntry(&h.log[k-1]))
		}
	}
}

// ordered records an entry when it is first written. It has the result that follows from
// the entries before it, and belongs to a request that is not among them (I11).
func (t *Witness) ordered(n *world.Node, h *History, e *wire.Entry) {
	w := t.w
	if own := t.owners[h.Ballot]; own.node != n.ID || own.boot != n.Boot {
		w.Fail("I21", "node %d appends %s before its primary", n.ID, trace.DescribeEntry(e))
		return
	}
	o := t.opOf(e)
	if o == nil {
		w.Fail("integrity", "node %d logs %s, which nobody asked for", n.ID, trace.DescribeEntry(e))
		return
	}
	if len(o.places) == 0 {
		o.bit = len(t.took)
		t.took = append(t.took, o)
	}
	before := h.states[len(h.log)]
	if before.ops.has(o.bit) {
		w.Fail("I11", "%s is in the history already and takes effect again at (%s, %d)", o, trace.Name(h.Ballot), e.Stamp.Index)
		return
	}
	if o.State == Refused {
		w.Fail("503", "%s was refused and takes effect", o)
		return
	}
	after, want := before.after(o, e)
	if e.Result != want {
		w.Fail("result", "%s has the result %+v, want %+v", o, e.Result, want)
		return
	}
	h.log = append(h.log, *e)
	h.states = append(h.states, after)
	o.places = append(o.places, place{h, int(e.Stamp.Index)})
	w.Counts.Add("result", trace.StatusNames[want.Status])
}
