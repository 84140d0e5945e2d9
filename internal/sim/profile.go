package sim

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Profile is what schedules of causal buckets are bent towards: what the usual ones
// meet once in many thousands.
type Profile uint8

// The profiles.
const (
	// Usual is as generate.go draws it.
	Usual Profile = iota
	// Sparse: many keys that are written a few times each, and nodes that forget, so
	// that one node writes one counter twice.
	Sparse
	// Named: contexts hold one position or two before a floor's name takes their
	// place, and nodes forget, so that who holds a view need not have its floor.
	Named
	// Haunted: what a node was sent in earlier views arrives again when it comes to
	// another one, while what it has is read slowly; much is deleted, and collected.
	Haunted
	profiles
)

var profileNames = [profiles]string{Usual: "usual", Sparse: "sparse", Named: "named", Haunted: "haunted"}

func (p Profile) String() string { return profileNames[p] }

// ProfileNamed finds a profile by its name.
func ProfileNamed(name string) (Profile, bool) {
	i := slices.Index(profileNames[:], name)
	return Profile(max(i, 0)), i >= 0
}

// bend changes what was drawn of a schedule's surroundings to what its profile asks
// for.
func (g *generator) bend(s *Schedule) {
	switch s.Profile {
	case Sparse:
		s.Causal.Keys = 25 + g.rng.IntN(40)
		g.keeps = false
	case Named:
		s.Causal.Vector = 1 + g.rng.IntN(2)
		g.keeps = false
	case Haunted:
		s.Weather.Haunted = true
		s.Disk = pick(g.rng, 30*wire.Millisecond, 60*wire.Millisecond)
		s.Causal.Keys = 1 + g.rng.IntN(3)
		g.keeps, g.deletes = false, true
	}
}
