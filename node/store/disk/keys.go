package disk

import (
	"encoding/binary"
	"math"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// Keys of the state in Pebble (docs/durability.md §4). All numbers are big-endian, so keys are in
// the order of numbers.
const (
	tagCheckpoint = 'c'
	tagApplied    = 'p'
	tagRecord     = 'r' // area, key
	tagItem       = 'i' // hash, key
)

var (
	keyCheckpoint = []byte{tagCheckpoint}
	keyApplied    = []byte{tagApplied}
)

func prefix(tag byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{tag}, number)
}

// recordKey appends the key of a record in an area to dst.
func recordKey(dst []byte, area uint64, key string) []byte {
	return append(binary.BigEndian.AppendUint64(append(dst, tagRecord), area), key...)
}

// itemKey appends the key of an item to dst.
func itemKey(dst []byte, key string) []byte {
	return append(binary.BigEndian.AppendUint64(append(dst, tagItem), hashing.Hash(key)), key...)
}

// span is a range of keys: from the first, to before the second.
type span struct{ from, to []byte }

// areaSpan has all records of an area.
func areaSpan(area uint64) span { return span{prefix(tagRecord, area), after(tagRecord, area)} }

// hashSpan has all items whose hashes are in a range.
func hashSpan(r wire.HashRange) span { return span{prefix(tagItem, r.First), after(tagItem, r.Last)} }

// itemSpan has all items.
func itemSpan() span { return hashSpan(wire.HashRange{Last: math.MaxUint64}) }

// after is the first key after all keys with a number.
func after(tag byte, number uint64) []byte {
	if number == math.MaxUint64 {
		return []byte{tag + 1}
	}
	return prefix(tag, number+1)
}
