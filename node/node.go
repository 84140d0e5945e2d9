package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/access"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// Node is one node: a machine with its driver, store, front and bus. Run may be called once.
type Node struct {
	cfg      Config
	driver   *driver
	backend  *backend
	front    *front.Server
	guard    *access.Guard
	reporter *reporter
	failed   chan error // capacity 1: why no write becomes durable any more
}

// clockBase is the time of a node's clock at its start. It is far from zero, so that a time that
// was never set lies in the past.
const clockBase = 3600 * wire.Second

// New makes a node. The node neither runs nor listens until Run.
func New(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Access.Log = cfg.Log
	guard, err := access.Open(cfg.Access)
	if err != nil {
		return nil, fmt.Errorf("node %d: %w", cfg.ID, err)
	}
	cfg.fit()
	start := time.Now()
	cfg.Causal.Writes = max(cfg.Causal.Writes, writesBy(start.Add(-time.Duration(clockBase))))
	if cfg.Store == nil {
		cfg.Store = memory{store.NewMemory()}
	}
	state := cfg.Store.State()
	n := &Node{cfg: cfg, backend: newBackend(state), guard: guard, failed: make(chan error, 1)}
	meters := newMeters()
	n.reporter = newReporter(cfg.Log, meters)
	n.driver = &driver{
		core: machine.New(machine.Config{
			ID: cfg.ID, Inc: cfg.Incarnation, Boot: cfg.Boot, Now: clockBase, Limits: cfg.Limits, Causal: cfg.Causal,
			Gate: cfg.gate(), Expects: cfg.ExpectData, Recovered: cfg.Recovered,
		}),
		self: cfg.ID, store: state, disk: cfg.Store, conn: cfg.Bus, clients: &requestTable{}, publish: n.show, meters: meters, limits: cfg.Causal,
		clock: func() wire.Instant { return clockBase + wire.Instant(time.Since(start)) },
		timer: time.NewTimer(time.Hour), // the first step sets it
		relay: make(chan struct{}, 1),
	}
	n.backend.driver = n.driver
	cfg.Store.Notify(n.driver.onDurable, n.fail)
	n.reporter.why = n.backend.why
	n.driver.reportLarge = n.reporter.tooLarge
	registry := meters.register(n.gauges(), cfg.Bus)
	registry.MustRegister(&storeMeters{n}, &requestMeters{n}, meters.logMeter(cfg.LinesLost), &waitMeters{n.backend})
	n.front = front.New(front.Config{
		Node: cfg.ID, Backend: n.backend, Cluster: cfg.Cluster, SessionKeys: cfg.SessionKeys, DefaultBucket: cfg.DefaultBucket, Log: cfg.Log,
		Space: cfg.Causal.Space, Metrics: metricsHandler(registry), Limits: cfg.HTTPLimits, Guard: guard,
	})
	return n, nil
}

// firstWrite is a time before the first write of any cluster.
var firstWrite = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// writesBy bounds the number of writes until a time: one each microsecond (docs/causal.md §2.1).
func writesBy(at time.Time) uint64 { return uint64(max(at.Sub(firstWrite), 0) / time.Microsecond) }

// Run serves until ctx ends. Then it stops accepting requests, answers those in progress, and
// returns nil. An error is the reason why the node could not serve any longer. When Run returns,
// the bus, the listener and the store are closed, and its goroutines have ended.
func (n *Node) Run(ctx context.Context) error {
	err := n.run(ctx)
	if down := n.cfg.Store.Close(); err == nil && down != nil {
		err = fmt.Errorf("node %d: close the store: %w", n.cfg.ID, down)
	}
	return err
}

// run is Run, except that the store stays open.
func (n *Node) run(ctx context.Context) error {
	stop := make(chan struct{})
	var inner sync.WaitGroup
	inner.Go(func() { n.driver.run(stop) })
	inner.Go(func() { n.reporter.run(stop) })
	inner.Go(func() { n.guard.Run(stop) })
	inner.Go(func() { newMemoryReleaser(n.front).run(stop) })
	defer inner.Wait()
	defer close(stop)

	n.driver.submit(&core.Tick{}) // shows the first status, sets the first deadline
	if err := n.cfg.Bus.Listen(n.driver.receive); err != nil {
		_ = n.cfg.HTTP.Close()
		n.closeAdmin()
		_ = n.cfg.Bus.Close()
		return fmt.Errorf("node %d: listen on the bus: %w", n.cfg.ID, err)
	}
	return n.serve(ctx)
}

