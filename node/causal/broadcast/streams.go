// Package broadcast brings the writes of each replica to the others, in the steady state
// (docs/causal.md §4): the own stream of a node with its batches, window and
// acknowledgements, and tracks of the streams of the other replicas with their gaps.
//
// The types are state machines without I/O. The caller tells them what has arrived, what
// is durable and what time it is. They answer what is to be sent and what has become
// true. They may be called by one goroutine at a time.
//
// What positions in these streams mean for a slot is K (docs/causal.md §1.1): Streams
// says how far K of a slot has come in the streams of the present view.
package broadcast

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Streams are the streams of the present view at one replica: its own, and the tracks of
// the others. One position for each stream stands for all slots that the node owns, so a
// write costs the same however many slots there are:
//
//   - The own stream counts for each owned slot. A node has all that it wrote itself.
//   - A track counts for each owned slot that is ready. Items of other slots are kept
//     aside.
//
// When the view ends, the positions go into K of each slot, and the streams end.
type Streams struct {
	Own    Own
	tracks []*Track

	// ready and alone are Vector of ready slots and of others, as of the own stream's
	// number ownAt; nil when a track has moved since.
	ready, alone wire.Vector
	fresh        bool
	ownAt        uint64
}

// New returns streams that have not begun.
func New(l Limits) Streams { return Streams{Own: Own{limits: l}} }

// End ends the streams of a view. It returns the answers that wait for
// acknowledgements: they are due now.
func (s *Streams) End() []Answer {
	s.tracks, s.fresh = nil, false
	return s.Own.stop()
}

// Begin begins the own stream of a view with other replicas, which ascend.
func (s *Streams) Begin(id wire.Stream, replicas []ids.Node) {
	s.Own.begin(id, replicas)
	s.fresh = false
}

// Tracks are the tracks. The list is not to be changed.
func (s *Streams) Tracks() []*Track { return s.tracks }

// Track finds a track; nil: there is none.
func (s *Streams) Track(id wire.Stream) *Track {
	for _, t := range s.tracks {
		if t.id == id {
			return t
		}
	}
	return nil
}

// Open adds a track for a stream that has none.
func (s *Streams) Open(id wire.Stream) *Track {
	t := &Track{id: id}
	s.tracks = append(s.tracks, t)
	return t
}

// Take notes that a run of numbers of a stream was taken in. It reports whether there is
// a gap that is new, or smaller than before: requests begin GapPatience later.
func (s *Streams) Take(t *Track, from, to uint64, now wire.Instant) bool {
	t.take(from, to)
	s.fresh = false
	return t.watch(now)
}

// Skip notes that everything up to n is here, durably: it came by an exchange. It
// reports as Take does.
func (s *Streams) Skip(t *Track, n uint64, now wire.Instant) bool {
	t.durable = max(t.durable, n)
	return s.Take(t, 1, n, now)
}

// Durable reports that the streams have a position durably, for an owned slot that is
// ready or not.
func (s *Streams) Durable(id wire.Stream, n uint64, ready bool) bool {
	switch {
	case id.View != s.Own.id.View:
		return false
	case id == s.Own.id:
		return s.Own.durable >= n
	case !ready:
		return false
	}
	t := s.Track(id)
	return t != nil && t.durable >= n
}

// Got reports that a track has a position, for an owned slot that is ready. It may not
// be durable yet.
func (s *Streams) Got(id wire.Stream, n uint64) bool {
	t := s.Track(id)
	return t != nil && t.got >= n
}

// Vector has the positions that count for an owned slot, ready or not, when everything
// that was written so far is durable. It is shared, and not to be changed.
func (s *Streams) Vector(ready bool) wire.Vector {
	if !s.fresh || s.ownAt != s.Own.last {
		s.refresh()
	}
	if ready {
		return s.ready
	}
	return s.alone
}

func (s *Streams) refresh() {
	s.fresh, s.ownAt, s.alone = true, s.Own.last, nil
	if s.Own.last > 0 {
		s.alone = wire.Vector{{Stream: s.Own.id, N: s.Own.last}}
	}
	s.ready = slices.Clone(s.alone)
	for _, t := range s.tracks {
		if t.got > 0 {
			s.ready = append(s.ready, wire.Position{Stream: t.id, N: t.got})
		}
	}
	slices.SortFunc(s.ready, func(a, b wire.Position) int { return a.Stream.Compare(b.Stream) })
}
