package containers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
	"github.com/cohortkv/cohort/test/harness"
)

// lan is the network that all nodes are on when a scenario begins.
const lan = "lan"

// World is a world of containers (harness.World). All containers stay on the engine's
// default bridge, and are on networks of the lab as the scenario says. One goroutine may
// use a World.
type World struct {
	lab      *Lab
	tap      *Tap
	networks map[string]*Network
	nodes    []*seated
	// Bucket is the default bucket of nodes; empty: that of the image.
	Bucket string
	// SlowestStart is the longest time from the end of docker run to the first
	// answer.
	SlowestStart time.Duration
}

// seated is a container and its place on a network.
type seated struct {
	*Node
	seat  harness.Seat
	inner string // its address on the default bridge
	out   bool   // it is unplugged
}

// NewWorld returns a world without nodes. The lab owns all that the world makes.
func NewWorld(lab *Lab) (*World, error) {
	tap, err := NewTap(defaultBridge)
	return &World{lab: lab, tap: tap, networks: map[string]*Network{}}, err
}

// Close ends the counting. The lab removes the rest.
func (w *World) Close() error { return w.tap.Close() }

// Start implements harness.World. Nodes are started one after another, and connected to a
// network when they run, as operators do.
func (w *World) Start(ctx context.Context, n int) error {
	for id := range n {
		node, err := w.lab.Node(ctx, id, w.Bucket)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := w.answers(ctx, node); err != nil {
			return err
		}
		w.SlowestStart = max(w.SlowestStart, time.Since(began))
		w.nodes = append(w.nodes, &seated{Node: node})
		if err := w.meet(ctx, id); err != nil {
			return err
		}
	}
	for id := range n {
		if err := w.Plug(ctx, id, harness.Seat{Network: lan, Host: id}); err != nil {
			return err
		}
	}
	return nil
}

// meet tells the tap the address of a node on the default bridge. The engine assigns a new
// one at each start.
func (w *World) meet(ctx context.Context, id int) (err error) {
	n := w.nodes[id]
	w.tap.Forget(n.inner)
	if n.inner, err = n.InnerIP(ctx); err != nil {
		return err
	}
	w.tap.Know(n.inner, id, defaultBridge)
	return nil
}

// answers waits until a node answers. The engine accepts connections to a published port
// before the container does, and drops them.
func (w *World) answers(ctx context.Context, node *Node) error {
	c, err := client.New(node.URL(), nil)
	if err != nil {
		return err
	}
	defer c.Close()
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for {
		if err = c.Ping(ctx); err == nil {
			return nil
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return fmt.Errorf("node %d does not answer: %w", node.ID, err)
		}
	}
}

// URL implements harness.World.
func (w *World) URL(node int) string { return w.nodes[node].URL() }

// Member implements harness.World.
func (w *World) Member(node int) api.Member {
	seat := w.nodes[node].seat
	return api.Member{ID: uint64(node), Address: w.networks[seat.Network].Address(seat.Host)}
}

// Log returns what a node has written.
func (w *World) Log(ctx context.Context, node int) (string, error) { return w.nodes[node].Logs(ctx) }

// Size is the number of nodes.
func (w *World) Size() int { return len(w.nodes) }

// Kill implements harness.Killable.
func (w *World) Kill(node int) error { return w.nodes[node].Signal(context.Background(), "kill") }

// Pause implements harness.Killable.
func (w *World) Pause(node int) error { return w.nodes[node].Signal(context.Background(), "pause") }

// Resume implements harness.Killable.
func (w *World) Resume(node int) error {
	return w.nodes[node].Signal(context.Background(), "unpause")
}

// Restart implements harness.Killable. A container keeps its networks, and its
// addresses on those of the lab.
func (w *World) Restart(ctx context.Context, node int) error {
	if err := w.nodes[node].Signal(ctx, "start"); err != nil {
		return err
	}
	if err := w.answers(ctx, w.nodes[node].Node); err != nil {
		return err
	}
	return w.meet(ctx, node)
}

// Seat implements harness.Movable.
func (w *World) Seat(node int) harness.Seat { return w.nodes[node].seat }

// Unplug implements harness.Movable. Plugging a node in that is unplugged moves it.
func (w *World) Unplug(ctx context.Context, node int) error {
	n := w.nodes[node]
	if n.out {
		return nil
	}
	n.out = true
	network := w.networks[n.seat.Network]
	w.tap.Forget(network.ip(n.seat.Host))
	return n.Disconnect(ctx, network)
}

// Replug implements harness.Movable.
func (w *World) Replug(ctx context.Context, node int) error {
	return w.Plug(ctx, node, w.Seat(node))
}

// Plug implements harness.Movable.
func (w *World) Plug(ctx context.Context, node int, seat harness.Seat) error {
	network, err := w.network(ctx, seat.Network)
	if err != nil {
		return err
	}
	w.tap.Know(network.ip(seat.Host), node, network.bridge)
	w.nodes[node].seat, w.nodes[node].out = seat, false
	return w.nodes[node].Connect(ctx, network, seat.Host)
}

func (w *World) network(ctx context.Context, name string) (*Network, error) {
	if n := w.networks[name]; n != nil {
		return n, nil
	}
	n, err := w.lab.Network(ctx, name)
	if err != nil {
		return nil, err
	}
	w.networks[name] = n
	return n, w.tap.Listen(n.bridge)
}

// Between implements harness.Tapped. Attempts to connect do not count: a node keeps looking
// for former members that have not handed over their data.
func (w *World) Between(a, b []int) (uint64, error) {
	return w.tap.Count(func(p passage) bool {
		across := slices.Contains(a, p.from) && slices.Contains(b, p.to) || slices.Contains(b, p.from) && slices.Contains(a, p.to)
		return across && !p.attempt
	})
}

// Stray implements harness.Tapped.
func (w *World) Stray() (uint64, error) {
	return w.tap.Count(func(p passage) bool { return p.bridge == defaultBridge })
}
