// Package conntest is the suite that every implementation of bus.Conn passes.
// It asks for what package bus promises and no more: what the bus may do, such as
// losing messages, the suite allows. It measures no time, apart from bounds of
// tens of seconds within which something must happen at all; where it matters
// that nobody is blocked, it counts what others get done meanwhile.
package conntest

import (
	"testing"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/wire"
)

// Bus is an implementation under test, as one network that nodes join. A fault
// that it cannot show is nil, and its tests are left out.
type Bus struct {
	// Join gives a node access to the network, at a free address, or at the one
	// given, which a node that left had before.
	Join func(t *testing.T, id wire.NodeID, addr string) Node
	// Addressed says that nodes find each other by the addresses of Reach, rather
	// than through an outside cluster.
	Addressed bool
	// InProcess says that a round trip costs less than a time slice of the
	// scheduler: then counting round trips measures the scheduler and not the bus.
	InProcess bool
	// Path makes a way from one node to another that can be cut.
	Path func(t *testing.T, from, to Node) Path
	// Freezable joins a node that runs Echo and can be stopped like a process.
	Freezable func(t *testing.T, id wire.NodeID) Freezable
}

// Node is a node's place in the network. The suite calls Leave for each.
type Node struct {
	bus.Peer
	Conn  bus.Conn
	Leave func() // closes Conn and frees the address; may be called again
}

// Path is a way to a node: Addr stands for the node's own address in Reach.
type Path struct {
	Addr      string
	Cut, Heal func()
}

// Freezable is a node that can be stopped: it neither works nor closes anything
// then, and the network does not know.
type Freezable struct {
	bus.Peer
	Freeze, Thaw func()
}

// Echo answers every request with its own payload.
func Echo(c bus.Conn) bus.Handler {
	return func(m bus.Message) {
		if m.ReplyTo != "" {
			// What cannot be answered now is asked again.
			_ = c.Send(bus.Envelope{Answer: m.ReplyTo, Kind: "echo", Payload: m.Payload})
		}
	}
}

// Run runs the suite. Every test has a network of its own, made by factory.
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
