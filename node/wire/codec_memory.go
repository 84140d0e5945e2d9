package wire

import "github.com/cohortkv/cohort/node/ids"

// memory is what writer and reader remember of one message, so that what repeats costs a
// byte: entries of a batch share a ballot and have consecutive indexes, records have few
// distinct ballots, numbers grow by small steps. It is empty when a message begins, because
// messages may be lost and come in any order.
type memory struct {
	views    recent[ids.View]
	ballots  recent[ids.Ballot]
	origins  recent[origin]
	types    recent[string]      // content types
	counters [recentSlots]uint64 // by slot of origins: the last counter seen there
	index    uint64              // the last index of a stamp
	msgNum   uint64              // the last Msg-Num, of a write or in a version
}

// recentSlots bounds a search in recent. More distinct values than that in one message cost
// bytes, nothing else.
const recentSlots = 16

// recent is a ring of the last distinct values. A reference to a value is its slot plus 1.
// Reference 0 announces a new value, which both sides add. A slot that was never written
// holds the zero value and may be referred to: that makes "none" short.
type recent[T comparable] struct {
	slots [recentSlots]T
	last  uint8 // the slot that was used last, and is most often used next
	next  uint8 // the slot that the next new value takes
	used  uint8 // slots that were written
}

// find returns the reference to a value, 0 if the ring does not have it.
func (r *recent[T]) find(v *T) byte {
	if r.slots[r.last] == *v {
		return r.last + 1
	}
	for i := range r.slots[:min(r.used+1, recentSlots)] { // one unwritten slot stands for all of them
		if r.slots[i] == *v {
			r.last = uint8(i)
			return r.last + 1
		}
	}
	return 0
}

// get returns the value of a reference from 1 to recentSlots.
func (r *recent[T]) get(ref byte) *T {
	r.last = ref - 1
	return &r.slots[r.last]
}

// add puts a new value in place of the oldest.
func (r *recent[T]) add(v *T) {
	r.slots[r.next] = *v
	r.last = r.next
	r.next = (r.next + 1) % recentSlots
	r.used = max(r.used, r.last+1)
}

// known takes a reference to a value through. If it returns false, the value is new: the
// caller takes the value's fields through and then adds the value to the ring.
func known[T comparable](c *codec, r *recent[T], v *T) bool {
	var ref byte
	switch c.way {
	case writing:
		ref = r.find(v)
		c.buf = append(c.buf, ref)
	case reading:
		if ref = c.readReference(recentSlots); ref != 0 {
			*v = *r.get(ref)
		}
	case bounding:
		c.size++
	}
	return ref != 0
}

// contentType remembers the types of a message: few are in use.
func (c *codec) contentType(v *string) {
	if !known(c, &c.types, v) {
		c.string(v)
		c.types.add(v)
	}
}

// causalCodec also remembers streams. That memory is large, so only those messages of causal
// buckets pay for it that have positions.
type causalCodec struct {
	*codec
	streams recentStreams
	counter uint64 // of the last version
	ceil    uint64 // of the last context
}

// streamSlots bounds a search in recentStreams: room for the streams of a context of some 22
// nodes that have been through several views.
const streamSlots = 64

// recentStreams is recent for streams, with the last position in each: the next position in
// the same stream is mostly near. Positions come in the order of their streams, so a search
// goes round from the last slot.
type recentStreams struct {
	slots [streamSlots]Position
	last  uint8
	next  uint8
	used  uint8 // slots that were written
}

// find returns the reference to a stream, 0 if the ring does not have it.
func (r *recentStreams) find(s *Stream) byte {
	for range r.used {
		if at := &r.slots[r.last].Stream; at.Boot == s.Boot && at.Node == s.Node && at.View == s.View { // boots differ most
			return r.last + 1
		}
		if r.last++; r.last >= r.used {
			r.last = 0
		}
	}
	return 0
}

// get returns the last position in the stream of a reference from 1 to streamSlots. Writing
// to it remembers the next one.
func (r *recentStreams) get(ref byte) *Position {
	r.last = ref - 1
	return &r.slots[r.last]
}

// add puts a new stream in place of the oldest.
func (r *recentStreams) add(s *Stream) *Position {
	r.last = r.next
	r.next = (r.next + 1) % streamSlots
	r.used = max(r.used, r.last+1)
	r.slots[r.last] = Position{Stream: *s}
	return &r.slots[r.last]
}

// position takes a place in a stream through: a reference to the stream, and the distance
// from the last place there.
func (c *causalCodec) position(s *Stream, n *uint64) {
	var ref byte
	switch c.way {
	case writing:
		ref = c.streams.find(s)
		c.buf = append(c.buf, ref)
	case reading:
		ref = c.readReference(streamSlots)
	case bounding:
		ref = c.streams.find(s) // a value spells a stream out once, unless it has more than are remembered
		c.size++
	}
	var at *Position
	if ref != 0 {
		at = c.streams.get(ref)
		if c.way == reading {
			*s = at.Stream
		}
	} else {
		c.viewID(&s.View)
		c.origin(&s.Node, &s.Boot)
		at = c.streams.add(s)
	}
	c.delta(&at.N, n)
	c.room(*n)
}
