package sim

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// hooks are what the world calls when something happens, at that moment and in the order
// in which they were added. Oracles judge nodes by them, clients and the operator get
// their answers by them. A hook may fail the run; it must not step a node.
type hooks struct {
	started []func(n *node, found *recoveredState) // before the first step of a boot; found is nil if nothing was kept
	lost    []func(n *node)                        // in a crash that takes the node's state
	gone    []func(n *node)                        // a boot ends, and nothing that was open at it is answered

	told    []func(n *node, in core.Input) // before the step that is told it
	wrote   []func(n *node, x *core.Write)
	durable []func(n *node, seq uint64) // all writes up to a number
	sent    []func(n *node, e *core.Envelope)
	carried []func(from, to *node, m wire.Message) // a message that was sent goes to this process, if the network pleases
	applied []func(n *node, entries []wire.Entry)  // at the end of every step's entries, even if there are none
	event   []func(n *node, e *core.Event)
	shows   []func(n *node) // has another status

	answered func(n *node, r core.Reply)
	readable func(n *node, r core.Read) // a client may read the state of the node now
}

// The first tokens of requests, by who asks. The tokens of clients of strong buckets
// begin at 1.
const (
	putTokens    ids.Token = 1 << 32
	causalTokens ids.Token = 1 << 40
	forgedTokens ids.Token = 1 << 41
	forgetTokens ids.Token = 1 << 42
)
