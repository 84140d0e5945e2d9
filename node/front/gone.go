package front

import (
	"time"

	"github.com/cohortkv/cohort/node/front/conns"
)

// lookEvery is the interval at which the connections of waiting requests are
// checked. A request that waits for a shorter time is not checked at all.
const lookEvery = 100 * time.Millisecond

// watch checks the connections of waiting requests until close, and sleeps while
// there are none. fasthttp reads nothing from a connection while its handler runs.
// Without this check, a client that leaves is noticed only when the answer is
// written.
func (s *waiters) watch() {
	defer close(s.stopped)
	for {
		select {
		case <-s.wake:
		case <-s.stop:
			return
		}
		if !s.lookAfter() {
			return
		}
	}
}

// lookAfter checks the waiting requests at intervals until none is left. It returns
// false if the goroutine must end.
func (s *waiters) lookAfter() bool {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var batch []watched
	for more := true; more; {
		select {
		case <-look.C:
		case <-s.hurry:
		case <-s.stop:
			return false
		}
		batch, more = s.collect(batch[:0])
		s.sweep(batch)
	}
	return true
}

// watched is a waiting request as it was at the moment of the check.
type watched struct {
	w      *waiting
	serial uint64
	conn   *conns.Conn
}

// collect appends the requests that have waited since before the last tick, or all
// of them if all must end. more is true if any request waits.
func (s *waiters) collect(batch []watched) (out []watched, more bool) {
	all := s.ending.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.mu.all {
		if all || w.since != s.mu.tick {
			batch = append(batch, watched{w: w, serial: w.serial.Load(), conn: w.conn})
		}
	}
	s.mu.tick++
	return batch, len(s.mu.all) > 0
}

func (s *waiters) sweep(batch []watched) {
	all := s.ending.Load()
	for i, b := range batch {
		switch {
		case all:
			s.end(b.w, b.serial, stopping)
		case b.conn != nil && b.conn.Gone():
			s.end(b.w, b.serial, clientGone)
		}
		batch[i] = watched{}
	}
}
