package membus

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

// Conn is one node's access to the network.
type Conn struct {
	net      *Net
	id       ids.Node
	addr     string
	boot     ids.Boot      // identifies this Conn among those of the node, in ReplyTo
	wake     chan struct{} // capacity 1: a message may be deliverable
	stop     chan struct{}
	handling sync.WaitGroup

	// Guarded by net.mu.
	handler bus.Handler
	shards  []string
	peers   []bus.Peer
	closed  bool
}

func newConn(n *Net, id ids.Node, addr string, boot ids.Boot) *Conn {
	c := &Conn{net: n, id: id, addr: addr, boot: boot, wake: make(chan struct{}, 1), stop: make(chan struct{})}
	if !n.manual {
		c.handling.Go(c.receive)
	}
	return c
}

// Send implements bus.Conn.
func (c *Conn) Send(e bus.Envelope) error {
	if len(e.Payload) > bus.MaxPayload {
		return bus.ErrTooLarge
	}
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed {
		return bus.ErrClosed
	}
	p := packet{from: c.id, payload: bytes.Clone(e.Payload)}
	switch {
	case e.Answer != "":
		if e.Shard != "" || e.Request != 0 {
			return bus.ErrEnvelope
		}
		return c.answer(e.Answer, p)
	case e.Shard != "":
		if e.Request != 0 {
			return bus.ErrEnvelope
		}
		return c.broadcast(e, p)
	}
	return c.sendTo(e, p)
}

func (c *Conn) sendTo(e bus.Envelope, p packet) error {
	if err := checkKind(e.Kind); err != nil {
		return err
	}
	to := c.find(e.To)
	if to == nil {
		return bus.ErrUnreachable
	}
	if e.Request == 0 {
		return c.net.put(c, to, p)
	}
	if to.handler == nil {
		return c.refuse(to, e.Request)
	}
	p.replyTo = ids.ReplyTo(fmt.Sprintf("%d.%d", c.boot, e.Request))
	return c.net.put(c, to, p)
}

// refuse answers in place of a node that does not listen. A refusal comes from the address of
// the node, so both directions must be open.
func (c *Conn) refuse(by *Conn, request uint64) error {
	if c.net.mu.cut[ends{c.id, by.id}] {
		return nil
	}
	return c.net.put(by, c, packet{from: by.id, request: request, refused: true})
}

func (c *Conn) answer(to ids.ReplyTo, p packet) error {
	var boot ids.Boot
	if _, err := fmt.Sscanf(string(to), "%d.%d", &boot, &p.request); err != nil {
		return fmt.Errorf("bus: %q is not a subject for answers", string(to))
	}
	asker := c.net.mu.byBoot[boot]
	if asker == nil {
		return nil // the receiver is gone: the message is lost, as on any bus
	}
	return c.net.put(c, asker, p)
}

func (c *Conn) broadcast(e bus.Envelope, p packet) error {
	if err := bus.CheckToken(e.Shard); err != nil {
		return fmt.Errorf("bus: shard %w", err)
	}
	if err := checkKind(e.Kind); err != nil {
		return err
	}
	p.shard = e.Shard
	err := bus.ErrUnreachable
	for _, peer := range c.peers {
		to := c.find(peer.ID)
		if to == nil || to == c {
			continue
		}
		if c.net.put(c, to, p) == nil {
			err = nil
		}
	}
	return err
}

// find returns the Conn at a peer's address, if this Conn belongs to the peer.
func (c *Conn) find(id ids.Node) *Conn {
	if id == c.id {
		return c
	}
	for _, p := range c.peers {
		if p.ID != id {
			continue
		}
		if to := c.net.mu.byAddr[p.Addr]; to != nil && to.id == id {
			return to
		}
	}
	return nil
}

// Listen implements bus.Conn.
func (c *Conn) Listen(h bus.Handler, shards ...string) error {
	for _, token := range shards {
		if err := bus.CheckToken(token); err != nil {
			return fmt.Errorf("bus: shard %w", err)
		}
	}
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed {
		return bus.ErrClosed
	}
	c.handler, c.shards = h, slices.Clone(shards)
	return nil
}

// Reach implements bus.Conn.
func (c *Conn) Reach(peers []bus.Peer) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	c.peers = slices.Clone(peers)
}

// MaxPayload implements bus.Conn.
func (c *Conn) MaxPayload() int { return bus.MaxPayload }

// Close implements bus.Conn.
func (c *Conn) Close() error {
	c.net.mu.Lock()
	if c.closed {
		c.net.mu.Unlock()
		return nil
	}
	c.closed, c.handler = true, nil
	delete(c.net.mu.byAddr, c.addr)
	delete(c.net.mu.byBoot, c.boot)
	c.net.mu.links = slices.DeleteFunc(c.net.mu.links, func(l *link) bool { return l.target == c })
	c.net.mu.Unlock()
	close(c.stop)
	c.handling.Wait()
	return nil
}

func checkKind(kind string) error {
	if err := bus.CheckToken(kind); err != nil {
		return fmt.Errorf("bus: kind %w", err)
	}
	return nil
}
