package recovery

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// maxRounds is how many rounds a view may have. Rounds grow by one, so no view comes near
// it, and a peer that reports more is wrong. If the primary finds a member bound to a
// higher round, or gets there itself, it gives the view's list a new id, where rounds
// begin anew.
const maxRounds = 1 << 32

// Reachable reports that a view can have got to a round.
func Reachable(round uint64) bool { return round <= maxRounds || mutant.On(mutant.UncheckedRound) }

// limitPeriod is the time in which messages of peers begin at most one round more than
// there are members.
const limitPeriod = wire.Second

// Limit bounds the rounds that begin because of what peers say. A round that may not begin
// begins when the peer says so again: peers repeat themselves.
type Limit struct {
	since wire.Instant // begin of the period
	begun int          // rounds in it, at most members + 1
}

// Take reports, and counts, that one more round may begin in a view of so many members.
func (l *Limit) Take(now wire.Instant, members int) bool {
	if now-l.since >= limitPeriod {
		*l = Limit{since: now}
	}
	if l.begun > members {
		return false
	}
	l.begun++
	return true
}
