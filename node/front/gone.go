package front

import "time"

// lookEvery is how often connections of waiting requests are looked at. A
// request that waits shorter than this is not looked at at all.
const lookEvery = 100 * time.Millisecond

// watch looks after the waiting requests until close, and sleeps while there are
// none. fasthttp reads nothing from a connection while its handler runs, so a
// client that leaves is noticed here, or not before the answer is written.
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

// lookAfter looks at the waiting requests now and then until none is left; false
// when the goroutine must end.
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

// watched is a waiting request as it was when it was looked up.
type watched struct {
	w      *waiting
	serial uint64
	conn   *conn
}

// collect appends the requests that have waited since before the last tick, or
// all of them when all must end. more: somebody waits.
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
		case b.conn != nil && b.conn.gone():
			s.end(b.w, b.serial, clientGone)
		}
		batch[i] = watched{}
	}
}
