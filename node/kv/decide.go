// Package kv defines what an operation does to a key of a strong bucket: its result, its version
// and its Msg-Num (docs/strong.md §4). A Ledger recognises request ids. Survivor and MergeLedgers
// merge histories that went apart (docs/strong.md §8). The package is pure.
//
// The primary decides the result of a write once, when it orders the write. All members then
// apply the entry with that result, in the order of the log.
package kv

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Fingerprint folds a stamp into the part of a version that tells writes with equal numbers
// apart: groups that an operator parted may give out the same numbers (docs/strong.md §4).
func Fingerprint(s ids.Stamp) uint32 {
	var b [48]byte
	for i, v := range [6]uint64{
		s.Ballot.View.Number, uint64(s.Ballot.View.Author), uint64(s.Ballot.View.Boot),
		s.Ballot.Round, uint64(s.Ballot.Boot), s.Index,
	} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	return crc32.Checksum(b[:], castagnoli)
}

// Decide returns the result of an operation that is ordered at stamp, on a key that holds cur,
// and what the key holds afterwards. next is the Msg-Num of the next write. A write whose
// condition fails changes nothing and takes no number.
func Decide(op *wire.Op, cur wire.Meta, next uint64, stamp ids.Stamp) (wire.Result, wire.Meta) {
	if !holds(op, cur) {
		return wire.Result{Status: wire.PreconditionFailed, MsgNum: next, Version: cur.Version}, cur
	}
	v := wire.Version{MsgNum: next, Fingerprint: Fingerprint(stamp)}
	if op.Kind == wire.OpDelete {
		status := wire.Deleted
		if !cur.Exists {
			status = wire.Absent
		}
		return wire.Result{Status: status, MsgNum: next, Version: v}, wire.Meta{}
	}
	status := wire.Replaced
	if !cur.Exists {
		status = wire.Created
	}
	return wire.Result{Status: status, MsgNum: next, Version: v}, wire.Meta{Exists: true, Version: v}
}

// holds reports whether the condition of an operation is true for what the key holds.
func holds(op *wire.Op, cur wire.Meta) bool {
	switch op.Condition {
	case wire.IfAbsent:
		return !cur.Exists
	case wire.IfPresent:
		return cur.Exists
	case wire.IfVersion:
		return cur.Exists && cur.Version == op.Match
	default:
		return true
	}
}

// TakesNumber reports whether a result owns its Msg-Num.
func TakesNumber(s wire.Status) bool { return s != wire.PreconditionFailed }

// Changes reports whether a write with this status changed what its key holds.
func Changes(s wire.Status) bool {
	return s == wire.Created || s == wire.Replaced || s == wire.Deleted
}

// Fits reports whether an operation can end with a status. Results that come from peers are
// checked with it (docs/strong.md §12).
func Fits(op *wire.Op, s wire.Status) bool {
	switch s {
	case wire.Created, wire.Replaced:
		return op.Kind == wire.OpPut
	case wire.Deleted, wire.Absent:
		return op.Kind == wire.OpDelete
	case wire.PreconditionFailed:
		return op.Condition != wire.Always
	}
	return s == wire.Unknown
}

// RecordOf returns the record of a key after an entry that changed it; nil: the entry deleted the
// key. The record shares the entry's memory.
func RecordOf(e *wire.Entry) *wire.Record {
	if e.Result.Status == wire.Deleted {
		return nil
	}
	return &wire.Record{
		Key: e.Op.Key, Value: e.Op.Value, ContentType: e.Op.ContentType, Stamp: e.Stamp, Version: e.Result.Version,
	}
}
