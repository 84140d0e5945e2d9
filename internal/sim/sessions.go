package sim

import (
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// sessions are the clients of causal buckets, and what truly happened to the buckets:
// every write, message and answer of a node is held against that.
type sessions struct {
	w         *world
	truth     *truth.Truth
	has       map[*node]*truth.Incarnation
	members   func() nodes // of the list last commanded
	all       []*session
	requests  []*request // by token
	ended     int        // sessions that have ended
	forger    forger
	forwarded map[forwardedWrite]*request
	largest   int // bytes of the largest context that a session was given, as text, if the schedule asks for it
	scratch   []byte
}

func newSessions(w *world) *sessions {
	c := &w.sched.Causal
	ss := &sessions{w: w, has: map[*node]*truth.Incarnation{}, requests: []*request{nil}, forwarded: map[forwardedWrite]*request{}}
	ss.truth = truth.New(truth.Config{Nodes: w.sched.Nodes, Keys: c.Keys, Space: c.Space, Exact: c.Exact, Deps: c.Deps}, reporter{w})
	w.on.started = append(w.on.started, ss.started)
	w.on.lost = append(w.on.lost, func(n *node) { ss.of(n).Die() })
	w.on.gone = append(w.on.gone, ss.nodeGone)
	w.on.told = append(w.on.told, ss.told)
	w.on.durable = append(w.on.durable, func(n *node, seq uint64) { ss.of(n).DurableUpTo(seq) })
	w.on.shows = append(w.on.shows, func(n *node) { ss.of(n).Shows(n.shows.CausalReady) })
	if !w.sched.garbled() {
		w.on.wrote = append(w.on.wrote, ss.wrote)
		w.on.sent = append(w.on.sent, func(n *node, e *core.Envelope) { ss.truth.Sent(ss.of(n), e) })
		w.on.carried = append(w.on.carried, ss.noteForward)
	}
	return ss
}

// begin begins all sessions.
func (ss *sessions) begin(members func() nodes) {
	w := ss.w
	ss.members = members
	for id := range w.sched.Sessions {
		s := &session{all: ss, w: w, id: id, plan: &w.sched.Sessions[id], contexts: []heldContext{{from: -1}}}
		s.at = s.plan.Node % w.sched.Nodes
		ss.all = append(ss.all, s)
		s.think()
	}
}

// reporter is the world as the truth knows it.
type reporter struct{ w *world }

func (r reporter) Fail(check, format string, args ...any) { r.w.fail(check, format, args...) }
func (r reporter) Saw(what string)                        { r.w.counts.add("truth", what) }
func (r reporter) Now() wire.Instant                      { return r.w.now }

// of is the truth of what a process has now.
func (ss *sessions) of(n *node) *truth.Incarnation { return ss.has[n] }

func (ss *sessions) started(n *node, found *recoveredState) {
	if found != nil {
		ss.of(n).Restart(n.boot)
		return
	}
	ss.has[n] = ss.truth.Begin(n.id, n.boot)
}

// nodeGone ends what was open at a node that crashed.
func (ss *sessions) nodeGone(n *node) {
	for _, s := range ss.all {
		s.lost(n)
	}
}

// told takes what a node is told into account, before it acts on it.
func (ss *sessions) told(n *node, in core.Input) {
	ss.of(n).BeginStep()
	if a, ok := in.(*core.Abandon); ok && a.Token >= causalTokens && a.Token < forgedTokens {
		r := ss.requests[a.Token-causalTokens]
		r.gone, r.Over = true, ss.w.now
	}
}

// wrote takes a write into account, as far as it concerns causal buckets.
func (ss *sessions) wrote(n *node, x *core.Write) {
	switch x.Kind {
	case core.WriteMeta:
		if x.Meta.Present && ss.of(n).Adopt(x.Seq, &x.Meta.View) {
			ss.w.net.redeliverOldWrites(n)
		}
	case core.WriteCausal:
		ss.of(n).Wrote(x.Seq, x.Causal)
	}
}

// measure takes in a context that a session was given.
func (ss *sessions) measure(c *wire.Context) {
	if ss.w.sched.Measure {
		ss.scratch = wire.AppendContextText(ss.scratch[:0], "sim", nil, *c)
		ss.largest = max(ss.largest, len(ss.scratch))
	}
}

// compare holds all that a node stores of causal buckets against what it wrote.
func (ss *sessions) compare(n *node) {
	has := ss.of(n)
	held := 0
	for it := range n.store.CausalSnapshot().Items([]wire.HashRange{{Last: ^uint64(0)}}) {
		held++
		if x := has.Item(ss.truth.Key(it.Key)); x == nil || x.Version != it.Version {
			ss.w.fail("causal state", "node %d stores %s, it has written %v", n.id, itemString(it), x)
			return
		}
	}
	for key := range ss.w.sched.Causal.Keys {
		if has.Item(key) != nil {
			held--
		}
	}
	if held != 0 {
		ss.w.fail("causal state", "node %d stores %d items too many", n.id, held)
	}
}
