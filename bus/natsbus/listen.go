package natsbus

import (
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

// noResponders is the status of the empty message that a NATS server answers in place of a node
// that does not listen.
const noResponders = "503"

// Listen replaces handler and shards. It sends new subscriptions to the server, and does not
// wait for the server. A caller that must know must exchange messages with the peer.
func (c *Conn) Listen(h bus.Handler, shards ...string) error {
	wanted := []string{c.subjects.ToNode(c.node)}
	for _, token := range shards {
		if err := bus.CheckToken(token); err != nil {
			return fmt.Errorf("bus: shard %w", err)
		}
		wanted = append(wanted, c.subjects.ToShard(token))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.closed {
		return bus.ErrClosed
	}
	c.handler.Store(&h)
	c.mu.wanted = wanted
	if c.mu.nc == nil {
		return nil // connectOwn will subscribe
	}
	if err := c.subscribe(); err != nil && !c.mu.nc.IsClosed() {
		return err
	}
	return nil // if it has closed, connectOwn will subscribe again
}

// connectOwn takes a new connection to the server on which the node listens.
func (c *Conn) connectOwn(nc *nats.Conn, _ *connecting) (ids.Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.nc, c.mu.subs = nc, map[string]*nats.Subscription{}
	if c.external {
		if _, err := nc.ChanSubscribe(c.answers.All(), c.inbound); err != nil {
			return 0, err
		}
	}
	return c.node, c.subscribe()
}

// subscribe makes the subscriptions on the current connection equal to the wanted ones. All
// subscriptions share one channel, which keeps the messages of one sender in order.
func (c *Conn) subscribe() error {
	for subject, sub := range c.mu.subs {
		if !slices.Contains(c.mu.wanted, subject) {
			delete(c.mu.subs, subject)
			if err := sub.Unsubscribe(); err != nil {
				return fmt.Errorf("bus: stop listening on %s: %w", subject, err)
			}
		}
	}
	for _, subject := range c.mu.wanted {
		if c.mu.subs[subject] != nil {
			continue
		}
		sub, err := c.mu.nc.ChanSubscribe(subject, c.inbound)
		if err != nil {
			return fmt.Errorf("bus: listen on %s: %w", subject, err)
		}
		c.mu.subs[subject] = sub
	}
	return nil
}

// receive passes all messages to the handler, until Close.
func (c *Conn) receive() {
	for {
		select {
		case m := <-c.inbound:
			c.handle(m)
			if len(c.inbound) == 0 {
				c.gate.empty()
			}
		case <-c.stop:
			return
		}
	}
}

func (c *Conn) handle(m *nats.Msg) {
	h := c.handler.Load()
	if h == nil {
		return
	}
	from, ok := c.sender(m)
	if !ok {
		c.counts.asyncErrors.Add(1)
		return
	}
	c.counts.received.Add(1)
	msg := bus.Message{Payload: m.Data, From: from}
	if request, ok := c.answers.Request(m.Subject); ok {
		msg.Request = request
		msg.Refused = len(m.Data) == 0 && m.Header.Get("Status") == noResponders
	} else if m.Reply != "" {
		if asker, answerer, ok := c.subjects.ParseAnswer(ids.ReplyTo(m.Reply)); ok && asker == from && answerer == c.node {
			msg.ReplyTo = ids.ReplyTo(m.Reply)
		}
	}
	(*h)(msg)
}

// sender is the node that sent a message, as its subject says. The node's own server accepts
// from each node only the subjects of this node. The server of a peer could write any subject,
// so the sender of an answer is taken from the subscription.
func (c *Conn) sender(m *nats.Msg) (ids.Node, bool) {
	from, ok := c.subjects.Sender(m.Subject)
	if !ok || c.external || m.Sub == nil {
		return from, ok
	}
	asked, ok := c.subjects.Sender(m.Sub.Subject)
	return from, !ok || from == asked // subscriptions on the node's own server name no sender
}
