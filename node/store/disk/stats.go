package disk

import (
	"sync"
	"time"

	"github.com/cohortkv/cohort/node/wal"
)

// Stats says how far a store has come. Positions are those of the log.
type Stats struct {
	Mode       Mode
	Written    wal.Position // last record that was appended
	Durable    wal.Position // last record that is durable
	Applied    wal.Position // last record that is in the state
	Checkpoint wal.Position // last record that a restart does not replay
	Unwritten  int          // bytes that wait for the log
	Unapplied  int          // bytes of durable records that are not in the state yet
	Syncs      Syncs
}

// Syncs counts writes to the log, each with its sync, by the time that they took.
type Syncs struct {
	Count   uint64
	Seconds float64            // of all together
	Within  map[float64]uint64 // how many took at most so many seconds
	Last    time.Time          // when the last one ended; zero: there was none
}

// syncBounds are the bounds of Syncs.Within, in seconds.
var syncBounds = [...]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

// syncTimes counts for Syncs.
type syncTimes struct {
	mu      sync.Mutex
	count   uint64
	seconds float64
	within  [len(syncBounds)]uint64
	last    time.Time
}

func (s *syncTimes) took(seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	s.seconds += seconds
	s.last = time.Now()
	for i, bound := range syncBounds {
		if seconds <= bound {
			s.within[i]++
		}
	}
}

func (s *syncTimes) syncs() Syncs {
	s.mu.Lock()
	defer s.mu.Unlock()
	within := make(map[float64]uint64, len(syncBounds))
	for i, bound := range syncBounds {
		within[bound] = s.within[i]
	}
	return Syncs{s.count, s.seconds, within, s.last}
}

// Stats may be called by any goroutine.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{s.cfg.Mode, s.log.Last(), s.mu.durable, s.mu.applied, s.mu.kept, s.log.Backlog(), s.mu.waiting, s.syncs.syncs()}
}
