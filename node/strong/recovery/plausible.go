package recovery

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds on the lists of a Join (docs/strong.md §12).
const (
	MaxOwed   = 4096
	MaxStaged = 64
)

// Credible reports whether a Join can be true: all that a node has is of ballots below the one
// that it promises now. The owed ballots are not judged. If a false one was taken in, an operator
// gives it up with force.
func Credible(j *wire.Join, pastLimit int) bool {
	if len(j.Staged) > MaxStaged || len(j.Owed) > MaxOwed || !isBelow(&j.History, j.Ballot, pastLimit) {
		return false
	}
	for i := range j.Staged {
		if !isBelow(&j.Staged[i].History, j.Ballot, pastLimit) {
			return false
		}
	}
	return true
}

// Buildable reports whether a Start can be true for the node self: its base is of ballots below
// its own, its members are those of the view, and it counts on this incarnation.
func Buildable(s *wire.Start, self wire.Sighting, members []wire.Member, pastLimit int) bool {
	b := &s.Base
	return b.Source.Compare(s.Ballot) < 0 && isPastBelow(b.Past, s.Ballot, pastLimit) && isPastBelow(b.Sides, s.Ballot, pastLimit) &&
		len(b.Attested) <= history.MaxAttested && len(b.GivenUp) <= MaxOwed && slices.Equal(s.Members, members) &&
		slices.ContainsFunc(s.Bound, func(x wire.Sighting) bool { return x.Node == self.Node && x.Inc == self.Inc })
}

// isBelow reports whether a history is of ballots below b, and its lists are bounded.
func isBelow(h *wire.HistorySummary, b ids.Ballot, pastLimit int) bool {
	return h.Ballot.Compare(b) < 0 && isPastBelow(h.Past, b, pastLimit) &&
		len(h.Attested) <= history.MaxAttested && h.Commit <= h.Length
}

// isPastBelow reports whether the ballots of a past ascend, are all below b, and are no more than
// a history remembers.
func isPastBelow(past []wire.PastBallot, b ids.Ballot, limit int) bool {
	for i := range past {
		if past[i].Ballot.Compare(b) >= 0 || i > 0 && past[i-1].Ballot.Compare(past[i].Ballot) >= 0 {
			return false
		}
	}
	return len(past) <= max(limit, kv.DefaultPast)
}
