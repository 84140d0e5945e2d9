// Package bus is what cohort's nodes speak through. A Conn carries bytes; it
// promises little, because NATS promises little: messages may be lost, doubled,
// late or out of order across a reconnect, without an error. A user of it
// numbers its messages and repairs gaps.
//
// The package also holds what the two ends of a bus must agree on: subjects,
// names of servers and nodes, the keys made from the cluster's secret and the
// certificates made with them. Nothing else builds or parses any of them.
package bus

import (
	"errors"

	"github.com/cohortkv/cohort/node/wire"
)

// MaxPayload is the largest payload that one message ever holds: NATS's own
// default, so that an outside cluster needs no setting. One that is set to less
// has less (Conn.MaxPayload).
const MaxPayload = 1 << 20

// Reasons for which a message was certainly not sent. They are returned as they
// are, without wrapping, because Send is on the hot path of a cluster that has
// lost a node.
var (
	ErrClosed      = errors.New("bus: closed")
	ErrUnreachable = errors.New("bus: no connection to the peer")
	ErrFull        = errors.New("bus: the peer does not take what was sent before")
	ErrTooLarge    = errors.New("bus: the payload is larger than a message may be")
	ErrEnvelope    = errors.New("bus: an envelope needs exactly one of To, Shard and Answer")
)

// Peer is where a node's bus can be reached.
type Peer struct {
	ID   wire.NodeID
	Addr string // host:port of the peer's bus listener
}

// Envelope is one message on its way out. Exactly one of To, Shard and Answer
// says where it goes.
type Envelope struct {
	To      wire.NodeID  // a node, when Shard and Answer are empty
	Shard   string       // subject token of a shard: broadcast, never to the sender itself
	Answer  wire.ReplyTo // the answer to a request that was received
	Kind    string       // last token of the subject, for people who look at the bus
	Request uint64       // not zero, with To: an answer is expected and comes back with this number
	Payload []byte       // copied before Send returns; at most Conn.MaxPayload bytes
}

// Message is one message that arrived. Payload is valid during the call only.
type Message struct {
	Payload []byte
	From    wire.NodeID  // the sender; as good as the connection's credentials (docs/security.md)
	ReplyTo wire.ReplyTo // not empty: the sender expects an answer
	Request uint64       // not zero: this answers the request with this number
	Refused bool         // with Request: nobody listens there ("not yet", not "no")
}

// Handler takes what arrives, on a goroutine of the bus. It must not block.
// Messages of one sending connection arrive one after another, in order.
type Handler func(Message)

// Conn is one node's access to the bus. All methods may be called by any
// goroutine, and none of them blocks, except that Close waits: what cannot be
// sent now is lost, as it would be on the way.
type Conn interface {
	// Send sends one envelope. An error says that it certainly was not sent;
	// nil proves nothing. A broadcast goes to all nodes that can be reached and has an
	// error only when it could have reached no node.
	Send(Envelope) error
	// Listen delivers what arrives for this node, and for the shards with these
	// tokens, to h. A later call replaces handler and shards. Before the first
	// call, requests to this node are refused.
	Listen(h Handler, shards ...string) error
	// Reach replaces the list of peers: the only addresses that may be dialled.
	// The node itself needs no entry; one that names it is ignored.
	Reach(peers []Peer)
	// MaxPayload is the largest payload that Send takes. It never changes.
	MaxPayload() int
	// Close ends all connections and waits for handlers that are running. It
	// must not be called by a handler.
	Close() error
}