// fail ends the node, because no write becomes durable any more. It may be called once.
func (n *Node) fail(err error) { n.failed <- err }

// serve answers HTTP requests until ctx ends, the listener fails or the store does. The bus is closed last, because
// waiting requests may need it.
func (n *Node) serve(ctx context.Context) error {
	served, admin := make(chan error, 1), make(chan error, 1)
	go func() { served <- n.front.Serve(n.cfg.HTTP) }()
	go func() { admin <- n.serveAdmin() }()
	n.cfg.Log.Info("node up", "node", n.cfg.ID, "http", n.cfg.HTTP.Addr().String(), "durability", n.durability())
	var broken error
	select {
	case <-ctx.Done():
	case broken = <-served:
		served <- nil
	case broken = <-n.failed:
		n.cfg.Log.Error("writes can no longer be made durable: the node ends", "node", n.cfg.ID, "err", broken)
		broken = fmt.Errorf("node %d: the store failed", n.cfg.ID)
	}
	patience, cancel := context.WithTimeout(context.Background(), n.cfg.Patience)
	defer cancel()
	down := n.front.Shutdown(patience)
	if errors.Is(down, context.DeadlineExceeded) {
		n.cfg.Log.Warn("connections were closed before their requests were answered: the clients had sent half a request or did not read", "node", n.cfg.ID)
		down = nil // the node did not cause this
	}
	err := errors.Join(broken, down, <-served, <-admin, n.cfg.Bus.Close())
	n.cfg.Log.Info("node down", "node", n.cfg.ID)
	return err
}

// serveAdmin serves the listener for administrators, if there is one. A failure of this listener
// is logged, and does not end the node.
func (n *Node) serveAdmin() error {
	if n.cfg.AdminHTTP == nil {
		return nil
	}
	if err := n.front.ServeAdmin(n.cfg.AdminHTTP); err != nil {
		n.cfg.Log.Error("health checks and metrics are no longer served", "node", n.cfg.ID, "err", err)
	}
	return nil
}

func (n *Node) closeAdmin() {
	if n.cfg.AdminHTTP != nil {
		_ = n.cfg.AdminHTTP.Close()
	}
}

// ReloadAccess reads the files of certificates and tokens again. If a file cannot be read, all
// previous values stay in use. Any goroutine may call it.
func (n *Node) ReloadAccess() error { return n.guard.Reload() }

// RenewSessionKeys replaces Config.SessionKeys. Any goroutine may call it.
func (n *Node) RenewSessionKeys(keys [][]byte) { n.front.RenewSessionKeys(keys) }

// show publishes status, peers and events of an output. The goroutine inside the driver calls it.
func (n *Node) show(out *core.Output) {
	if out.Status != nil {
		status := *out.Status
		n.reporter.status(n.backend.status.Swap(&status), &status)
	}
	if out.PeersChanged {
		n.cfg.Bus.Reach(n.peers(out.Peers))
	}
	for i := range out.Events {
		n.reporter.event(&out.Events[i])
	}
}

// peers returns the bus addresses of the members.
func (n *Node) peers(members []wire.Member) []bus.Peer {
	peers := make([]bus.Peer, 0, len(members))
	for _, m := range members {
		addr, err := busAddress(m)
		if err != nil {
			n.reporter.unreachable(m, err)
			continue
		}
		peers = append(peers, bus.Peer{ID: m.ID, Addr: addr})
	}
	return peers
}

// busPortOffset is added to a member's HTTP port when its view entry names no
// bus address.
const busPortOffset = 1000

// busAddress returns the bus address of a member: the one in the view or, if the view has none,
// the HTTP host with the HTTP port plus busPortOffset.
func busAddress(m wire.Member) (string, error) {
	if m.Bus != "" {
		return m.Bus, nil
	}
	host, digits, err := net.SplitHostPort(m.Address)
	if err != nil {
		return "", err
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", fmt.Errorf("port of %q: %w", m.Address, err)
	}
	return net.JoinHostPort(host, strconv.FormatUint(port+busPortOffset, 10)), nil
}
