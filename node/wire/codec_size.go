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
	inList        = 1 // an element adds at most a byte to the count of its list
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

func opBytes(op *Op) int { return len(op.Key) + len(op.Value) + len(op.ContentType) }
