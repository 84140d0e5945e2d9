package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// session is a client of causal buckets: it asks one thing after another, and sends
// along the context of an answer that it got, as a rule the last one.
type session struct {
	all      *sessions
	w        *world
	id       int
	plan     *ClientPlan
	at       int // node
	next     int // in the plan
	open     *request
	contexts []heldContext // the contexts it got, newest last; the first is a fresh client's
}

// heldContext is a context that a client holds, with the writes that it truly stands for.
type heldContext struct {
	context wire.Context
	past    truth.Past
	from    int // number of the answer that it came with, for the judge; -1: fresh
}

// request is one operation of a session.
type request struct {
	*truth.Op
	session   *session
	plan      *OpPlan
	context   heldContext
	node      ids.Node
	bootCount int
	state     opState
	gone      bool // its node was told that the client left
	ended     wire.Instant
	version   wire.CausalVersion // that was written, as it was answered
	read      *truth.Write       // nil: nothing
	listed    []seen
	pendingAt wire.Instant // when another owner last said that the write waits there
}

// maxHeldContexts bounds how many answers back a session takes a context from.
const maxHeldContexts = 16

func (r *request) String() string {
	return fmt.Sprintf("%s %q of session %d at node %d (request %d, %s)", r.plan.Kind, truth.KeyName(r.plan.Key), r.session.id, r.node, r.Token, stateNames[r.state])
}

// think waits before the next operation, or ends.
func (s *session) think() {
	if s.next >= len(s.plan.Ops) {
		s.all.ended++
		return
	}
	s.w.after(s.plan.Ops[s.next].Think+1, s.issue)
}

// retry asks for the same thing once more, in a new request.
func (s *session) retry() {
	s.roam()
	s.w.after(50*wire.Millisecond+s.w.upTo(300*wire.Millisecond), s.issue)
}

func (s *session) roam() {
	switch {
	case s.w.calm:
		s.at, _ = s.all.members().any(s.w.rng)
	case s.plan.Roams:
		s.at = s.w.rng.IntN(s.w.sched.Nodes)
	}
}

// contextFor is the context that goes along with an operation.
func (s *session) contextFor(p *OpPlan) heldContext {
	switch p.Context {
	case NoContext:
		return s.contexts[0]
	case OlderContext:
		return s.contexts[max(0, len(s.contexts)-1-p.Back)]
	case OtherClientsContext:
		return s.all.all[p.Back%len(s.all.all)].newest()
	default:
		return s.newest()
	}
}

func (s *session) newest() heldContext { return s.contexts[len(s.contexts)-1] }

func (s *session) issue() {
	w := s.w
	n := w.nodes[s.at]
	if !n.up {
		s.retry()
		return
	}
	p := &s.plan.Ops[s.next]
	g := s.contextFor(p)
	r := &request{
		Op:      &truth.Op{Read: p.Kind.reads(), List: p.Kind == List, Delete: p.Kind == Delete, Key: p.Key, Past: g.past, Sent: g.context},
		session: s, plan: p, context: g, node: n.id, bootCount: n.bootCount,
	}
	s.all.truth.Asked(r.Op)
	s.all.requests = append(s.all.requests, r)
	s.open = r
	w.counts.add("session", p.Kind.String())
	if w.trace != nil {
		w.note("session %d asks %s with %s", s.id, r, contextString(&g.context))
	}
	if p.Leave > 0 && !w.calm {
		w.after(p.Leave, func() { s.leave(r) })
	}
	if !w.sched.garbled() {
		s.all.watch(r, w.now)
	}
	s.all.forge(n)
	n.deliver(r.input())
}

// input is the request as its node is told of it.
func (r *request) input() core.Input {
	token, key := causalTokens+ids.Token(r.Token), truth.KeyName(r.Key)
	switch r.plan.Kind {
	case Get:
		return &core.CausalRead{Token: token, Key: key, Context: r.Sent}
	case List:
		return &core.CausalList{Token: token, Context: r.Sent}
	}
	op := wire.Op{Kind: wire.OpDelete, Key: key, ContentType: truth.Tag(r.Token)}
	if r.plan.Kind == Put {
		r.Value = []byte("v" + strconv.FormatUint(r.Token, 10) + strings.Repeat(".", r.plan.Size))
		op.Kind, op.Value = wire.OpPut, r.Value
	}
	return &core.CausalSubmit{Token: token, Op: op, Context: r.Sent}
}

// leave gives up; the node is told that the client is gone.
func (s *session) leave(r *request) {
	if r.state != open {
		return
	}
	r.state, r.ended = left, s.w.now
	s.w.counts.add("session", "left")
	if n := s.w.nodes[r.node]; n.bootCount == r.bootCount {
		n.deliver(&core.Abandon{Token: causalTokens + ids.Token(r.Token)})
	}
	s.done()
}

