package natsbus

import (
	"math/rand/v2"
	"time"

	"github.com/cohortkv/cohort/bus"
)

// Pauses between attempts. The longest pause and dialTimeout bound how soon a healed link works
// again. Clients notice this time: replicas must be equal within 2 s, and requests be forwarded
// within 5 s. An address that never answered may wait longer: a thousand of them then cost 7 %
// of a core.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 500 * time.Millisecond
	longestBlind = 3 * time.Second
	// steady is how long a connection must have lasted to reset the pause.
	steady = 2 * time.Second
)

// pause is the time until the next attempt. It doubles each time, and is shortened by a random
// part of up to a quarter, so that many links do not connect at once.
type pause time.Duration

func (p *pause) next(reached bool) time.Duration {
	longest := longestBlind
	if reached {
		longest = longestPause
	}
	*p = pause(min(max(2*time.Duration(*p), firstPause), longest))
	return time.Duration(*p) - rand.N(time.Duration(*p)/4)
}

// nextGreet is the bound of the next attempt's TLS and hellos, after an attempt with this bound
// ended with err.
func nextGreet(greet time.Duration, err error) time.Duration {
	if err == nil || causeOf(err) != bus.NoAnswer {
		return greetTimeout
	}
	return min(2*greet, longestGreet)
}
