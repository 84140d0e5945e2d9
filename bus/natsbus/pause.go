package natsbus

import (
	"math/rand/v2"
	"time"
)

// Pauses between tries. The longest decides, with dialTimeout, how soon a healed
// link works again, which clients notice: replicas are to be equal within 2 s, and
// requests forwarded within 5 s. An address that never answered may
// wait longer: a thousand of them cost 7 % of a core so.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 500 * time.Millisecond
	longestBlind = 3 * time.Second
	// steady is how long a connection must have held for the next pause to be the
	// first again.
	steady = 2 * time.Second
)

// pause is the time until the next try. It doubles, and is shortened by up to a
// quarter, so that many links do not try at once.
type pause time.Duration

func (p *pause) next(reached bool) time.Duration {
	longest := longestBlind
	if reached {
		longest = longestPause
	}
	*p = pause(min(max(2*time.Duration(*p), firstPause), longest))
	return time.Duration(*p) - rand.N(time.Duration(*p)/4)
}
