package natsbus

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
)

// counts are the counters behind Stats. All links of a Conn share them.
type counts struct {
	sent, dropped, received, overruns atomic.Uint64
	connects, disconnects, strangers  atomic.Uint64
	asyncErrors, tooLarge             atomic.Uint64
}

// asyncError counts and logs asynchronous errors of NATS, such as subjects that an outside
// cluster does not allow. No other reaction is needed: lost messages show as gaps, and a broken
// connection is replaced.
func (c *Conn) asyncError(l *link, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) {
		c.counts.overruns.Add(1)
		return
	}
	c.counts.asyncErrors.Add(1)
	if count, due := c.repeats.Tell(time.Now(), l.addr+" "+err.Error()); due {
		attrs := append(l.attrs(), slog.Any("err", err), slog.Uint64("count", count))
		c.log.LogAttrs(context.Background(), slog.LevelWarn, l.noun()+" error", attrs...)
	}
}

// Stats returns the counters of this Conn.
func (c *Conn) Stats() bus.Stats {
	s := bus.Stats{
		Sent:        c.counts.sent.Load(),
		Dropped:     c.counts.dropped.Load(),
		Received:    c.counts.received.Load(),
		Overruns:    c.counts.overruns.Load(),
		Connects:    c.counts.connects.Load(),
		Disconnects: c.counts.disconnects.Load(),
		Strangers:   c.counts.strangers.Load(),
		AsyncErrors: c.counts.asyncErrors.Load(),
		TooLarge:    c.counts.tooLarge.Load(),
		Home:        c.home.state(bus.Peer{ID: c.node}),
	}
	for _, p := range c.peers.Load().all {
		s.Peers = append(s.Peers, p.state())
	}
	return s
}

func (p *peer) state() bus.Link {
	s := p.link.state(p.Peer)
	if conn := p.link.live.Load(); s.Connected && conn != nil && conn.node != p.ID {
		s = bus.Link{Peer: p.Peer, Why: bus.WrongNode, Since: s.Since}
		s.Err = bus.Refuse(s.Why, "node %d is there", conn.node)
	}
	return s
}

func (l *link) state(to bus.Peer) bus.Link {
	s := bus.Link{Peer: to}
	if conn := l.live.Load(); conn != nil {
		s.Connected, s.Since = true, conn.since
		if conn.out != nil {
			s.Backlog = int(conn.out.waiting.Load())
		}
	} else if f := l.failed.Load(); f != nil {
		s.Err, s.Why, s.Since = f.err, f.why, f.since
	}
	return s
}
