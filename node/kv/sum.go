package kv

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/cohortkv/cohort/node/wire"
)

// Sum returns the running sum of a ballot's log after an entry, given the sum
// before it. The sum of an empty log is 0. Two logs have the same sum at a position
// only if they have the same entries up to there, with the same operations and
// results. The sum finds mistakes; it is no protection against an attacker.
func Sum(before uint64, e *wire.Entry) uint64 {
	var b [12 * 8]byte
	for i, v := range [...]uint64{
		before, e.Stamp.Index, uint64(e.ID.Node), uint64(e.ID.Boot), e.ID.Counter, e.LowestOpen,
		uint64(e.Op.Kind)<<8 | uint64(e.Result.Status), e.Result.MsgNum,
		e.Result.Version.MsgNum, uint64(e.Result.Version.Fingerprint),
		uint64(len(e.Op.Key)), uint64(len(e.Op.ContentType)),
	} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(b[:])
	_, _ = d.WriteString(e.Op.Key)
	_, _ = d.WriteString(e.Op.ContentType)
	_, _ = d.Write(e.Op.Value)
	return d.Sum64()
}
