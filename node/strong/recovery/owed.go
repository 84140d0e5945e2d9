package recovery

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Report is what one member of an owed ballot, outside the view, answered to a Pull of that
// ballot. A node that brings the ballot sends a Join instead.
type Report struct {
	Node   ids.Node
	Ballot ids.Ballot
	Fate   wire.Fate // FateLost or FateElsewhere
}

// Verdict says what a round does about an owed ballot that its base lacks (rule f).
type Verdict uint8

// The verdicts.
const (
	AskOn           Verdict = iota + 1 // one of its members may still bring it: the view is not active without it (I24)
	GiveUpLost                         // all its members have lost it
	GiveUpElsewhere                    // it lives on in another group, into which an operator put one of its members
)

// Absent returns the members of an owed ballot that have not joined the round. The other members
// have joined without the ballot, so they have lost it.
func Absent(k *wire.KnownBallot, self ids.Node, joins []Join) []wire.Member {
	return slices.DeleteFunc(slices.Clone(k.Members), func(m wire.Member) bool {
		return m.ID == self || slices.ContainsFunc(joins, func(j Join) bool { return j.Node == m.ID })
	})
}

// Judge decides on an owed ballot from the reports of its absent members. patient says that the
// round has asked for less than its bound (docs/strong.md §7.2f). As long as a member has not
// answered, that member may bring the ballot, although the ballot lives on elsewhere.
func Judge(b ids.Ballot, absent []wire.Member, reports []Report, patient bool) Verdict {
	heard, elsewhere := 0, false
	for _, m := range absent {
		i := slices.IndexFunc(reports, func(r Report) bool { return r.Node == m.ID && r.Ballot == b })
		if i >= 0 {
			heard++
			elsewhere = elsewhere || reports[i].Fate == wire.FateElsewhere
		}
	}
	all := heard == len(absent)
	switch {
	case elsewhere && (all || !patient):
		return GiveUpElsewhere
	case all && !elsewhere:
		return GiveUpLost
	}
	return AskOn
}
