package harness

import (
	"context"

	"github.com/cohortkv/cohort/api"
)

// World makes the nodes that a scenario is about: processes, or containers. It
// removes them when its test ends; a Lab does not.
type World interface {
	// Start starts nodes 0 to n-1, which have no view, and returns when all
	// answer.
	Start(ctx context.Context, n int) error
	// URL is where clients reach a node, whatever is cut.
	URL(node int) string
	// Member is a node as a view names it at present.
	Member(node int) api.Member
}

// Killable is a World whose nodes can be ended and stopped.
type Killable interface {
	Kill(node int) error
	// Restart starts a node that was killed. What it knew is gone.
	Restart(ctx context.Context, node int) error
	Pause(node int) error
	Resume(node int) error
}

// Cuttable is a World whose nodes can be cut off from all others.
type Cuttable interface {
	// Unplug takes a node off its network. Its seat stays in its name.
	Unplug(ctx context.Context, node int) error
	// Replug puts a node that was unplugged back on its seat.
	Replug(ctx context.Context, node int) error
}

// Movable is a World whose nodes have addresses on networks and can move to others.
type Movable interface {
	Cuttable
	Seat(node int) Seat
	// Plug puts a node that is on no network on a seat.
	Plug(ctx context.Context, node int, seat Seat) error
}

// Seat is an address on a network. Networks exist as soon as they are named.
type Seat struct {
	Network string
	Host    int
}

// Tapped is a World that counts the IP packets that nodes send one another.
type Tapped interface {
	// Between counts packets from a node of a to one of b, or back, since the
	// nodes were started, over any network; but for attempts to connect.
	Between(a, b []int) (uint64, error)
	// Stray counts packets between any two nodes over a network that connects
	// them although no view has ever named it.
	Stray() (uint64, error)
}
