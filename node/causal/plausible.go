package causal

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Without a secret a context is whatever its client says it is. What cannot be true is
// refused before it does anything (docs/causal.md §2.1).

// fewestWrites is how many writes there can have been at least, whatever a clock says.
const fewestWrites = 1 << 40

// peerMargin is how far ahead of this node's clock a peer's may be, in writes: the
// counters that it brings were plausible there.
const peerMargin = 1 << 36

// possible is how many writes there can have been by now, one each microsecond. Counters
// of versions, and positions in streams, count writes: an honest one is never larger.
func (r *Replica) possible() uint64 {
	return r.cfg.Limits.Writes + uint64(r.now/wire.Microsecond)
}

// plausible reports whether a context can be one that a node gave out.
func (r *Replica) plausible(c *wire.Context) bool {
	most := r.possible()
	if mutant.On(mutant.CausalForgedContexts) {
		return true
	}
	for i := range c.Exact {
		v := &c.Exact[i].Version
		if v.Counter > most || v.Dot.N > most || v.Dot.Stream.Boot == r.cfg.Boot && !r.wroteUpTo(&v.Dot.Stream, v.Dot.N) {
			return false
		}
	}
	for i := range c.Vector {
		if p := &c.Vector[i]; p.N > most || p.Stream.Boot == r.cfg.Boot && !r.wroteUpTo(&p.Stream, p.N) {
			return false
		}
	}
	return c.Ceil <= most
}

// wroteUpTo reports whether a stream with this boot can have a number: of its own ones a
// node knows.
func (r *Replica) wroteUpTo(s *wire.Stream, n uint64) bool {
	return s.Node != r.cfg.Self || n <= r.streams.Own.LastOf(s)
}

// credible reports whether the counters that a message brings leave room above them: a
// write here is above those of its key. What is not is dropped as if it were lost.
func (r *Replica) credible(from ids.Node, m wire.Message) bool {
	if counterIn(m) <= r.possible()+peerMargin {
		return true
	}
	r.box.Event(core.Event{Kind: EventIncredible, Peer: from, Note: m.Kind().String()})
	return false
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
