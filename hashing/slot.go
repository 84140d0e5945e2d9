// Package hashing decides where a key lives: key → slot → shard, and what moves
// when the shards change. It is a function of the shards' names and weights and
// of nothing else: no history, no node, no order in which shards are listed. So
// nodes that hold the same view agree without a word, whatever views they came
// through (I20).
//
// It promises that every shard owns its part of the slots to within 1/128 and one
// slot: ±1 % up to 24 equal shards. Adding or removing one of those moves 1.00/N to
// 1.11/N of the slots at the median and at most 1.2/N, but for one choice of names
// in 10,000 at more than 20 shards (docs/decisions/0007 has the figures). It asks of
// its callers to leave out shards without members, or to mark them as empty.
//
// The package is pure, and everything in it may be called by any goroutine at any
// time; a Ring and a Plan never change once they are made. A Ring costs
// milliseconds: make one per view, not one per request.
//
// A slot prefers shards by score, as in rendezvous hashing (Thaler and
// Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM
// Transactions on Networking 6(1), 1998). Shards have room for their part only and
// prefer slots by the same score, which makes it the stable matching of Gale and
// Shapley ("College admissions and the stability of marriage", 1962), of which
// there is one.
package hashing

import "github.com/cespare/xxhash/v2"

// Hash is xxHash64 of a key with seed 0, the same on every machine and for ever: a
// stored key is found by it. testdata/keys.txt holds it to that.
func Hash(key string) uint64 { return xxhash.Sum64String(key) }

// HashBytes is Hash of bytes.
func HashBytes(b []byte) uint64 { return xxhash.Sum64(b) }

// Slot is a number below Space.Slots. All keys of a slot live in one shard and
// move together.
type Slot uint32

// Space says how finely keys are divided: there are 2 to the power of Space
// slots. All nodes of a cluster use the same, for ever.
type Space uint8

const (
	// Standard is 16,384 slots: enough for 24 shards (docs/decisions/0007).
	Standard Space = 14
	// MaxSpace is the finest.
	MaxSpace Space = 16
)

// Slots is the number of slots.
func (s Space) Slots() int { return 1 << s }

// Slot is the slot of the keys with a hash: its top bits.
func (s Space) Slot(hash uint64) Slot { return Slot(hash >> (64 - s)) }
