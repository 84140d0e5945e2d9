package harness

import (
	"context"

	"github.com/cohortkv/cohort/api"
)

// World makes the nodes of a scenario: processes or containers. A World removes its nodes
// when its test ends; a Lab does not.
type World interface {
	// Start starts nodes 0 to n-1 without a view. It returns when all of them answer.
	Start(ctx context.Context, n int) error
	// URL is the address at which clients reach a node, also while the node is cut off.
	URL(node int) string
	// Member is a node with its present address, as a view names it.
	Member(node int) api.Member
}

// Killable is a World whose nodes can be killed, paused and restarted.
type Killable interface {
	Kill(node int) error
	// Restart starts a node that was killed. Its state is lost.
	Restart(ctx context.Context, node int) error
	Pause(node int) error
	Resume(node int) error
}

// Cuttable is a World whose nodes can be cut off from all others.
type Cuttable interface {
	// Unplug takes a node off its network. The seat stays reserved for it.
	Unplug(ctx context.Context, node int) error
	// Replug returns a node that was unplugged to its seat.
	Replug(ctx context.Context, node int) error
}

// Movable is a World whose nodes have addresses on networks and can move to others.
type Movable interface {
	Cuttable
	Seat(node int) Seat
	// Plug gives a seat to a node that is on no network.
	Plug(ctx context.Context, node int, seat Seat) error
}

// Seat is an address on a network. Networks exist as soon as they are named.
type Seat struct {
	Network string // its name
	Host    int    // number of the address on the network
}

// Tapped is a World that counts the IP packets that nodes send one another.
type Tapped interface {
	// Between counts the packets from a node of a to one of b, or back, since the nodes
	// were started, over any network. Attempts to connect do not count.
	Between(a, b []int) (uint64, error)
	// Stray counts the packets between any two nodes over a network that no view has ever
	// named for them.
	Stray() (uint64, error)
}
