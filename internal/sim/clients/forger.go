package clients

import (
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// forger sends nodes contexts that no node gave out. It sends them to the nodes that
// sessions use, and draws no random number, so schedules run the same with it and without.
type forger struct {
	asked, refused uint64
}

// forgesEvery is the number of requests of sessions for each request of the forger.
const forgesEvery = 8

// forge sends a forged request to a node, if it is the forger's turn. The node must refuse
// at once.
func (ss *Sessions) forge(n *world.Node) {
	w, f := ss.w, &ss.forger
	if len(ss.requests)%forgesEvery != 0 || n.Pauses > 0 || w.Failure != nil {
		return
	}
	f.asked++
	c := forged(n, f.asked)
	w.Counts.Add("session", "forged")
	n.Deliver(forgery(schedule.ForgedTokens+ids.Token(f.asked), f.asked, c))
	if f.refused != f.asked && w.Failure == nil {
		w.Fail("forged", "node %d took a request with %s", n.ID, trace.ContextString(&c))
	}
}

// refusedForgery takes a node's answer to a forged request.
func (ss *Sessions) refusedForgery(n *world.Node, a core.Reply) {
	if a.Outcome != core.Implausible {
		ss.w.Fail("forged", "node %d answers a request with a forged context: outcome %d %s", n.ID, a.Outcome, trace.ResultString(a.Causal))
		return
	}
	ss.forger.refused = uint64(a.Token - schedule.ForgedTokens)
}

// forged returns a context that cannot be true. Its counter or its ceil would take longer
// to reach than the world has existed, or it names a write of the node's own that the node
// did not make.
func forged(n *world.Node, i uint64) wire.Context {
	const huge = 1 << 45
	own := wire.Position{Stream: wire.Stream{View: n.Machine.Header().View, Node: n.ID, Boot: n.Boot}, N: 1 << 30}
	entry := wire.Dependency{Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot(own)}}
	switch i % 4 {
	case 0:
		entry.Version = wire.CausalVersion{Counter: huge, Dot: wire.Dot{Stream: wire.Stream{Node: 1, Boot: 1}, N: 1}}
		return wire.Context{Exact: []wire.Dependency{entry}}
	case 1:
		return wire.Context{Ceil: huge, Vector: wire.Vector{{Stream: wire.Stream{Node: 1, Boot: 1}, N: 1}}}
	case 2:
		return wire.Context{Exact: []wire.Dependency{entry}}
	default:
		return wire.Context{Vector: wire.Vector{own}}
	}
}

// forgery is a request of the forger.
func forgery(token ids.Token, i uint64, c wire.Context) core.Input {
	key := truth.KeyName(int(i / 12 % 4))
	switch i / 4 % 3 {
	case 0:
		return &core.CausalSubmit{Token: token, Op: wire.Op{Kind: wire.OpPut, Key: key, Value: []byte("forged")}, Context: c}
	case 1:
		return &core.CausalRead{Token: token, Key: key, Context: c}
	default:
		return &core.CausalList{Token: token, Context: c}
	}
}
