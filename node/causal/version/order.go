// Package version has the arithmetic of causal replication (docs/causal.md §1.1, §2, §5): which
// version of a key wins, vectors and their joins, contexts and their bounds. By its sums two
// nodes find out whether they hold the same items.
//
// Everything is a pure function of values. Vectors and lists of entries are shared by many
// slots, items and messages. No function but FromPositions writes to a list that it was given,
// and callers must not write to one either. A result may share memory with the arguments.
package version

import (
	"github.com/cohortkv/cohort/node/wire"
)

// Wins reports that version v of a key takes the place of version o. The larger counter wins,
// then the lower node id, then the larger rest of the dot (docs/causal.md §1.1). The order is
// total, since no two versions are equal (I16), and it contains causal order (I13). So all
// replicas keep the same version, whichever version arrives first (I18).
func Wins(v, o wire.CausalVersion) bool {
	return v.Compare(o) > 0
}
