package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// maxRounds is how many rounds a view may have. Rounds grow by one, so no view comes near
// it, and a peer that reports more is wrong. If the primary finds a member bound to a
// higher round, or gets there itself, it gives the view's list a new id, where rounds
// begin anew.
const maxRounds = 1 << 32

// roundLimitPeriod is the time in which messages of peers begin at most one round more
// than there are members.
const roundLimitPeriod = wire.Second

// roundLimit bounds the rounds that begin because of a peer's message.
type roundLimit struct {
	since wire.Instant
	begun int
}

// mayBegin reports, and counts, that one more round may be begun because of what a peer
// said. One that may not is begun when the peer says so again: peers repeat themselves.
func (r *Replica) mayBegin() bool {
	p := &r.roundLimit
	if r.now-p.since >= roundLimitPeriod {
		*p = roundLimit{since: r.now}
	}
	if p.begun > len(r.members) {
		return false
	}
	p.begun++
	return true
}

// reachable reports that a view can have got to a round.
func reachable(round uint64) bool { return round <= maxRounds || mutant.On(mutant.UncheckedRound) }

func (r *Replica) malformed(from ids.Node, note string) {
	r.box.Event(core.Event{Kind: core.EventMalformed, Peer: from, Note: note})
}

// Bounds of what a report names.
const (
	maxOwed   = 4096
	maxStaged = 64
)

// credible reports that a Join can be true: all that a node has is of ballots below the
// one that it promises now.
func (r *Replica) credible(j *wire.Join) bool {
	if len(j.Staged) > maxStaged || len(j.Owed) > maxOwed || !r.below(&j.History, j.Ballot) {
		return false
	}
	for i := range j.Staged {
		if !r.below(&j.Staged[i].History, j.Ballot) {
			return false
		}
	}
	return true // what is owed may be a lie that was taken in; an operator gives it up
}

func (r *Replica) below(h *wire.HistorySummary, b ids.Ballot) bool {
	return h.Ballot.Compare(b) < 0 && r.pastBelow(h.Past, b) && len(h.Attested) <= history.MaxAttested && h.Commit <= h.Length
}

func (r *Replica) pastBelow(past []wire.PastBallot, b ids.Ballot) bool {
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
		len(b.Attested) <= history.MaxAttested && len(b.GivenUp) <= maxOwed && slices.Equal(s.Members, r.members) &&
		slices.ContainsFunc(s.Bound, func(x wire.Sighting) bool { return x.Node == r.cfg.Self && x.Inc == r.cfg.Inc })
}
