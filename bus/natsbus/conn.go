// Package natsbus is the bus over NATS. No other package imports nats.go. A Conn works in one
// of two modes:
//
//   - Embedded: the node listens on its own server, through an in-process connection. To the
//     server of each peer, the node keeps one connection, on which it publishes. The answer to
//     a request comes back on the connection of the request, so a peer can answer even if it
//     cannot dial this node.
//   - External: one connection to an existing NATS cluster.
//
// Reconnecting by nats.go is off. nats.go would dial under the lock that Publish takes, for
// half a second and more, buffer messages, and move to servers that it learned of. Here a
// nats.Conn lives as long as one TCP connection. A link makes the next connection in the
// background, checks the identity of the other end, and then gives the connection to senders
// (link.go). Writing never blocks either: bytes that a socket does not take are buffered, up to
// a bound, and written by a goroutine (outbox.go).
//
// A Conn receives all messages on one goroutine, and calls the handler there. The messages of
// one sender over one connection therefore stay in order, across kinds and shards. The messages
// that wait for the handler are bounded, in number and in bytes (gate.go).
//
// With credentials, connections to peers use TLS, and both ends are authenticated before NATS
// sends anything (dial.go). Message.From is then as trustworthy as the certificate of the peer.
// Without credentials, and with an outside cluster, Message.From is the name that the sender
// gives, as far as the permissions of the cluster allow.
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
	"github.com/cohortkv/cohort/node/ids"
)

// Config is the configuration of a Conn.
type Config struct {
	Cluster     string
	Node        ids.Node
	Credentials *bus.Credentials // Embedded: nil means no encryption
	TLS         *tls.Config      // External, for servers that ask for TLS; nil: the system's authorities
	Log         *slog.Logger     // nil: nothing is logged
}

// Server is a node's own server, as embedded.Server is.
type Server interface {
	InProcessConn() (net.Conn, error)
}

// inboundBound bounds the messages that wait for the handler. Handlers do not block, so a
// message hardly ever waits. Messages beyond the bound are lost and counted.
const inboundBound = 8192

// Conn is one node's access to the bus.
type Conn struct {
	name        bus.NodeName
	node        ids.Node
	credentials *bus.Credentials
	log         *slog.Logger
	repeats     bus.Repeats
	subjects    bus.Subjects
	answers     bus.Answers
	external    bool
	home        *link        // to the own server, or to the outside cluster
	payload     atomic.Int64 // MaxPayload
	settled     atomic.Bool  // payload no longer changes
	inbound     chan *nats.Msg
	gate        *gate
	names       names
	peers       atomic.Pointer[peerTable]
	handler     atomic.Pointer[bus.Handler]
	counts      counts
	stop        chan struct{} // closed when no more messages can arrive
	handling    sync.WaitGroup
	linking     sync.WaitGroup

	mu struct {
		sync.Mutex
		closed bool
		nc     *nats.Conn                    // home's current connection, or its last one
		wanted []string                      // subjects that Listen asked for
		subs   map[string]*nats.Subscription // on nc, by subject
	}
}

// Embedded gives a node access to the bus of a cluster whose nodes each run an embedded server.
// own is the server of this node. The caller closes own after the Conn.
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
	boot := ids.Boot(binary.LittleEndian.Uint64(random[:]))
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
