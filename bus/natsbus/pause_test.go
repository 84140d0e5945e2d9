package natsbus

import (
	"context"
	"syscall"
	"testing"
	"time"
)

func TestPausesGrowUpToABound(t *testing.T) {
	for reached, longest := range map[bool]time.Duration{true: longestPause, false: longestBlind} {
		var p pause
		var before time.Duration
		for i := range 20 {
			next := p.next(reached)
			if next > longest || next < before*3/4 || next < firstPause*3/4 {
				t.Errorf("reached %v: pause %d is %v after %v", reached, i, next, before)
			}
			before = next
		}
		if before < longest*3/4 {
			t.Errorf("reached %v: pauses end at %v", reached, before)
		}
	}
	if most := dialTimeout + longestPause; most > time.Second {
		t.Errorf("a healed link may take %v (replicas are promised to be equal within 2 s)", most)
	}
	if most := dialTimeout + longestBlind + greetTimeout; most >= 5*time.Second {
		t.Errorf("a healed link may take %v (a forwarded request is promised within 5 s)", most)
	}
}

// TestASlowPeerGetsMoreTimeEachAttempt: with a fixed bound, 22 nodes that met under the race
// detector gave up before they were done, again and again.
func TestASlowPeerGetsMoreTimeEachAttempt(t *testing.T) {
	greet := greetTimeout
	for range 10 {
		greet = nextGreet(greet, context.DeadlineExceeded)
	}
	if greet != longestGreet {
		t.Errorf("after ten silent attempts, the next is given %v", greet)
	}
	for _, err := range []error{nil, syscall.ECONNREFUSED} {
		if next := nextGreet(greet, err); next != greetTimeout {
			t.Errorf("after %v, the next attempt is given %v", err, next)
		}
	}
}
