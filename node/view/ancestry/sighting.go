package ancestry

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Record records a sighting in place of an older one of the same node.
func Record(v *wire.View, s wire.Sighting) {
	v.Saw = slices.Clone(v.Saw)
	if i := sightingIndex(v, s.Node); i >= 0 {
		v.Saw[i] = s
	} else {
		v.Saw = append(v.Saw, s)
	}
}

// RecordLater records a sighting that came after the view was created. If the node reports no
// view, it is recorded as having held this view: an earlier incarnation, unknown to the author,
// may have held this view and its data. If the author had heard this incarnation before, its
// record stays (docs/views.md §1.1, rule 3).
func RecordLater(v *wire.View, s wire.Sighting) {
	if s.View.IsZero() {
		s.View = v.ID
		if i := sightingIndex(v, s.Node); i >= 0 && v.Saw[i].Inc == s.Inc {
			s.View = v.Saw[i].View
		}
	}
	Record(v, s)
}

func sightingIndex(v *wire.View, node ids.Node) int {
	return slices.IndexFunc(v.Saw, func(o wire.Sighting) bool { return o.Node == node })
}

// AddKnown records a ballot of which a node holds the history. Members of the view owe it (I24).
func AddKnown(v *wire.View, b ids.Ballot, members []wire.Member) {
	listed := slices.ContainsFunc(v.Known, func(k wire.KnownBallot) bool { return k.Ballot == b })
	if !b.IsZero() && !listed {
		v.Known = append(v.Known, wire.KnownBallot{Ballot: b, Members: members})
	}
}
