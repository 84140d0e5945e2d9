// Package plausible refuses what cannot be true: contexts of clients (docs/causal.md §2.1), and
// messages of peers that break a rule (docs/causal.md §12). In a cluster without a secret a
// client can make any context. What passes here cannot end a key's counters, make a node take
// future writes for collected ones, or cost unbounded work. It may still be false within those
// limits.
//
// A Judge only decides. Its caller must not use any part of what is refused. A Judge has no state
// of its own and reads that of Own, so one goroutine at a time may use it.
package plausible

import (
	"github.com/cohortkv/cohort/node/wire"
)

// FewestWrites is the least bound on the number of writes that there can have been, at any time of
// the clock. So a node whose clock is years behind refuses no honest session.
const FewestWrites = 1 << 40

// peerMargin is how far a peer's clock may be ahead of this node's, in writes, which are
// microseconds: about 19 hours. The counters that the peer brings were plausible there.
const peerMargin = 1 << 36

// Own are the streams of this node's present boot.
type Own interface {
	// ID names the stream of the present view.
	ID() wire.Stream
	// Last is the last number of that stream.
	Last() uint64
	// LastOf is the last number of a stream of this boot; the largest uint64 if the number is
	// not remembered.
	LastOf(*wire.Stream) uint64
}

// Judge says what can be true, by two facts. First, counters of versions and numbers in streams
// count writes, and there is at most one write each microsecond. Second, a node knows how far
// it has written its own streams.
type Judge struct {
	writes uint64        // most writes that there can have been at instant zero; at least FewestWrites
	self   wire.NodeBoot // this node in its present boot
	own    Own
	slots  int // slots in the space
}

// New returns a Judge. writes is the most writes that there can have been at instant zero.
func New(writes uint64, self wire.NodeBoot, own Own, slots int) Judge {
	return Judge{writes: writes, self: self, own: own, slots: slots}
}

// Most is the most writes that there can have been by now. No honest counter is larger.
func (j *Judge) Most(now wire.Instant) uint64 { return j.writes + uint64(now/wire.Microsecond) }

// Context reports whether a context can be one that a node gave to a client (docs/causal.md §2.1,
// rules 2 and 3).
func (j *Judge) Context(c *wire.Context, now wire.Instant) bool {
	most := j.Most(now)
	for i := range c.Exact {
		if v := &c.Exact[i].Version; v.Counter > most || !j.number(&v.Dot.Stream, v.Dot.N, most) {
			return false
		}
	}
	for i := range c.Vector {
		if p := &c.Vector[i]; !j.number(&p.Stream, p.N, most) {
			return false
		}
	}
	return c.Ceil <= most
}

// number reports whether a stream can have a number: at most most, and at most the last number of
// a stream of this boot.
func (j *Judge) number(s *wire.Stream, n, most uint64) bool {
	mine := s.Boot == j.self.Boot && s.Node == j.self.Node
	return n <= most && (!mine || n <= j.own.LastOf(s))
}

// Credible reports whether the counters of a peer's message leave room above them, since a write
// here must be above the counters of its key (I13; docs/causal.md §2.1, rule 6).
func (j *Judge) Credible(m wire.Message, now wire.Instant) bool {
	return counterIn(m) <= j.Most(now)+peerMargin
}

// counterIn is the largest counter in a message that a later write here may have to be above.
func counterIn(m wire.Message) (n uint64) {
	switch m := m.(type) {
	case *wire.Batch:
		n = counterOf(m.Items)
	case *wire.Items:
		n = counterOf(m.Items)
		for _, f := range m.GCCounters {
			n = max(n, f.GCCounter)
		}
	case *wire.DigestRequest:
		n = m.Collecting
	case *wire.Digest:
		n = m.GCCounter
		for i := range m.Held.Held {
			n = max(n, m.Held.Held[i].GCCounter)
		}
	case *wire.KeyReply:
		n = max(m.GCCounter, m.Item.Version.Counter)
	}
	return n
}

// counterOf is the largest counter of items.
func counterOf(items []wire.Item) (n uint64) {
	for i := range items {
		n = max(n, items[i].Version.Counter)
	}
	return n
}
