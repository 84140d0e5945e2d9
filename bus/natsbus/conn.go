// Package natsbus is the bus over NATS. It is the only package that names
// nats.go. There are two ways to use it, behind one Conn:
//
//   - Embedded: the node listens on its own server, through an in-process
//     connection, and keeps one connection to each peer's server, on which it
//     publishes. The answer to a request comes back on the connection that the
//     request went out on, so a peer answers without being able to dial us.
//   - External: one connection to a NATS cluster that a team already runs.
//
// nats.go's own reconnecting is off. It dials, for half a second and more, under
// the lock that Publish takes, keeps messages for later and moves to servers it
// has heard of. Here a nats.Conn lives as long as one TCP connection; a link
// makes the next one aside, checks which node answered, and shows it to senders when it
// works (link.go). Writing never blocks either: what a socket does not take is
// kept, up to a bound, and written by a goroutine (outbox.go).
//
// A Conn takes everything that arrives on one goroutine, and calls the handler
// there: whatever one sender sent over one connection stays in order, across
// kinds and shards. What waits for the handler is bounded in messages and in bytes
// (gate.go).
//
// With credentials, peers are called over TLS, and both ends know who the other is
// before NATS says a word (dial.go). Message.From is then as good as the peer's
// certificate. Without, and with an outside cluster, it is what the sender says,
// or what the cluster's permissions leave it to say.
package natsbus

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/wire"
)

// Config says whose Conn it is.
type Config struct {
	Cluster     string
	Node        wire.NodeID
	Credentials *bus.Credentials // Embedded: nil means that nothing is encrypted
	TLS         *tls.Config      // External, for servers that ask for TLS; nil: the system's authorities
	Log         *slog.Logger     // nil: nothing is logged
}

// Server is a node's own server, as embedded.Server is.
type Server interface {
	InProcessConn() (net.Conn, error)
}

// inboundBound is how many messages may wait for the handler. Handlers do not
// block, so there is hardly ever one; what comes beyond is lost and counted.
const inboundBound = 8192

// Conn is one node's access to the bus.
type Conn struct {
	name        bus.NodeName
	node        wire.NodeID
	credentials *bus.Credentials
	log         *slog.Logger
	repeats     bus.Repeats
	subjects    bus.Subjects
	answers     bus.Answers
	external    bool
	home        *link        // to the own server, or to the outside cluster
	payload     atomic.Int64 // MaxPayload
	settled     atomic.Bool  // payload does not change any more
	inbound     chan *nats.Msg
	gate        *gate
	names       names
	peers       atomic.Pointer[peerTable]
	handler     atomic.Pointer[bus.Handler]
	counts      counts
	stop        chan struct{} // closed when nothing can arrive any more
	handling    sync.WaitGroup
	linking     sync.WaitGroup

	mu struct {
		sync.Mutex
		closed bool
		nc     *nats.Conn                    // home's present connection, or its last one
		wanted []string                      // subjects that Listen asked for
		subs   map[string]*nats.Subscription // on nc, by subject
	}
}

// Embedded gives a node access to the bus of a cluster whose nodes each run a
// server inside; own is this node's. The caller closes own after the Conn.
func Embedded(cfg Config, own Server) (*Conn, error) {
	c, err := newConn(cfg)
	if err != nil {
		return nil, err
	}
	c.start(&link{addr: "in process", url: inProcessURL, dial: dialOwn(own), admit: c.connectOwn})
	return c, nil
}

func newConn(cfg Config) (*Conn, error) {
	subjects, err := bus.NewSubjects(cfg.Cluster)
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("bus: boot number: %w", err)
	}
	boot := wire.Boot(binary.LittleEndian.Uint64(random[:]))
	c := &Conn{
		name:        bus.NodeName{Cluster: cfg.Cluster, Node: cfg.Node},
		node:        cfg.Node,
		credentials: cfg.Credentials,
		log:         cfg.Log,
		subjects:    subjects,
		answers:     subjects.Answers(cfg.Node, boot),
		names:       names{subjects: subjects, from: cfg.Node},
		inbound:     make(chan *nats.Msg, inboundBound),
		stop:        make(chan struct{}),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.gate = newGate(func() bool { return len(c.inbound) == 0 })
	c.payload.Store(bus.MaxPayload)
	c.peers.Store(&peerTable{})
	return c, nil
}

func (c *Conn) start(home *link) {
	c.home = home
	home.conn = c
	home.start()
	c.handling.Go(c.receive)
}

// MaxPayload implements bus.Conn.
func (c *Conn) MaxPayload() int { return int(c.payload.Load()) }

// Close ends all connections and waits for the handler.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.mu.closed {
		c.mu.Unlock()
		return nil
	}
	c.mu.closed = true
	peers := c.peers.Swap(&peerTable{})
	c.mu.Unlock()
	for _, p := range peers.places {
		p.stop()
	}
	c.home.stop()
	c.linking.Wait()
	c.handler.Store(nil)
	close(c.stop)
	c.handling.Wait()
	return nil
}
