package clients

import (
	"github.com/cohortkv/cohort/internal/sim/promptness"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Sessions are the clients of causal buckets. They own the truth of the run, and give it
// every input, write, message and answer of a node at the moment of the event.
type Sessions struct {
	w         *world.World
	Truth     *truth.Truth                       // the oracle
	has       map[*world.Node]*truth.Incarnation // by process: its incarnation
	prompt    *promptness.Judge
	All       []*Session
	requests  []*Request // by token
	Ended     int        // sessions that have ended
	forger    forger
	forwarded map[forwardedWrite]*Request
	Largest   int // bytes of the largest context that a session was given, as text; measured only if the schedule asks for it
	scratch   []byte
}

// NewSessions adds the sessions of a schedule to a world that has no nodes yet. In garbled
// schedules the truth is not told of writes and messages, so it checks neither.
func NewSessions(w *world.World, prompt *promptness.Judge) *Sessions {
	c := &w.Sched.Causal
	ss := &Sessions{w: w, prompt: prompt, has: map[*world.Node]*truth.Incarnation{}, requests: []*Request{nil}, forwarded: map[forwardedWrite]*Request{}}
	ss.Truth = truth.New(truth.Config{Nodes: w.Sched.Nodes, Keys: c.Keys, Space: c.Space, Exact: c.Exact, Deps: c.Deps}, reporter{w})
	w.On.Started = append(w.On.Started, ss.started)
	w.On.Lost = append(w.On.Lost, func(n *world.Node) { ss.Of(n).Die() })
	w.On.Gone = append(w.On.Gone, ss.nodeGone)
	w.On.Told = append(w.On.Told, ss.told)
	w.On.Durable = append(w.On.Durable, func(n *world.Node, seq uint64) { ss.Of(n).DurableUpTo(seq) })
	w.On.Shows = append(w.On.Shows, func(n *world.Node) { ss.Of(n).Shows(n.Shows.CausalReady, n.Shows.LeftBehind) })
	if !w.Sched.Garbled() {
		w.On.Wrote = append(w.On.Wrote, ss.wrote)
		w.On.Sent = append(w.On.Sent, func(n *world.Node, e *core.Envelope) { ss.Truth.Sent(ss.Of(n), e) })
		w.On.Carried = append(w.On.Carried, ss.noteForward)
	}
	return ss
}

// Begin starts all sessions. members returns the nodes of the list that was commanded last.
func (ss *Sessions) Begin(members func() schedule.Nodes) {
	w := ss.w
	for id := range w.Sched.Sessions {
		s := &Session{actor: newActor(w, id, &w.Sched.Sessions[id], members, &ss.Ended), all: ss, contexts: []heldContext{{from: -1}}}
		s.send = s.issue
		ss.All = append(ss.All, s)
		s.think()
	}
}

// reporter gives the truth what it needs of the world: a clock, failures and counts.
type reporter struct{ w *world.World }

func (r reporter) Fail(check, format string, args ...any) { r.w.Fail(check, format, args...) }
func (r reporter) Saw(what string)                        { r.w.Counts.Add("truth", what) }
func (r reporter) Now() wire.Instant                      { return r.w.Now }

// Of returns the incarnation that a process has now.
func (ss *Sessions) Of(n *world.Node) *truth.Incarnation { return ss.has[n] }

func (ss *Sessions) started(n *world.Node, found *world.RecoveredState) {
	if found != nil {
		ss.Of(n).Restart(n.Boot)
		return
	}
	ss.has[n] = ss.Truth.Begin(n.ID, n.Boot)
}

// nodeGone ends the requests that were open at a node when it crashed.
func (ss *Sessions) nodeGone(n *world.Node) {
	for _, s := range ss.All {
		s.lost(n)
	}
}

// told takes an input of a node into account, before the node acts on it.
func (ss *Sessions) told(n *world.Node, in core.Input) {
	ss.Of(n).BeginStep()
	if m, ok := in.(*core.Received); ok {
		ss.Of(n).Heard(m.Header, m.Message)
	}
	if a, ok := in.(*core.Abandon); ok && a.Token >= schedule.CausalTokens && a.Token < schedule.ForgedTokens {
		r := ss.requests[a.Token-schedule.CausalTokens]
		r.gone, r.Over = true, ss.w.Now
	}
}

// wrote takes a write of a node into account, if it concerns causal buckets.
func (ss *Sessions) wrote(n *world.Node, x *wire.Write) {
	switch x.Kind {
	case wire.WriteMeta:
		if x.Meta.Present && ss.Of(n).Adopt(x.Seq, &x.Meta.View) {
			ss.w.Net.RedeliverOldWrites(n)
		}
	case wire.WriteCausal:
		ss.Of(n).Wrote(x.Seq, x.Causal)
	}
}

// measure takes the size of a context that a session was given.
func (ss *Sessions) measure(c *wire.Context) {
	if ss.w.Sched.Measure {
		ss.scratch = wire.AppendContextText(ss.scratch[:0], "sim", nil, *c)
		ss.Largest = max(ss.Largest, len(ss.scratch))
	}
}

// Compare compares all that a node stores of causal buckets with what it has written.
func (ss *Sessions) Compare(n *world.Node) {
	has := ss.Of(n)
	held := 0
	for it := range n.Store.CausalSnapshot().Items([]wire.HashRange{{Last: ^uint64(0)}}) {
		held++
		if x := has.Item(ss.Truth.Key(it.Key)); x == nil || x.Version != it.Version {
			ss.w.Fail("causal state", "node %d stores %s, it has written %v", n.ID, trace.ItemString(it), x)
			return
		}
	}
	for key := range ss.w.Sched.Causal.Keys {
		if has.Item(key) != nil {
			held--
		}
	}
	if held != 0 {
		ss.w.Fail("causal state", "node %d stores %d items too many", n.ID, held)
	}
}

// kindOf returns the kind of a request at the moment when its node receives it.
func (ss *Sessions) kindOf(r *Request, n *world.Node) promptness.Kind {
	switch has := ss.Of(n); {
	case r.Read && ss.Truth.Answerable(has, r.Op):
		return promptness.CausalRead
	case r.Read && (r.List || has.Owns(r.Key)):
		return promptness.CausalReadWaiting
	case r.Read:
		return promptness.CausalReadForwarded
	case has.Owns(r.Key):
		return promptness.CausalWrite
	default:
		return promptness.CausalWriteForwarded
	}
}

// openRequest starts the time of a request, for the oracle of time.
func (ss *Sessions) openRequest(r *Request, n *world.Node) *promptness.Request {
	time := ss.prompt.Open(r, ss.kindOf(r, n), n)
	if r.Read {
		time.Attainable = func() bool { return ss.Truth.Attainable(r.Op, ss.Of(n), ss.membersOf(n)) }
	}
	return time
}

// membersOf returns the incarnations of the members of a node's view.
func (ss *Sessions) membersOf(n *world.Node) (all []*truth.Incarnation) {
	for _, m := range n.Shows.View.Layout.Members() {
		all = append(all, ss.Of(ss.w.ProcessAt(m)))
	}
	return all
}
