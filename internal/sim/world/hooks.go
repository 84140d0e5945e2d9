package world

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Hooks are what the world calls when something happens, at that moment and in the order
// in which they were added. Oracles judge nodes by them, clients and the operator get
// their answers by them. A hook may fail the run; it must not step a node.
type Hooks struct {
	Started []func(n *Node, found *RecoveredState) // before the first step of a boot; found is nil if nothing was kept
	Lost    []func(n *Node)                        // in a crash that takes the node's state
	Gone    []func(n *Node)                        // a boot ends, and nothing that was open at it is answered

	Told    []func(n *Node, in core.Input) // before the step that is told it
	Wrote   []func(n *Node, x *core.Write)
	Durable []func(n *Node, seq uint64) // all writes up to a number
	Sent    []func(n *Node, e *core.Envelope)
	Carried []func(from, to *Node, m wire.Message)     // a message that was sent goes to this process, if the network pleases
	Travels []func(from, to *Node, takes wire.Instant) // a message between two nodes, which will arrive
	Applied []func(n *Node, entries []wire.Entry)      // at the end of every step's entries, even if there are none
	Event   []func(n *Node, e *core.Event)
	Shows   []func(n *Node) // has another status

	Answered func(n *Node, r core.Reply)
	Readable func(n *Node, r core.Read) // a client may read the state of the node now
}
