// Package plausible refuses what cannot be true: contexts that clients bring (docs/causal.md
// §2.1), and messages of peers that break a rule (docs/causal.md §12). Without a secret a
// context is whatever its client says it is. Whatever is refused has no effect.
//
// A Judge has no state of its own. It may be used by one goroutine at a time.
package plausible

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// FewestWrites is how many writes there can have been at least, whatever a clock says.
const FewestWrites = 1 << 40

// peerMargin is how far ahead of this node's clock a peer's may be, in writes: the
// counters that it brings were plausible there.
const peerMargin = 1 << 36

// Own are the streams of this boot of the node.
type Own interface {
	// ID names the present stream, and Last is its last number.
	ID() wire.Stream
	Last() uint64
	// LastOf is the last number of a stream of this boot; the largest number there is, if
	// that is forgotten.
	LastOf(*wire.Stream) uint64
}

// Judge says what can be true, by two facts. Counters of versions, and positions in
// streams, count writes, and there is at most one write each microsecond. And a node knows
// how far it has written itself.
type Judge struct {
	writes uint64 // how many writes there can have been at instant zero
	self   wire.NodeBoot
	own    Own
	slots  int // how many slots there are
}

// New returns a judge.
func New(writes uint64, self wire.NodeBoot, own Own, slots int) Judge {
	return Judge{writes: writes, self: self, own: own, slots: slots}
}

// Most is how many writes there can have been by now. An honest counter is not larger.
func (j *Judge) Most(now wire.Instant) uint64 { return j.writes + uint64(now/wire.Microsecond) }

// Context reports whether a context can be one that a node gave out.
func (j *Judge) Context(c *wire.Context, now wire.Instant) bool {
	most := j.Most(now)
	if mutant.On(mutant.CausalForgedContexts) {
		return true
	}
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

// number reports whether a stream can have a number. Of its own streams a node knows.
func (j *Judge) number(s *wire.Stream, n, most uint64) bool {
	mine := s.Boot == j.self.Boot && s.Node == j.self.Node
	return n <= most && (!mine || n <= j.own.LastOf(s))
}

// Credible reports whether the counters that a message of a peer brings leave room above
// them: a write here is above those of its key.
func (j *Judge) Credible(m wire.Message, now wire.Instant) bool {
	return counterIn(m) <= j.Most(now)+peerMargin
}

// counterIn is the largest counter in a message that this node would be above.
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

func counterOf(items []wire.Item) (n uint64) {
	for i := range items {
		n = max(n, items[i].Version.Counter)
	}
	return n
}
