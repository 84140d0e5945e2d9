package clients

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/promptness"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Session is a client of causal buckets. It sends one request after another, each with the
// context of an earlier answer: as a rule the last one.
type Session struct {
	actor
	all      *Sessions
	Open     *Request            // nil: none
	time     *promptness.Request // time of Open, for the oracle of time
	contexts []heldContext       // of its answers, newest last; the first is that of a fresh client
}

// heldContext is a context that a client holds, with the writes that it stands for in
// truth.
type heldContext struct {
	context wire.Context
	past    truth.Past
	from    int // number of the answer that carried it, for the judge; -1: of a fresh client
}

// Request is one operation of a session.
type Request struct {
	*truth.Op
	session   *Session
	plan      *schedule.OpPlan
	context   heldContext
	Node      ids.Node // the node that it was sent to
	bootCount int      // of that node, so that answers of an earlier boot are noticed
	state     witness.OpState
	gone      bool // its node was told that the client is gone
	ended     wire.Instant
	version   wire.CausalVersion // the version that the answer gave to a write
	read      *truth.Write       // the write that a read found; nil: none
	listed    []seen
	pendingAt wire.Instant // when another owner last reported that the write waits there
}

// maxHeldContexts bounds the answers whose contexts a session keeps.
const maxHeldContexts = 16

func (r *Request) String() string {
	return fmt.Sprintf("%s %q of session %d at node %d (request %d, %s)", r.plan.Kind, truth.KeyName(r.plan.Key), r.session.id, r.Node, r.Token, witness.StateNames[r.state])
}

// contextFor returns the context that an operation is sent with.
func (s *Session) contextFor(p *schedule.OpPlan) heldContext {
	switch p.Context {
	case schedule.NoContext:
		return s.contexts[0]
	case schedule.OlderContext:
		return s.contexts[max(0, len(s.contexts)-1-p.Back)]
	case schedule.OtherClientsContext:
		return s.all.All[p.Back%len(s.all.All)].newest()
	default:
		return s.newest()
	}
}

func (s *Session) newest() heldContext { return s.contexts[len(s.contexts)-1] }

func (s *Session) issue() {
	w := s.w
	n := w.Nodes[s.at]
	if !n.Up {
		s.retry()
		return
	}
	p := &s.plan.Ops[s.next]
	g := s.contextFor(p)
	r := &Request{
		Op:      &truth.Op{Read: p.Kind.Reads(), List: p.Kind == schedule.List, Delete: p.Kind == schedule.Delete, Key: p.Key, Past: g.past, Sent: g.context},
		session: s, plan: p, context: g, Node: n.ID, bootCount: n.BootCount,
	}
	s.all.Truth.Asked(r.Op)
	s.all.requests = append(s.all.requests, r)
	s.Open, s.time = r, s.all.openRequest(r, n)
	w.Counts.Add("session", p.Kind.String())
	if w.Trace != nil {
		w.Note("session %d asks %s with %s", s.id, r, trace.ContextString(&g.context))
	}
	if p.Leave > 0 && !w.Calm {
		w.After(p.Leave, func() { s.Leave(r) })
	}
	if !w.Sched.Garbled() {
		s.all.watch(r, w.Now)
	}
	s.all.forge(n)
	n.Deliver(r.input())
}

// input returns the request as its node receives it.
func (r *Request) input() core.Input {
	token, key := schedule.CausalTokens+ids.Token(r.Token), truth.KeyName(r.Key)
	switch r.plan.Kind {
	case schedule.Get:
		return &core.CausalRead{Token: token, Key: key, Context: r.Sent}
	case schedule.List:
		return &core.CausalList{Token: token, Context: r.Sent}
	}
	op := wire.Op{Kind: wire.OpDelete, Key: key, ContentType: truth.Tag(r.Token)}
	if r.plan.Kind == schedule.Put {
		r.Value = []byte("v" + strconv.FormatUint(r.Token, 10) + strings.Repeat(".", r.plan.Size))
		op.Kind, op.Value = wire.OpPut, r.Value
	}
	return &core.CausalSubmit{Token: token, Op: op, Context: r.Sent}
}

// Leave gives a request up. Its node is told that the client is gone.
func (s *Session) Leave(r *Request) {
	if r.state != witness.Open {
		return
	}
	r.state, r.ended = witness.Left, s.w.Now
	s.w.Counts.Add("session", "left")
	if n := s.w.Nodes[r.Node]; n.BootCount == r.bootCount {
		n.Deliver(&core.Abandon{Token: schedule.CausalTokens + ids.Token(r.Token)})
	}
	s.done()
}

func (s *Session) done() {
	s.all.prompt.Drop(s.time)
	s.Open = nil
	s.next++
	s.think()
}

// lost ends the request that was open at a node when it crashed.
func (s *Session) lost(n *world.Node) {
	if r := s.Open; r != nil && r.Node == n.ID {
		r.state, r.ended, r.Over = witness.Lost, s.w.Now, s.w.Now
		s.w.Counts.Add("session", "lost")
		s.roam()
		s.done()
	}
}

