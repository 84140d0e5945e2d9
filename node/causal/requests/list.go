package requests

import (
	"cmp"
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// tryList answers a list, or lets it wait (docs/causal.md §3.3). The driver reads the items
// from the state as it is right after this step, so K as checked here is true of them.
func (r *Requests) tryList(q *request) {
	if r.slots.Unready() > 0 || !r.satisfied.Listable(&q.context) {
		r.wait(q)
		return
	}
	r.waiting.Remove(q)
	view := r.view.ID()
	r.step.After(r.step.LastWrite(), func() {
		if q.gone {
			return
		}
		if r.view.ID() != view {
			r.start(q, nil) // this node may own other slots by now
			return
		}
		q.gone = true
		delete(r.clients, q.token)
		n := r.compactor()
		r.step.Read(core.Read{
			Kind: core.ReadItems, Token: q.token, Ranges: slots.Hashes(r.slots.Space(), slots.OwnedRanges(r.slots)), Context: q.context,
			StableCut: n.Cut, Subsumed: n.Subsumed, Known: r.satisfied.Known(&q.context),
		})
	})
}

// Listed yields the items that answer a Read of kind ReadItems. An item is left out if the
// client names a larger version of its key that K has. That version was deleted and
// collected, and a read of the key would answer 404, too (docs/causal.md §3.3, rule 3).
func Listed(read *core.Read, items iter.Seq[*wire.Item]) iter.Seq[*wire.Item] {
	if len(read.Known) == 0 {
		return items
	}
	return func(yield func(*wire.Item) bool) {
		for item := range items {
			i, named := slices.BinarySearchFunc(read.Known, hashing.Hash(item.Key), func(d wire.Dependency, hash uint64) int { return cmp.Compare(d.Hash, hash) })
			if (!named || !version.Wins(read.Known[i].Version, item.Version)) && !yield(item) {
				return
			}
		}
	}
}

// ListContext is the context of a client after a Read of kind ReadItems was answered. The items
// are those that Listed yields, tombstones too: the client has seen that their keys have no
// value. The limits must be those of the Replica.
func ListContext(limits Limits, read *core.Read, items iter.Seq[*wire.Item]) wire.Context {
	n := &version.Compactor{Limit: limits.Vector, Cut: read.StableCut, Subsumed: read.Subsumed}
	return n.Bound(version.SeenList(&read.Context, items), limits.Exact, version.MaxContextBytes)
}
