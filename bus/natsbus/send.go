package natsbus

import (
	"bytes"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

// Send sends one envelope, on the goroutine of the caller as far as nats.go allows. It allocates
// only for a request: the subject of the answer.
func (c *Conn) Send(e bus.Envelope) error {
	if len(e.Payload) > c.MaxPayload() {
		c.counts.tooLarge.Add(1)
		return bus.ErrTooLarge
	}
	switch {
	case e.Answer != "":
		if e.Shard != "" || e.Request != 0 {
			return bus.ErrEnvelope
		}
		return c.answer(e.Answer, e.Payload)
	case e.Shard != "":
		if e.Request != 0 {
			return bus.ErrEnvelope
		}
		return c.broadcast(e)
	}
	return c.sendTo(e)
}

func (c *Conn) sendTo(e bus.Envelope) error {
	subject, err := c.names.node(e.To, e.Kind)
	if err != nil {
		return err
	}
	reply := ""
	if e.Request != 0 {
		reply = c.answers.To(e.Request, e.To)
	}
	if e.To == c.node {
		return c.deliverLocal(subject, reply, e.Payload)
	}
	if c.external {
		return c.publishHome(subject, reply, e.Payload)
	}
	p := c.peers.Load().byID[e.To]
	if p == nil {
		c.counts.dropped.Add(1)
		return bus.ErrUnreachable
	}
	return p.link.publish(p.connection(), subject, reply, e.Payload)
}

// publishHome sends through the node's own server, or through the outside cluster.
func (c *Conn) publishHome(subject, reply string, payload []byte) error {
	return c.home.publish(c.home.live.Load(), subject, reply, payload)
}

// answer publishes at the node's own server. The peer that asked listens there.
func (c *Conn) answer(to ids.ReplyTo, payload []byte) error {
	if _, from, ok := c.subjects.ParseAnswer(to); !ok || from != c.node {
		return fmt.Errorf("bus: %q is not a subject for answers to this node", string(to))
	}
	if _, own := c.answers.Request(string(to)); own {
		return c.deliverLocal(string(to), "", payload)
	}
	return c.publishHome(string(to), "", payload)
}

func (c *Conn) broadcast(e bus.Envelope) error {
	subject, err := c.names.shard(e.Shard, e.Kind)
	if err != nil {
		return err
	}
	if c.external {
		return c.publishHome(subject, "", e.Payload)
	}
	err = bus.ErrUnreachable
	for _, p := range c.peers.Load().all {
		if p.link.publish(p.connection(), subject, "", e.Payload) == nil {
			err = nil
		}
	}
	return err
}

// deliverLocal delivers a message from the node to itself, without NATS. The outside cluster
// must not echo broadcasts to their sender, and can only suppress all messages of a connection.
func (c *Conn) deliverLocal(subject, reply string, payload []byte) error {
	if c.handler.Load() == nil {
		c.counts.dropped.Add(1)
		return bus.ErrUnreachable
	}
	select {
	case c.inbound <- &nats.Msg{Subject: subject, Reply: reply, Data: bytes.Clone(payload)}:
		c.counts.sent.Add(1)
		return nil
	default:
		c.counts.dropped.Add(1)
		return bus.ErrFull
	}
}

// namesBound bounds the subjects that are cached. One view has far fewer kinds, peers and
// shards. Over many views there may be more; at the bound, the table is emptied.
const namesBound = 1024

// names caches the subjects of messages, so that sending builds no strings. Reading takes no
// lock; a new name copies the table.
type names struct {
	subjects bus.Subjects
	from     ids.Node
	table    atomic.Pointer[map[nameKey]string]
}

type nameKey struct {
	node  ids.Node
	shard string // empty: a node's subject
	kind  string
}

func (n *names) node(id ids.Node, kind string) (string, error) {
	return n.find(nameKey{node: id, kind: kind})
}

func (n *names) shard(token, kind string) (string, error) {
	return n.find(nameKey{shard: token, kind: kind})
}

func (n *names) find(key nameKey) (string, error) {
	old := n.table.Load()
	if old != nil {
		if name, ok := (*old)[key]; ok {
			return name, nil
		}
	}
	name, err := n.build(key)
	if err != nil {
		return "", err
	}
	table := map[nameKey]string{}
	if old != nil && len(*old) < namesBound {
		table = maps.Clone(*old)
	}
	table[key] = name
	n.table.CompareAndSwap(old, &table) // if another goroutine was first, the next call adds the name
	return name, nil
}

func (n *names) build(key nameKey) (string, error) {
	if err := bus.CheckToken(key.kind); err != nil {
		return "", fmt.Errorf("bus: kind %w", err)
	}
	if key.shard == "" {
		return n.subjects.Node(key.node, n.from, key.kind), nil
	}
	if err := bus.CheckToken(key.shard); err != nil {
		return "", fmt.Errorf("bus: shard %w", err)
	}
	return n.subjects.Shard(key.shard, n.from, key.kind), nil
}