// LeaveRemovedNode ends the session's request at a node that the last list does not name.
func (s *Session) LeaveRemovedNode() {
	if r := s.Open; r != nil && !s.members().Has(int(r.Node)) {
		s.Leave(r)
	}
	s.roam()
}

// requestOf returns the open request of a token. It fails the run if the request has ended
// already, or if its client left.
func (ss *Sessions) requestOf(n *world.Node, token ids.Token) *Request {
	i := uint64(token - schedule.CausalTokens)
	if i == 0 || i >= uint64(len(ss.requests)) {
		ss.w.Fail("answer", "node %d answers token %d, which nobody has", n.ID, token)
		return nil
	}
	r := ss.requests[i]
	if r.state == witness.Left && !r.gone {
		return nil
	}
	if r.state != witness.Open || r.Node != n.ID || r.bootCount != n.BootCount {
		ss.w.Fail("answer", "node %d answers %s again, or too late", n.ID, r)
		return nil
	}
	return r
}

// Answered takes the answer of a node to a session or to the forger.
func (ss *Sessions) Answered(n *world.Node, a core.Reply) {
	if a.Token >= schedule.ForgedTokens {
		ss.refusedForgery(n, a)
		return
	}
	w := ss.w
	r := ss.requestOf(n, a.Token)
	if r == nil {
		return
	}
	if w.Trace != nil {
		w.Note("node %d answers %s: outcome %d %s", n.ID, r, a.Outcome, trace.ResultString(a.Causal))
	}
	s := r.session
	switch {
	case a.Outcome == core.NotInView:
		if len(r.Writes) > 0 {
			w.Fail("503", "%s was refused and is %s", r, r.Writes[0])
		}
		r.state, r.ended = witness.Refused, w.Now
		w.Counts.Add("session", "turned away")
		s.all.prompt.Drop(s.time)
		s.Open = nil
		s.retry()
	case a.Outcome == core.InDoubt:
		if r.Read || w.Sched.Causal.Results == 0 && !w.Sched.Garbled() {
			w.Fail("answer", "%s is in doubt, and there is room to remember it", r)
		}
		r.state, r.ended, r.Over, r.gone = witness.Left, w.Now, w.Now, true
		w.Counts.Add("session", "in doubt")
		s.done()
	case a.Outcome == core.Implausible && w.Sched.Garbled(): // the context names writes that a garbled message made up
		r.state, r.ended, r.Over, r.gone = witness.Left, w.Now, w.Now, true
		w.Counts.Add("session", "not believed")
		s.done()
	case a.Outcome != core.Done || r.List:
		w.Fail("answer", "%s got the outcome %d", r, a.Outcome)
	case w.Sched.Garbled():
		s.answered(r, a.Causal, nil)
	case r.Read:
		past, read := ss.Truth.Read(ss.Of(n), r.Op, a.Causal)
		w.Counts.Add("session", "read")
		r.read = read
		s.answered(r, a.Causal, past)
	default:
		past := ss.Truth.Written(ss.Of(n), r.Op, a.Causal)
		w.Counts.Add("session", "answered")
		if w.Failure == nil {
			r.version = a.Causal.Item.Version
		}
		s.answered(r, a.Causal, past)
	}
}

// answered keeps the context of an answer.
func (s *Session) answered(r *Request, a *core.CausalResult, past truth.Past) {
	if s.w.Failure != nil {
		return
	}
	r.state, r.ended, r.Over = witness.Done, s.w.Now, s.w.Now
	s.all.prompt.Answered(s.time)
	r.Sent, r.context.context = wire.Context{}, wire.Context{}
	if len(s.contexts) > 2*maxHeldContexts {
		s.contexts = append(s.contexts[:1], s.contexts[len(s.contexts)-maxHeldContexts:]...)
	}
	s.w.Counts.AddIf(len(a.Context.CutRefs) > 0, "stable cut", "referenced by a context")
	s.contexts = append(s.contexts, heldContext{context: a.Context, past: past, from: int(r.Token)})
	s.all.measure(&a.Context)
	s.done()
}

// LastRound lets a session write and read once more.
func (s *Session) LastRound() {
	w := s.w
	key := w.Rng.IntN(w.Sched.Causal.Keys)
	s.plan = &schedule.ClientPlan{Node: s.plan.Node, Roams: true, Ops: []schedule.OpPlan{
		{Kind: schedule.Put, Key: key}, {Kind: schedule.List}, {Kind: schedule.Get, Key: key, Context: schedule.NoContext}, {Kind: schedule.Get, Key: w.Rng.IntN(w.Sched.Causal.Keys), Context: schedule.OtherClientsContext, Back: w.Rng.IntN(8)},
	}}
	s.next = 0
	s.roam()
	s.think()
}
