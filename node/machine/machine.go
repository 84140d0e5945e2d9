// Package machine is one node as one value: views, strong and causal replication
// behind one Step. It is deterministic: the same inputs at the same
// instants give the same outputs. It does no I/O, reads no clock and starts
// nothing. Its owner calls Step, never two at a time, carries out the output, and calls
// again by Deadline.
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

// Limits bounds what a machine holds and sends; zero values mean the defaults.
type Limits = strong.Limits

// CausalLimits is the same for causal buckets, and how many slots there are.
type CausalLimits = causal.Limits

// Listed yields those of the items that are the answer to a Read of kind ReadItems.
func Listed(r *core.Read, items iter.Seq[*wire.Item]) iter.Seq[*wire.Item] {
	return causal.Listed(r, items)
}

// ListContext is what a client has seen that was answered a Read of kind ReadItems
// with these items.
func ListContext(limits CausalLimits, r *core.Read, items iter.Seq[*wire.Item]) wire.Context {
	return causal.ListContext(limits, r, items)
}

// Gate says which models a PUT /view waits for.
type Gate uint8

// The gates.
const (
	GateBoth   Gate = iota // strong and causal buckets are ready
	GateCausal             // causal buckets are; strong ones may wait for members
	GateStrong             // strong buckets are; causal ones may go on looking for what is theirs
)

// Config identifies a machine and bounds what it holds.
type Config struct {
	ID        ids.Node
	Inc       ids.Incarnation // made with the empty state, kept with it
	Boot      ids.Boot        // new at every start
	Now       wire.Instant
	Limits    Limits
	Causal    CausalLimits
	Gate      Gate
	Crowd     int             // of more than so many other members some are greeted rarely (docs/views.md §3.1); zero: 8
	Expects   bool            // it is to have data: what it is put into without any is worth a warning
	Recovered *core.Recovered // nil: starts with nothing
}

// Machine is one node.
type Machine struct {
	cfg    Config
	box    core.Outbox
	views  *view.Manager
	strong *strong.Replica
	causal *causal.Replica
	local  *local
	status core.NodeStatus
	shown  bool // status was given out once
	tickAt wire.Instant
}

// tickEvery is the pace of Tick while something is open.
const tickEvery = 50 * wire.Millisecond

// idleDeadline is how far Deadline is when nothing is going on.
const idleDeadline = 3600 * wire.Second

// New returns a machine that holds nothing, or what it recovered.
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

// Header is what every message of this machine is sent under.
func (m *Machine) Header() wire.Header {
	h := wire.Header{From: m.cfg.ID, Inc: m.cfg.Inc, Boot: m.cfg.Boot}
	if v := m.views.View(); v != nil {
		h.View = v.ID
	}
	return h
}

// Deadline is when Step must be called even if nothing arrives.
func (m *Machine) Deadline() wire.Instant { return m.tickAt }

// Step tells the machine one thing and returns what it wants done. The output
// is valid until the next Step.
func (m *Machine) Step(now wire.Instant, in core.Input) *core.Output {
	m.box.Reset()
	m.views.SetNow(now)
	m.strong.SetNow(now)
	m.causal.SetNow(now)
	if !m.shown && m.cfg.Recovered != nil {
		m.views.Recovered()
		m.strong.Restarted()
		if v := m.views.View(); v != nil {
			m.causal.Recovered(v)
		}
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

func (m *Machine) tick() {
	m.views.Tick(m.hello)
	m.strong.Tick()
}

// hello is what the members of the view are told.
func (m *Machine) hello() wire.Hello {
	h := m.strong.Hello()
	m.causal.Hello(&h)
	h.Data = m.local.Data()
	return h
}

// lag answers how far members are behind each other.
func (m *Machine) lag(token ids.Token) {
	l := new(core.Lag)
	m.causal.Lag(l)
	m.strong.Lag(l)
	m.box.Reply(core.Reply{Token: token, Outcome: core.Done, Lag: l})
}

// finishStep answers what the step made ready, shows what changed, and sets the
// next deadline.
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

// show gives out the status when it changed.
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
	shown := s // what is shown is kept by others; most steps show nothing
	m.box.Status(&shown)
}

// sameStatus compares what of a status may change without the view.
func sameStatus(a, b *core.NodeStatus) bool {
	return a.LeftBehind == b.LeftBehind && a.Serving == b.Serving && a.Reason == b.Reason && a.Ballot == b.Ballot &&
		slices.Equal(a.Waiting, b.Waiting) && slices.EqualFunc(a.Unheard, b.Unheard, sameShard) &&
		a.Causal == b.Causal && a.CausalReady == b.CausalReady && a.Owned == b.Owned && a.Other == b.Other
}

func sameShard(a, b core.ShardWait) bool {
	return a.Shard == b.Shard && a.Since == b.Since && slices.Equal(a.Members, b.Members)
}
