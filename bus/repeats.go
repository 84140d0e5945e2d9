package bus

import (
	"sync"
	"time"
)

// Bounds of Repeats.
const (
	repeatEvery = time.Minute
	maxRepeats  = 512
)

// Repeats limits repeated log lines. Of equal lines, one a minute passes, with the number of
// lines that it stands for. The zero value is ready.
type Repeats struct {
	mu struct {
		sync.Mutex
		seen map[string]*repeats
	}
}

type repeats struct {
	told  time.Time
	count uint64 // since then
}

// Tell reports whether a line with this key is due, and how many lines it stands for.
func (r *Repeats) Tell(now time.Time, key string) (count uint64, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.mu.seen[key]
	if s == nil {
		s = r.add(now, key)
	}
	s.count++
	if !s.told.IsZero() && now.Sub(s.told) < repeatEvery {
		return 0, false
	}
	count, s.told, s.count = s.count, now, 0
	return count, true
}

// add makes an entry for a key. When the table is full, keys share an entry.
func (r *Repeats) add(now time.Time, key string) *repeats {
	if r.mu.seen == nil {
		r.mu.seen = map[string]*repeats{}
	}
	if len(r.mu.seen) >= maxRepeats {
		for k, s := range r.mu.seen {
			if now.Sub(s.told) >= repeatEvery {
				delete(r.mu.seen, k)
			}
		}
	}
	if len(r.mu.seen) >= maxRepeats {
		key = ""
		if s := r.mu.seen[key]; s != nil {
			return s
		}
	}
	s := &repeats{}
	r.mu.seen[key] = s
	return s
}
