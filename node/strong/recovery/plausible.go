package recovery

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds of what a report names.
const (
	MaxOwed   = 4096
	MaxStaged = 64
)

// Credible reports that a Join can be true: all that a node has is of ballots below the
// one that it promises now. What is owed may be a lie that was taken in: an operator gives
// it up.
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

// Buildable reports that a Start can be true at the incarnation self: its base is of
// ballots below its own, its members are those of the view, and it counts on self.
func Buildable(s *wire.Start, self wire.Sighting, members []wire.Member, pastLimit int) bool {
	b := &s.Base
	return b.Source.Compare(s.Ballot) < 0 && isPastBelow(b.Past, s.Ballot, pastLimit) && isPastBelow(b.Sides, s.Ballot, pastLimit) &&
		len(b.Attested) <= history.MaxAttested && len(b.GivenUp) <= MaxOwed && slices.Equal(s.Members, members) &&
		slices.ContainsFunc(s.Bound, func(x wire.Sighting) bool { return x.Node == self.Node && x.Inc == self.Inc })
}

func isBelow(h *wire.HistorySummary, b ids.Ballot, pastLimit int) bool {
	return h.Ballot.Compare(b) < 0 && isPastBelow(h.Past, b, pastLimit) &&
		len(h.Attested) <= history.MaxAttested && h.Commit <= h.Length
}

// isPastBelow reports that all ballots of a past are below b, that they ascend, and that
// they are no more than a history remembers.
func isPastBelow(past []wire.PastBallot, b ids.Ballot, limit int) bool {
	for i := range past {
		if past[i].Ballot.Compare(b) >= 0 || i > 0 && past[i-1].Ballot.Compare(past[i].Ballot) >= 0 {
			return false
		}
	}
	return len(past) <= max(limit, kv.DefaultPast)
}
