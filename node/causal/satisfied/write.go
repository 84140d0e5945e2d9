package satisfied

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// Deps are the dependencies of a write before they are bounded: its context without its own
// key. Exception: a version of the key that durable K lacks stays. That version may arrive
// later from a node that no member knows. A tombstone that names the version is kept until
// K has the version: K could not refuse it once the tombstone is gone (docs/causal.md §9.3,
// rule 7; I19).
func (k *Checker) Deps(c *wire.Context, hash uint64, old *wire.Item) wire.Context {
	deps := version.Without(c, hash)
	s := k.slots.Of(hash)
	unknown := []wire.CausalVersion{version.Named(c, hash)}
	if old != nil {
		unknown = append(unknown, version.Named(&old.Deps, hash))
	}
	for _, v := range unknown {
		switch last := version.Named(&deps, hash); {
		case v.IsZero() || v == last || k.slots.Durable(s, v.Dot.Stream, v.Dot.N):
		case last.IsZero() || v.Compare(last) > 0:
			deps = version.With(&deps, hash, v)
			deps.Vector = version.Extend(deps.Vector, last.Dot.Stream, last.Dot.N)
		default:
			deps.Vector = version.Extend(deps.Vector, v.Dot.Stream, v.Dot.N)
		}
	}
	return deps
}

// CounterBelow is the largest counter that a write must be above, so that its version is above
// every version of its key in its causal past, folded ones too (I13; docs/causal.md §3.2,
// rule 1). Counters of other keys do not count: a counter grows with its own key alone.
func (k *Checker) CounterBelow(c *wire.Context, key string, old *wire.Item) uint64 {
	hash := hashing.Hash(key)
	at := k.slots.Space().Slot(hash)
	s := k.slots.At(at)
	n := version.Named(c, hash).Counter
	if old != nil {
		n = max(n, old.Version.Counter)
	}
	if !s.Ready() {
		n = max(n, s.Apart(key))
	}
	n = max(n, s.GCCounter())
	// The ceil counts unless durable K has everything that was folded. Lost positions do
	// not spare the ceil: a lost version may turn up again, and this write must be above that one.
	if c.Ceil > n && !k.has(c, at, k.slots.Durable) {
		n = c.Ceil
	}
	return n
}
