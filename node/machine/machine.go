// Package machine is one node as one value: views, strong and causal replication behind one
// Step (ARCHITECTURE.md, "The way of a request"). It is deterministic: the same inputs at the
// same instants give the same outputs. It does no I/O, reads no clock and starts no goroutine.
//
// Its owner calls Step, never two at a time, with instants that do not fall. The owner carries
// out each output before the next Step, and calls Step by Deadline even if no input arrives.
package machine

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/node/causal"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong"
	"github.com/cohortkv/cohort/node/view"
	"github.com/cohortkv/cohort/node/wire"
)

// Limits bounds what strong buckets hold and send. Zero values mean the defaults.
type Limits = strong.Limits

// CausalLimits bounds what causal buckets hold and send, and sets the number of slots.
type CausalLimits = causal.Limits

// Listed yields those of the items that are the answer to a Read of kind ReadItems. items are
// those of the ranges of the Read, as the state was right after the step.
func Listed(r *core.Read, items iter.Seq[*wire.Item]) iter.Seq[*wire.Item] {
	return causal.Listed(r, items)
}

// ListContext returns what a client has seen after a Read of kind ReadItems was answered with
// these items. limits must be those of the machine.
func ListContext(limits CausalLimits, r *core.Read, items iter.Seq[*wire.Item]) wire.Context {
	return causal.ListContext(limits, r, items)
}

// Gate says which models a PUT /view waits for. It has no other effect (docs/views.md §4).
type Gate uint8

// The gates.
const (
	GateBoth   Gate = iota // strong and causal buckets are ready
	GateCausal             // causal buckets are ready; strong ones may still wait for members
	GateStrong             // strong buckets are ready; causal ones may still take slots
)

// Config identifies a machine and bounds what it holds.
type Config struct {
	ID        ids.Node
	Inc       ids.Incarnation // made with the empty state, and kept with it (I9)
	Boot      ids.Boot        // new at every start of the process (I21)
	Now       wire.Instant    // time of the first Step, or earlier
	Limits    Limits
	Causal    CausalLimits
	Gate      Gate
	Crowd     int             // bound of a view without far members, not counting this node (docs/views.md §3.1); zero: 8
	Expects   bool            // started with --expect-data: a view without data is worth a warning (docs/views.md §2.2)
	Recovered *core.Recovered // nil: the node starts with nothing
}

// Machine is one node. It gives each input to the cores that it concerns, and tells all cores
// the time first. After an input, it answers the PUTs that became ready and shows what changed.
// The cores share one Outbox, so one numbering of writes orders what they make durable.
type Machine struct {
	cfg    Config
	box    core.Outbox
	views  *view.Manager
	strong *strong.Replica
	causal *causal.Replica
	local  *local          // both models, as views see them
	status core.NodeStatus // as shown last
	shown  bool            // status was shown once, so the first Step is over
	tickAt wire.Instant    // when the next tick is due: the Deadline
}

// tickEvery is the time between ticks while a PUT, a round or a strong request is open.
const tickEvery = 50 * wire.Millisecond

// idleDeadline is the time to the next tick when nothing is open and no hello is due.
const idleDeadline = 3600 * wire.Second

// New returns a machine that holds nothing, or that starts with the state that it recovered.
func New(cfg Config) *Machine {
	m := &Machine{cfg: cfg}
	m.box.NumberRequests(cfg.Boot)
	m.views = view.New(view.Config{Self: cfg.ID, Inc: cfg.Inc, Boot: cfg.Boot, Crowd: cfg.Crowd, Expects: cfg.Expects}, &m.box, cfg.Recovered)
	m.strong = strong.New(strong.Config{
		Self: cfg.ID, Inc: cfg.Inc, Boot: cfg.Boot, Limits: cfg.Limits,
	}, &m.box, m.views, cfg.Recovered)
	m.causal = causal.New(causal.Config{Self: cfg.ID, Boot: cfg.Boot, Limits: cfg.Causal}, &m.box, m.views)
	m.local = &local{m.strong, m.causal, cfg.Gate}
	m.views.Use(m.local)
	m.tickAt = cfg.Now + idleDeadline
	if cfg.Recovered != nil {
		m.tickAt = cfg.Now
	}
	return m
}

// Header is the header of every message that this machine sends.
func (m *Machine) Header() wire.Header {
	h := wire.Header{From: m.cfg.ID, Inc: m.cfg.Inc, Boot: m.cfg.Boot}
	if v := m.views.View(); v != nil {
		h.View = v.ID
	}
	return h
}

// Deadline returns when Step must be called even if no input arrives.
func (m *Machine) Deadline() wire.Instant { return m.tickAt }

