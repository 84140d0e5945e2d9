package plausible

import (
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// EventIncredible says that a message was dropped because of a counter.
var EventIncredible = events.Warn("causal_incredible", "`peer` sent a counter that leaves no room above it; the message was dropped", core.OfPeer, core.OncePerView)

// Guard stands where messages and contexts come in. It decides by a Judge, and counts what is
// refused as events.
type Guard struct {
	judge Judge
	step  *step.Step
}

// NewGuard returns a Guard that decides by a Judge.
func NewGuard(j Judge, s *step.Step) *Guard { return &Guard{judge: j, step: s} }

// Context reports whether a context can be one that a node gave to a client.
func (g *Guard) Context(c *wire.Context) bool { return g.judge.Context(c, g.step.Now()) }

// Refuses reports that a message of a peer breaks a rule of docs/causal.md §12. The refusal is
// counted as an event, and the caller must drop the message as a whole.
func (g *Guard) Refuses(h wire.Header, m wire.Message) bool {
	why := g.judge.Flaw(m, g.step.Now())
	if why != "" {
		g.Refuse(h.From, m.Kind().String()+": "+why)
	}
	return why != ""
}

// Refuse emits the event of a refused message.
func (g *Guard) Refuse(from ids.Node, why string) {
	g.step.Event(core.Event{Kind: core.EventMalformed, Peer: from, Note: why})
}

// Credible reports whether the counters of a message leave room above them, since a write
// here must be above the counters of its key (I13; docs/causal.md §2.1, rule 6). The caller
// drops a message that is not credible as if the bus had lost it.
func (g *Guard) Credible(from ids.Node, m wire.Message) bool {
	if g.judge.Credible(m, g.step.Now()) {
		return true
	}
	g.step.Event(core.Event{Kind: EventIncredible, Peer: from, Note: m.Kind().String()})
	return false
}
