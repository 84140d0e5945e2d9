package node

import (
	"sync"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/ids"
)

// requestTable holds the open requests of clients. A token is an index and the generation of its
// entry. So an answer to a request that has ended finds no request, although the index is used
// again. All operations are O(1). The table grows to the largest number of requests that were
// open at one time, which the front bounds.
type requestTable struct {
	mu struct {
		sync.Mutex
		entries []requestEntry
		free    []uint32
	}
}

// requestEntry is a place in the table. It is used for one request after another.
type requestEntry struct {
	waiter     *front.Waiter // nil: free
	generation uint32        // number of uses so far; it is part of the token
}

// add gives a waiter a token that no open request has.
func (s *requestTable) add(w *front.Waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.free) == 0 {
		s.mu.free = append(s.mu.free, uint32(len(s.mu.entries)))
		s.mu.entries = append(s.mu.entries, requestEntry{})
	}
	last := len(s.mu.free) - 1
	i := s.mu.free[last]
	s.mu.free = s.mu.free[:last]
	p := &s.mu.entries[i]
	p.waiter = w
	p.generation++
	w.Token = ids.Token(p.generation)<<32 | ids.Token(i)
}

// end signals the waiter of a reply, if it still waits.
func (s *requestTable) end(r core.Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.remove(r.Token); w != nil {
		w.Reply = r
		w.Done <- struct{}{} // never blocks; under the lock, so that a failed takeBack implies that the signal was sent
	}
}

// list signals the waiter of a list, if it still waits.
func (s *requestTable) list(t ids.Token, l front.Listing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.remove(t); w != nil {
		w.Reply, w.Listing = core.Reply{Token: t, Outcome: core.Done}, l
		w.Done <- struct{}{}
	}
}

// takeBack removes a waiter, and reports whether the waiter was still in the table. If so, the
// waiter will not be signalled.
func (s *requestTable) takeBack(w *front.Waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(w.Token) != nil
}

// remove frees the entry of a token, and returns its waiter; nil: the request has ended. The
// caller holds the lock.
func (s *requestTable) remove(t ids.Token) *front.Waiter {
	i, generation := uint32(t), uint32(t>>32)
	if int(i) >= len(s.mu.entries) {
		return nil
	}
	p := &s.mu.entries[i]
	if p.generation != generation || p.waiter == nil {
		return nil
	}
	w := p.waiter
	p.waiter = nil
	s.mu.free = append(s.mu.free, i)
	return w
}
