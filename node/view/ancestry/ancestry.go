// Package ancestry has what a view records of the time before it (docs/views.md §1.1): the views
// that it replaces (ancestors), the first views that it descends from (births), what its author
// heard from each node (saw), and the ballots that nodes had (known). It also says which list may
// replace another one, and which of these records can be true.
//
// All are functions of views. A function that changes a view replaces its list, and never writes
// to the old one: that list may be part of a write or a message.
package ancestry

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// MaxAncestors bounds the replaced views that a view remembers. A node that returns from
// further back refuses the view once. The author of an open PUT learns of that and adds the
// node's view to the ancestors.
const MaxAncestors = 1000

// MaxBirths bounds the first views that a view remembers. There is one for each cluster that an
// operator ever joined to it.
const MaxBirths = 64

// Add records that v replaces a view that a node holds.
func Add(v *wire.View, held ids.View, renewed uint64) {
	if !held.IsZero() && held != v.ID {
		v.Ancestors = Merge(v.Ancestors, []wire.Ancestor{{View: held, Renewed: renewed}})
	}
}

// Merge returns the union of two lists that ascend by view id: the highest MaxAncestors views.
// If both lists have a view, the larger count of renewals stays. b need not be in order. The
// result may be one of the lists; neither is written to.
func Merge(a, b []wire.Ancestor) []wire.Ancestor {
	if len(b) == 0 || slices.Equal(a, b) {
		return a
	}
	out := append(slices.Clone(a), b...)
	slices.SortFunc(out, func(x, y wire.Ancestor) int {
		return cmp.Or(x.View.Compare(y.View), cmp.Compare(y.Renewed, x.Renewed))
	})
	out = slices.CompactFunc(out, func(x, y wire.Ancestor) bool { return x.View == y.View })
	if n := len(out) - MaxAncestors; n > 0 {
		out = slices.Delete(out, 0, n)
	}
	return out
}

// MergeBirths returns the union of two ascending lists: the lowest MaxBirths views. The result
// may be one of the lists; neither is written to.
func MergeBirths(a, b []ids.View) []ids.View {
	if len(b) == 0 || slices.Equal(a, b) {
		return a
	}
	out := slices.Concat(a, b)
	slices.SortFunc(out, ids.View.Compare)
	out = slices.Compact(out)
	return out[:min(len(out), MaxBirths):min(len(out), MaxBirths)]
}

// MayReplace reports whether an author without a cluster may replace a list that is held: the
// held list has the author at the same address, or the new list keeps all members. Any other
// list could take nodes out of a cluster that the author does not know
// (docs/views.md §2.1, rule 3).
func MayReplace(author ids.Node, list, held *wire.Layout) bool {
	now, listed := list.Find(author)
	if was, ok := held.Find(author); listed && ok && was == now {
		return true
	}
	for _, m := range held.Members() {
		if now, ok := list.Find(m.ID); !ok || now != m {
			return false
		}
	}
	return true
}
