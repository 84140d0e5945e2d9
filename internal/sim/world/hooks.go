package world

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Hooks are functions that the world calls when an event happens, at that moment and in the
// order in which they were added. Oracles use them to check nodes, clients and the operator
// to get their answers. A hook may fail the run; it must not step a node.
type Hooks struct {
	Started []func(n *Node, found *RecoveredState) // before the first step of a boot; found is nil if the node starts without state
	Lost    []func(n *Node)                        // in a crash that takes the node's state
	Gone    []func(n *Node)                        // when a boot ends; open requests at it are not answered

	Told    []func(n *Node, in core.Input)             // before the step with this input
	Wrote   []func(n *Node, x *wire.Write)             // when a node writes, before the write is durable
	Durable []func(n *Node, seq uint64)                // all writes up to a number are durable
	Sent    []func(n *Node, e *core.Envelope)          // when a node sends a message, before Carried
	Carried []func(from, to *Node, m wire.Message)     // when a message is sent to this process; the network may lose it
	Travels []func(from, to *Node, takes wire.Instant) // for a message between two nodes that will arrive, with its travel time
	Applied []func(n *Node, entries []wire.Entry)      // after the entries of each step, even if there are none
	Event   []func(n *Node, e *core.Event)             // when a core emits an event
	Shows   []func(n *Node)                            // when the status of the node changes

	Answered func(n *Node, r core.Reply) // when a request is answered
	Readable func(n *Node, r core.Read)  // when a client may read the state of the node
}