// Step takes one input and returns what the machine wants done. The output is valid until the
// next Step.
func (m *Machine) Step(now wire.Instant, in core.Input) *core.Output {
	m.box.Reset()
	m.views.SetNow(now)
	m.strong.SetNow(now)
	m.causal.SetNow(now)
	if !m.shown && m.cfg.Recovered != nil {
		m.views.Recovered()
		m.strong.Restarted()
		if v := m.views.View(); v != nil {
			m.causal.Recovered(v, &m.cfg.Recovered.Causal)
		}
		m.cfg.Recovered = nil // it may be large
	}
	m.input(in)
	if now >= m.tickAt {
		m.tick()
		m.tickAt = now + idleDeadline
	}
	m.causal.Tick()
	m.finishStep(now)
	return m.box.Output()
}

// input gives an input to the core that it concerns.
func (m *Machine) input(in core.Input) {
	switch in := in.(type) {
	case *core.Received:
		m.receive(in)
	case *core.Durable:
		m.box.MarkDurable(in.Seq)
		m.strong.OnDurable(in.Seq)
		m.causal.OnDurable(in.Seq)
	case *core.Submit:
		m.strong.Submit(in.Token, in.Op, in.Stored)
	case *core.SubmitRead:
		m.strong.SubmitRead(in.Token)
	case *core.Abandon:
		if !m.views.Abandon(in.Token) {
			m.strong.Abandon(in.Token)
			m.causal.Abandon(in.Token)
		}
	case *core.PutView:
		m.views.Put(in)
	case *core.ChunkRead:
		m.strong.OnChunkRead(in)
	case *core.StoredRead:
		m.strong.OnStoredRead(in)
	case *core.RequestFailed:
		if !m.causal.OnRequestFailed(in.Request) {
			m.strong.OnRequestFailed(in.Request)
		}
	case *core.CausalSubmit:
		m.causal.Submit(in)
	case *core.CausalRead:
		m.causal.SubmitRead(in)
	case *core.CausalList:
		m.causal.SubmitList(in)
	case *core.AskLag:
		m.lag(in.Token)
	case *core.ForgetNode:
		m.causal.Forget(in)
	case *core.KeyRead:
		m.causal.OnKeyRead(in)
	case *core.SlotsRead:
		m.causal.OnSlotsRead(in)
	case *core.Tick:
		m.tickAt = m.views.Now()
	}
}

// tick repeats what is late, and sends hellos that are due.
func (m *Machine) tick() {
	m.views.Tick(m.hello)
	m.strong.Tick()
}

// hello returns the next hello. Each model adds its part.
func (m *Machine) hello() wire.Hello {
	h := m.strong.Hello()
	m.causal.Hello(&h)
	h.Data = m.local.Data()
	return h
}

// lag answers an AskLag. Causal buckets list the members; strong buckets add what they know.
func (m *Machine) lag(token ids.Token) {
	l := new(core.Lag)
	m.causal.Lag(l)
	m.strong.Lag(l)
	m.box.Reply(core.Reply{Token: token, Outcome: core.Done, Lag: l})
}

// finishStep answers the PUTs that became ready, shows what changed, and sets the next deadline.
func (m *Machine) finishStep(now wire.Instant) {
	m.views.CheckPuts()
	if m.views.LeftBehind() && !m.status.LeftBehind {
		m.strong.OnLeftBehind()
		m.causal.OnLeftBehind()
	}
	m.show()
	if m.views.Busy() || m.strong.Busy() {
		m.tickAt = min(m.tickAt, now+tickEvery)
	}
	m.tickAt = min(m.tickAt, m.causal.Next())
	if hello, greeting := m.views.NextHello(); greeting {
		m.tickAt = min(m.tickAt, hello)
	}
}

// show puts the status into the output if it differs from the one that was shown last.
func (m *Machine) show() {
	viewChanged := m.views.Changed()
	s := core.NodeStatus{LeftBehind: m.views.LeftBehind(), Ballot: m.strong.Ballot()}
	s.Serving = m.strong.Serving() && !s.LeftBehind
	s.Waiting, s.Reason = m.strong.Waiting()
	m.causal.Status(&s)
	s.Unheard = m.views.Unheard()
	if m.shown && !viewChanged && sameStatus(&m.status, &s) {
		return
	}
	m.shown = true
	if v := m.views.View(); v != nil {
		s.Present, s.View, s.Member = true, *v, v.Has(m.cfg.ID)
		s.Primary, _ = v.Primary()
	}
	m.status = s
	shown := s // the caller keeps what is shown; a copy is made only if there is something to show
	m.box.Status(&shown)
}

// sameStatus compares the parts of a status that can change without a change of view.
func sameStatus(a, b *core.NodeStatus) bool {
	return a.LeftBehind == b.LeftBehind && a.Serving == b.Serving && a.Reason == b.Reason && a.Ballot == b.Ballot &&
		slices.Equal(a.Waiting, b.Waiting) && slices.EqualFunc(a.Unheard, b.Unheard, sameShard) &&
		a.Causal == b.Causal && a.CausalReady == b.CausalReady && a.Owned == b.Owned && a.Other == b.Other
}

func sameShard(a, b core.ShardWait) bool {
	return a.Shard == b.Shard && a.Since == b.Since && slices.Equal(a.Members, b.Members)
}
