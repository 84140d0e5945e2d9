// Package conntest is the test suite of every implementation of bus.Conn. It checks the
// guarantees of package bus and no more: the bus may lose messages, so the suite allows it. The
// suite measures no time, apart from bounds of tens of seconds for progress. To check that a
// call does not block others, it counts their progress during the call.
package conntest

import (
	"testing"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

// Bus is an implementation under test: a network that nodes join. A fault that the
// implementation does not support is nil, and its tests are skipped.
type Bus struct {
	// Join gives a node access to the network, at a free address or at the given one, which
	// belonged to a node that has left.
	Join func(t *testing.T, id ids.Node, addr string) Node
	// Addressed: nodes find each other by the addresses of Reach, and not through an
	// outside cluster.
	Addressed bool
	// InProcess: a round trip takes less than a time slice of the scheduler. Then counted
	// round trips measure the scheduler, not the bus.
	InProcess bool
	// Path makes a path from one node to another that can be cut.
	Path func(t *testing.T, from, to Node) Path
	// Freezable joins a node that runs Echo and can be stopped like a process.
	Freezable func(t *testing.T, id ids.Node) Freezable
}

// Node is a node's place in the network. The suite calls Leave for each.
type Node struct {
	bus.Peer
	Conn  bus.Conn
	Leave func() // closes Conn and frees the address; may be called again
}

// Path is a path to a node. In Reach, Addr replaces the node's own address.
type Path struct {
	Addr      string
	Cut, Heal func()
}

// Freezable is a node that can be stopped. A stopped node neither works nor closes connections,
// and the network does not notice.
type Freezable struct {
	bus.Peer
	Freeze, Thaw func()
}

// Echo answers every request with its own payload.
func Echo(c bus.Conn) bus.Handler {
	return func(m bus.Message) {
		if m.ReplyTo != "" {
			// A lost answer is no error: the request is sent again.
			_ = c.Send(bus.Envelope{Answer: m.ReplyTo, Kind: "echo", Payload: m.Payload})
		}
	}
}

// Run runs the suite. factory makes a separate network for every test.
func Run(t *testing.T, factory func(t *testing.T) *Bus) {
	tests := []struct {
		name string
		run  func(t *testing.T, b *Bus)
	}{
		{"close leaves no goroutine behind", closeLeavesNothing},
		{"what one sender sends arrives in order", orderPerSender},
		{"a request is answered", requestIsAnswered},
		{"a request to a node that does not listen is refused", requestIsRefused},
		{"a node reaches itself", nodeReachesItself},
		{"a broadcast reaches those who listen and not its sender", broadcastReachesListeners},
		{"listening again replaces handler and shards", listeningAgainReplaces},
		{"bad envelopes get an error", badEnvelopes},
		{"a payload may be large but not too large", largePayloads},
		{"after a cut new messages flow and old ones do not come twice", cutAndHeal},
		{"a frozen peer blocks nobody", frozenPeer},
		{"an address that comes back as another node is not used", addressOfAnother},
		{"a peer may change its address", changedAddress},
		{"22 nodes reach one another", manyNodes},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, factory(t)) })
	}
}
