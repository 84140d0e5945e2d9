package waiters

import (
	"time"

	"github.com/cohortkv/cohort/node/front/conns"
)

// lookEvery is the interval at which the connections of waiting requests are
// checked. A request that waits for a shorter time is not checked at all.
const lookEvery = 100 * time.Millisecond

// watch checks the connections of waiting requests until Close, and sleeps while
// there are none. fasthttp reads nothing from a connection while its handler runs.
// Without this check, a client that leaves is noticed only when the answer is
// written.
func (t *Table) watch() {
	defer close(t.stopped)
	for {
		select {
		case <-t.wake:
		case <-t.stop:
			return
		}
		if !t.lookAfter() {
			return
		}
	}
}

// lookAfter checks the waiting requests at intervals until none is left. It returns
// false if the goroutine must end.
func (t *Table) lookAfter() bool {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var batch []watched
	for more := true; more; {
		select {
		case <-look.C:
		case <-t.hurry:
		case <-t.stop:
			return false
		}
		batch, more = t.collect(batch[:0])
		t.sweep(batch)
	}
	return true
}

// watched is a waiting request as it was at the moment of the check.
type watched struct {
	w      *Request
	serial uint64
	conn   *conns.Conn
}

// collect appends the requests that have waited since before the last tick, or all
// of them if all must end. more is true if any request waits.
func (t *Table) collect(batch []watched) (out []watched, more bool) {
	all := t.ending.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.mu.all {
		if all || w.since != t.mu.tick {
			batch = append(batch, watched{w: w, serial: w.serial.Load(), conn: w.conn})
		}
	}
	t.mu.tick++
	return batch, len(t.mu.all) > 0
}

func (t *Table) sweep(batch []watched) {
	all := t.ending.Load()
	for i, b := range batch {
		switch {
		case all:
			t.end(b.w, b.serial, Stopping)
		case b.conn != nil && b.conn.Gone():
			t.end(b.w, b.serial, ClientGone)
		}
		batch[i] = watched{}
	}
}
