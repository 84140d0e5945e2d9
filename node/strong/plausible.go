package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// mostRounds is how many rounds a view may have. Rounds grow by one, so no view comes
// near it: whoever says so is wrong. The primary that finds a member bound to a higher
// one, or has got there, gives the view's list a new id, where rounds begin anew.
const mostRounds = 1 << 32

// pacePeriod is the time in which what peers say begins no more rounds than there are
// members, and one.
const pacePeriod = wire.Second

// pace bounds the rounds that are begun because of what a peer said.
type pace struct {
	since wire.Instant
	begun int
}

// mayBegin reports, and counts, that one more round may be begun because of what a peer
// said. One that may not is begun when the peer says so again: peers repeat themselves.
func (r *Replica) mayBegin() bool {
	p := &r.pace
	if r.now-p.since >= pacePeriod {
		*p = pace{since: r.now}
	}
	if p.begun > len(r.members) {
		return false
	}
	p.begun++
	return true
}

// reachable reports that a view can have got to a round.
func reachable(round uint64) bool { return round <= mostRounds || mutant.On(mutant.UncheckedRound) }

func (r *Replica) malformed(from wire.NodeID, note string) {
	r.box.Event(wire.Event{Kind: EventMalformed, Peer: from, Note: note})
}

// Bounds of what a report names.
const (
	mostOwed   = 4096
	mostStaged = 64
)

// credible reports that a Join can be true: all that a node has is of ballots below the
// one that it promises now.
func (r *Replica) credible(j *wire.Join) bool {
	if len(j.Staged) > mostStaged || len(j.Owed) > mostOwed || !r.below(&j.History, j.Ballot) {
		return false
	}
	for i := range j.Staged {
		if !r.below(&j.Staged[i].History, j.Ballot) {
			return false
		}
	}
	return true // what is owed may be a lie that was taken in; an operator gives it up
}

func (r *Replica) below(h *wire.HistorySummary, b wire.Ballot) bool {
	return h.Ballot.Compare(b) < 0 && r.pastBelow(h.Past, b) && len(h.Attested) <= maxAttested && h.Commit <= h.Length
}

func (r *Replica) pastBelow(past []wire.PastBallot, b wire.Ballot) bool {
	for i := range past {
		if past[i].Ballot.Compare(b) >= 0 || i > 0 && past[i-1].Ballot.Compare(past[i].Ballot) >= 0 {
			return false
		}
	}
	return len(past) <= max(r.cfg.Limits.Past, kv.DefaultPast)
}

// buildable reports that a base can be one of a ballot.
func (r *Replica) buildable(s *wire.Start) bool {
	b := &s.Base
	return b.Source.Compare(s.Ballot) < 0 && r.pastBelow(b.Past, s.Ballot) && r.pastBelow(b.Sides, s.Ballot) &&
		len(b.Attested) <= maxAttested && len(b.GivenUp) <= mostOwed && slices.Equal(s.Members, r.members) &&
		slices.ContainsFunc(s.Bound, func(x wire.Sighting) bool { return x.Node == r.cfg.Self && x.Inc == r.cfg.Inc })
}
