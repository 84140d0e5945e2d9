// Package version has the arithmetic of causal replication: which version of a key wins,
// vectors and their joins, contexts and how they are bounded, and the sums by which two
// nodes find out whether they hold the same items (docs/causal.md §1.1, §2, §5).
//
// All of it is pure functions of values. None writes to a vector or a list of entries
// that it was given, but for FromPositions: such lists are shared by many slots, items
// and messages. Callers must keep to that, too.
package version

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// Wins reports that version v takes the place of version o of its key. All replicas
// decide alike, whichever version came to them first: the order is total, since no two
// versions are equal (I16).
func Wins(v, o wire.CausalVersion) bool {
	switch {
	case mutant.On(mutant.CausalLocalWins):
		return v.Counter > o.Counter
	case mutant.On(mutant.CausalPlainVersion):
		return v.Counter > o.Counter || v.Counter == o.Counter && v.Dot.Stream.Node < o.Dot.Stream.Node
	case mutant.On(mutant.CausalHigherWinsTie) && v.Counter == o.Counter && v.Dot.Stream.Node != o.Dot.Stream.Node:
		return v.Dot.Stream.Node > o.Dot.Stream.Node
	}
	return v.Compare(o) > 0
}
