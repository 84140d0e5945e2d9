package wire

import "encoding/binary"

// The most bytes that a part can take, when nothing of it was seen before in the
// message and every number is as long as it can be.
const (
	mostNumber    = binary.MaxVarintLen64
	mostLength    = binary.MaxVarintLen32 // of anything that fits a message
	mostViewID    = 1 + mostNumber + mostNumber + 8
	mostBallot    = 1 + mostViewID + mostNumber + 8
	mostStamp     = mostBallot + mostNumber
	mostVersion   = mostNumber + 4
	mostResult    = 1 + mostNumber + mostVersion
	mostRequestID = 1 + mostNumber + 8 + mostNumber
	mostOp        = 1 + mostLength + mostLength + 1 + mostLength
	mostStream    = mostViewID + 1 + mostNumber + 8 // beside its reference
	mostPosition  = 1 + mostNumber                  // in a stream that was seen before
	mostSeen      = mostNumber + mostPosition       // version, in such a stream
	inList        = 1                               // an element adds at most a byte to the count of its list
)

// EntrySize bounds from above what an entry adds to a message. The bound is far
// from tight for small entries of one ballot, which take some 20 bytes beside
// key and value: it serves to fill a batch up to a limit, not to measure it.
func EntrySize(n Entry) int {
	return inList + mostStamp + mostRequestID + mostNumber + mostOp + opBytes(&n.Op) + mostResult
}

// RecordSize bounds from above what a record adds to a message.
func RecordSize(r Record) int {
	const rest = inList + mostLength + mostLength + 1 + mostLength + mostStamp + mostVersion
	return rest + len(r.Key) + len(r.Value) + len(r.ContentType)
}

// OpSize bounds from above what a forwarded operation adds to a message, with its
// counter.
func OpSize(op Op) int {
	return inList + mostNumber + mostOp + opBytes(&op) + 1 + 1 + mostVersion
}

// ItemSize bounds from above what an item adds to a message.
func ItemSize(it Item) int {
	const rest = inList + mostLength + 1 + mostLength + 1 + mostLength + mostRequestID
	return rest + len(it.Key) + len(it.Value) + len(it.ContentType) + versionsSize(&it)
}

// versionsSize bounds the version and the context of an item. A stream is spelled
// out once in an item, whatever other items have driven out of the memory, unless
// the item has more streams than that holds.
func versionsSize(it *Item) int {
	const lists, ceil = 3 * mostLength, mostNumber
	c := &it.Deps
	size := mostSeen + lists + len(c.Exact)*(8+mostSeen) + len(c.Vector)*mostPosition + len(c.CutRefs)*mostViewID + ceil
	var seen recentStreams
	spell := func(s Stream) {
		if seen.find(s) == 0 {
			seen.add(s)
			size += mostStream
		}
	}
	spell(it.Version.Dot.Stream)
	for i := range c.Exact {
		spell(c.Exact[i].Version.Dot.Stream)
	}
	for i := range c.Vector {
		spell(c.Vector[i].Stream)
	}
	return size
}

func opBytes(op *Op) int { return len(op.Key) + len(op.Value) + len(op.ContentType) }
