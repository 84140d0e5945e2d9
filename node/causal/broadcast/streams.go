// Package broadcast brings the writes of each replica to the others in the steady state
// (docs/causal.md §4). A node has its own stream, with batches, a window and acknowledgements,
// and a track of each other replica's stream, with its gaps. What batches cannot bring comes
// by an exchange, in package antientropy.
//
// The types are state machines without I/O. The caller tells them what has arrived, what is
// durable, and the time. They return what to send, and when to ask again. One goroutine at a
// time may use them.
//
// Positions in these streams are a part of K (docs/causal.md §1.1). Streams says how far K of a
// slot has come in the streams of the present view; package slots has the rest.
package broadcast

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Streams are the streams of the present view at one replica: the own one, and tracks of the
// others. One position of a stream stands for all slots for which the stream counts, so a
// write costs the same however many slots there are:
//
//   - The own stream counts for each owned slot, because a node has all that it wrote itself.
//   - A track counts for each owned slot that is ready. Items of other owned slots are kept
//     aside, and are merged before the slot becomes ready (I15).
//
// When the view ends, the caller moves the positions into K of each slot and calls End.
type Streams struct {
	Own    Own
	tracks []*Track // at most one for each stream, in the order in which they were opened

	// ready and alone are the results of Vector for ready slots and for others. They hold if
	// fresh is set, which ends when a track moves, and if the own stream is still at ownAt.
	ready, alone wire.Vector
	fresh        bool
	ownAt        uint64
}

// New returns streams that have not begun.
func New(l Limits) Streams { return Streams{Own: Own{limits: l}} }

// End ends the streams of a view. It returns the answers that wait for acknowledgements, which
// are due now.
func (s *Streams) End() []Answer {
	s.tracks, s.fresh = nil, false
	return s.Own.stop()
}

// Begin begins the own stream of a view. The other replicas ascend. No stream of this id may
// have begun before (I16).
func (s *Streams) Begin(id wire.Stream, replicas []ids.Node) {
	s.Own.begin(id, replicas)
	s.fresh = false
}

// Tracks are the tracks. The caller must not change the list.
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

// Open adds a track for a stream that has none, at position 0.
func (s *Streams) Open(id wire.Stream) *Track {
	t := &Track{id: id}
	s.tracks = append(s.tracks, t)
	return t
}

// Take notes that a run of numbers of a stream was taken in: merged, kept aside or dropped, as
// its slots demand. It reports whether there is a gap that is new, or smaller than before:
// requests begin GapPatience later.
func (s *Streams) Take(t *Track, from, to uint64, now wire.Instant) bool {
	t.take(from, to)
	s.fresh = false
	return t.watch(now)
}

// Skip notes that everything up to n is here durably, because exchanges have brought it to all
// owned slots. It reports as Take does.
func (s *Streams) Skip(t *Track, n uint64, now wire.Instant) bool {
	t.durable = max(t.durable, n)
	return s.Take(t, 1, n, now)
}

// Durable reports that a position is durable and counts for an owned slot, ready or not (I15).
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

// Got reports that a track has taken in everything up to a position, durably or not. It counts
// for ready slots only.
func (s *Streams) Got(id wire.Stream, n uint64) bool {
	t := s.Track(id)
	return t != nil && t.got >= n
}

// Vector has the positions that count for an owned slot, ready or not, as they are when all
// writes so far are durable. The vector is shared, and must not be changed.
func (s *Streams) Vector(ready bool) wire.Vector {
	if !s.fresh || s.ownAt != s.Own.last {
		s.refresh()
	}
	if ready {
		return s.ready
	}
	return s.alone
}

// refresh computes both results of Vector.
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
