// Package bus is the message transport between nodes. A Conn carries bytes. Its guarantees
// are weak, because those of NATS are: messages may be lost, duplicated or delayed, and may
// be reordered across a reconnect, all without an error. Users of a Conn number their
// messages and repair gaps.
//
// The package also holds the conventions of the two ends of a bus: subjects, names of servers
// and nodes, keys derived from the cluster's secret, and certificates made with these keys. No
// other package builds or parses any of them.
package bus

import (
	"errors"

	"github.com/cohortkv/cohort/node/ids"
)

// MaxPayload is the largest payload of a message. It is the default of NATS, so an outside
// cluster needs no setting. A NATS server may be set to less (Conn.MaxPayload).
const MaxPayload = 1 << 20

// Reasons for which a message was certainly not sent. Send returns them without wrapping,
// because Send is on the hot path of a cluster that has lost a node.
var (
	ErrClosed      = errors.New("bus: closed")
	ErrUnreachable = errors.New("bus: no connection to the peer")
	ErrFull        = errors.New("bus: the send buffer of the peer is full")
	ErrTooLarge    = errors.New("bus: the payload is too large for a message")
	ErrEnvelope    = errors.New("bus: an envelope needs exactly one of To, Shard and Answer")
)

// Peer is the address of another node's bus.
type Peer struct {
	ID   ids.Node
	Addr string // host:port of the peer's bus listener
}

// Envelope is an outgoing message. Exactly one of To, Shard and Answer is its destination.
type Envelope struct {
	To      ids.Node    // a node, when Shard and Answer are empty
	Shard   string      // subject token of a shard: broadcast, never to the sender itself
	Answer  ids.ReplyTo // the answer to a request that was received
	Kind    string      // last token of the subject, for observers of the bus
	Request uint64      // not zero, with To: an answer is expected, and carries this number
	Payload []byte      // copied before Send returns; at most Conn.MaxPayload bytes
}

// Message is an incoming message. Payload is valid only during the call of the handler.
type Message struct {
	Payload []byte
	From    ids.Node    // the sender; as trustworthy as the connection's credentials (docs/security.md)
	ReplyTo ids.ReplyTo // not empty: the sender expects an answer
	Request uint64      // not zero: this answers the request with this number
	Refused bool        // with Request: the node does not listen yet
}

// Handler takes incoming messages, on a goroutine of the bus. A handler must not block.
// Messages of one sending connection arrive one after another, in order.
type Handler func(Message)

// Conn is one node's access to the bus. Any goroutine may call any method. No method blocks
// except Close. A message that cannot be sent at once is lost, as on the network.
type Conn interface {
	// Send sends one envelope. With an error the message was certainly not sent. Without an
	// error the message may still be lost. A broadcast goes to all nodes that can be
	// reached, and has an error only when no node can.
	Send(Envelope) error
	// Listen delivers messages to this node, and to the shards with these tokens, to h. A
	// later call replaces handler and shards. Before the first call, requests to this node
	// are refused.
	Listen(h Handler, shards ...string) error
	// Reach replaces the list of peers. No other addresses are dialled. An entry of the node
	// itself is not needed, and is ignored.
	Reach(peers []Peer)
	// MaxPayload is the largest payload that Send takes. It never changes.
	MaxPayload() int
	// Close ends all connections and waits for running handlers. A handler must not call
	// Close.
	Close() error
}