func (s *session) done() {
	s.open = nil
	s.next++
	s.think()
}

// lost ends what was open at a node that crashed.
func (s *session) lost(n *node) {
	if r := s.open; r != nil && r.node == n.id {
		r.state, r.ended, r.Over = lost, s.w.now, s.w.now
		s.w.counts.add("session", "lost")
		s.roam()
		s.done()
	}
}

// leaveRemovedNode ends the session's request at a node that the last list does not name.
func (s *session) leaveRemovedNode() {
	if r := s.open; r != nil && !s.all.members().has(int(r.node)) {
		s.leave(r)
	}
	s.roam()
}

// requestOf is the open request of a token. Every request ends once, and not after
// its client left.
func (ss *sessions) requestOf(n *node, token ids.Token) *request {
	i := uint64(token - causalTokens)
	if i == 0 || i >= uint64(len(ss.requests)) {
		ss.w.fail("answer", "node %d answers token %d, which nobody has", n.id, token)
		return nil
	}
	r := ss.requests[i]
	if r.state == left && !r.gone {
		return nil
	}
	if r.state != open || r.node != n.id || r.bootCount != n.bootCount {
		ss.w.fail("answer", "node %d answers %s again, or too late", n.id, r)
		return nil
	}
	return r
}

// answered takes a node's answer to a session, or to the forger.
func (ss *sessions) answered(n *node, a core.Reply) {
	if a.Token >= forgedTokens {
		ss.refusedForgery(n, a)
		return
	}
	w := ss.w
	r := ss.requestOf(n, a.Token)
	if r == nil {
		return
	}
	if w.trace != nil {
		w.note("node %d answers %s: outcome %d %s", n.id, r, a.Outcome, resultString(a.Causal))
	}
	s := r.session
	switch {
	case a.Outcome == core.NotInView:
		if len(r.Writes) > 0 {
			w.fail("503", "%s was refused and is %s", r, r.Writes[0])
		}
		r.state, r.ended = refused, w.now
		w.counts.add("session", "turned away")
		s.open = nil
		s.retry()
	case a.Outcome == core.InDoubt:
		if asked := w.now - r.Asked; r.Read || asked < wire.Second && !w.sched.garbled() {
			w.fail("answer", "%s is in doubt after %s", r, seconds(asked))
		}
		r.state, r.ended, r.Over, r.gone = left, w.now, w.now, true
		w.counts.add("session", "in doubt")
		s.done()
	case a.Outcome == core.Implausible && w.sched.garbled(): // its context names what a garbled message made up
		r.state, r.ended, r.Over, r.gone = left, w.now, w.now, true
		w.counts.add("session", "not believed")
		s.done()
	case a.Outcome != core.Done || r.List:
		w.fail("answer", "%s got the outcome %d", r, a.Outcome)
	case w.sched.garbled():
		s.answered(r, a.Causal, nil)
	case r.Read:
		past, read := ss.truth.Read(ss.of(n), r.Op, a.Causal)
		w.counts.add("session", "read")
		r.read = read
		s.answered(r, a.Causal, past)
	default:
		past := ss.truth.Written(ss.of(n), r.Op, a.Causal)
		w.counts.add("session", "answered")
		if w.failure == nil {
			r.version = a.Causal.Item.Version
		}
		s.answered(r, a.Causal, past)
	}
}

// answered keeps the context of an answer.
func (s *session) answered(r *request, a *core.CausalResult, past truth.Past) {
	if s.w.failure != nil {
		return
	}
	r.state, r.ended, r.Over = done, s.w.now, s.w.now
	r.Sent, r.context.context = wire.Context{}, wire.Context{}
	if len(s.contexts) > 2*maxHeldContexts {
		s.contexts = append(s.contexts[:1], s.contexts[len(s.contexts)-maxHeldContexts:]...)
	}
	s.w.counts.addIf(len(a.Context.CutRefs) > 0, "stable cut", "referenced by a context")
	s.contexts = append(s.contexts, heldContext{context: a.Context, past: past, from: int(r.Token)})
	s.all.measure(&a.Context)
	s.done()
}

// lastRound lets a session write and read once more.
func (s *session) lastRound() {
	w := s.w
	key := w.rng.IntN(w.sched.Causal.Keys)
	s.plan = &ClientPlan{Node: s.plan.Node, Roams: true, Ops: []OpPlan{
		{Kind: Put, Key: key}, {Kind: List}, {Kind: Get, Key: key, Context: NoContext}, {Kind: Get, Key: w.rng.IntN(w.sched.Causal.Keys), Context: OtherClientsContext, Back: w.rng.IntN(8)},
	}}
	s.next = 0
	s.roam()
	s.think()
}
