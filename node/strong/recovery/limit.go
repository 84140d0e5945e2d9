package recovery

import (
	"github.com/cohortkv/cohort/node/wire"
)

// maxRounds bounds the rounds of a view. Rounds grow by one, so no view comes near the bound, and
// a peer that reports more is wrong. If the primary finds a member bound to a higher round, or
// gets there itself, the list of the view gets a new id. Rounds begin anew there.
const maxRounds = 1 << 32

// Reachable reports whether a view can have come to a round.
func Reachable(round uint64) bool { return round <= maxRounds }

// limitPeriod is the time in which peers can cause at most one round more than the view has
// members (docs/strong.md §12, rule 5).
const limitPeriod = wire.Second

// Limit bounds the rounds that peers cause. Peers repeat themselves, so a round that may not begin
// now begins when its cause is reported again.
type Limit struct {
	since wire.Instant // beginning of the period
	begun int          // number of rounds in the period; at most members + 1
}

// Take reports whether one more round may begin in a view of so many members, and counts it.
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
