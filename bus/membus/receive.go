package membus

import (
	"slices"

	"github.com/cohortkv/cohort/bus"
)

// receive delivers messages, one after another, until Close.
func (c *Conn) receive() {
	for {
		select {
		case <-c.wake:
			for c.deliverOne() {
			}
		case <-c.stop:
			return
		}
	}
}

// deliverOne delivers the oldest message that may be delivered.
func (c *Conn) deliverOne() bool {
	p, ok := c.next()
	if ok {
		c.handle(p)
	}
	return ok
}

func (c *Conn) next() (packet, bool) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed {
		return packet{}, false
	}
	var oldest *link
	for _, l := range c.net.mu.links {
		if l.target == c && c.net.open(l) && (oldest == nil || l.packets[0].number < oldest.packets[0].number) {
			oldest = l
		}
	}
	if oldest == nil {
		return packet{}, false
	}
	return oldest.take(0), true
}

// handle calls the handler without holding a lock, because the handler may send.
func (c *Conn) handle(p packet) {
	c.net.mu.Lock()
	h := c.handler
	wanted := p.shard == "" || slices.Contains(c.shards, p.shard)
	c.net.mu.Unlock()
	if h == nil || !wanted {
		return
	}
	h(bus.Message{Payload: p.payload, From: p.from, ReplyTo: p.replyTo, Request: p.request, Refused: p.refused})
}

// wakeUp wakes the receiving goroutine. It never blocks.
func (c *Conn) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
