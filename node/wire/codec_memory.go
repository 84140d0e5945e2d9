package wire

import "github.com/cohortkv/cohort/node/ids"

// memory is what both sides of the codec remember while they work through one
// message, so that what repeats costs a byte: entries of a batch share a ballot
// and have consecutive indexes, records have few distinct ballots, numbers grow
// by small steps. It begins empty with each message, because messages may be
// lost and come in any order.
type memory struct {
	views    recent[ids.View]
	ballots  recent[ids.Ballot]
	origins  recent[origin]
	types    recent[string]      // content types
	counters [recentSlots]uint64 // by slot of origins: the last counter seen there
	index    uint64              // the last index of a stamp
	msgNum   uint64              // the last Msg-Num, of a write or in a version
}

// origin is what the request ids of one boot of a node have in common.
type origin struct {
	Node ids.Node
	Boot ids.Boot
}

// recentSlots bounds a search in recent. More distinct values than that in one
// message cost bytes, nothing else.
const recentSlots = 16

// recent is a ring of the last distinct values. A reference to one is its slot
// plus 1; 0 announces a new value, which both sides add. Slots that were never
// written hold the zero value and may be referred to: that makes "none" short.
type recent[T comparable] struct {
	slots [recentSlots]T
	last  uint8 // the slot that was used last, and is most often used next
	next  uint8 // the slot that the next new value takes
}

// find returns the reference to a value, 0 when the ring does not have it.
func (r *recent[T]) find(v T) byte {
	if r.slots[r.last] == v {
		return r.last + 1
	}
	for i := range r.slots {
		if r.slots[i] == v {
			r.last = uint8(i)
			return r.last + 1
		}
	}
	return 0
}

// get returns the value of a reference from 1 to recentSlots.
func (r *recent[T]) get(ref byte) T {
	r.last = ref - 1
	return r.slots[r.last]
}

// add puts a new value in place of the oldest.
func (r *recent[T]) add(v T) {
	r.slots[r.next] = v
	r.last = r.next
	r.next = (r.next + 1) % recentSlots
}

// causalMemory is what is remembered beside that in messages of causal buckets.
// It is large, and others need not pay for it.
type causalMemory struct {
	streams recentStreams
	counter uint64 // of the last version
	ceil    uint64 // the last one
}

// streamSlots bounds a search in recentStreams: room for the streams of a context
// of some 22 nodes that have been through several views.
const streamSlots = 64

// recentStreams is recent for streams, with the last position in each: what
// follows in the same one is mostly near. Positions come in order of their
// streams, so a search goes round from the last slot.
type recentStreams struct {
	slots [streamSlots]Position
	last  uint8
	next  uint8
	used  uint8 // slots that were written
}

// find returns the reference to a stream, 0 when the ring does not have it.
func (r *recentStreams) find(s Stream) byte {
	for range r.used {
		if at := &r.slots[r.last].Stream; at.Boot == s.Boot && *at == s { // boots differ most
			return r.last + 1
		}
		if r.last++; r.last >= r.used {
			r.last = 0
		}
	}
	return 0
}

// get returns the last position in the stream of a reference from 1 to
// streamSlots. Writing to it remembers the next one.
func (r *recentStreams) get(ref byte) *Position {
	r.last = ref - 1
	return &r.slots[r.last]
}

// add puts a new stream in place of the oldest.
func (r *recentStreams) add(s Stream) *Position {
	r.last = r.next
	r.next = (r.next + 1) % streamSlots
	r.used = max(r.used, r.last+1)
	r.slots[r.last] = Position{Stream: s}
	return &r.slots[r.last]
}

// zigzag maps a difference of two numbers, taken modulo 2^64, to one that is
// small when the difference is small in either direction.
func zigzag(d uint64) uint64   { return d<<1 ^ uint64(int64(d)>>63) }
func unzigzag(z uint64) uint64 { return z>>1 ^ -(z & 1) }
