// Package hashing decides where a key lives: key → slot → shard. It also decides
// which slots move when the shards change.
//
// The result depends on the shards' names and weights only: not on earlier views,
// not on the node, and not on the order in which shards are listed. Nodes that hold
// the same view therefore agree without messages (I20).
//
// The package promises:
//
//  1. Every shard owns its part of the slots to within 1/128 and one slot. That is
//     ±1 % up to 24 equal shards.
//  2. Adding or removing one of N such shards moves 1.00/N to 1.11/N of the slots
//     at the median.
//  3. It moves at most 1.2/N, except for one choice of names in 10,000 at more
//     than 20 shards (docs/decisions/0007 has the figures).
//
// The caller must leave out shards without members, or mark them as empty.
//
// The package is pure. Any goroutine may call anything in it at any time. A Ring
// and a Plan never change once they are made. Making a Ring takes milliseconds:
// make one for each view, not for each request.
//
// A slot prefers shards by score, as in rendezvous hashing (Thaler and Ravishankar,
// "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on
// Networking 6(1), 1998). A shard has room for its part only, and prefers slots by
// the same score. The result is the only stable matching of these preferences (Gale
// and Shapley, "College admissions and the stability of marriage", 1962).
package hashing

import "github.com/cespare/xxhash/v2"

// Hash is xxHash64 of a key with seed 0. It must never change, on any machine,
// because stored keys are found by it. testdata/keys.txt pins it.
func Hash(key string) uint64 { return xxhash.Sum64String(key) }

// HashBytes is Hash for a byte slice.
func HashBytes(b []byte) uint64 { return xxhash.Sum64(b) }

// Slot is a number from 0 to Space.Slots()-1. All keys of a slot live in one shard
// and move together.
type Slot uint32

// Space is the binary logarithm of the number of slots. All nodes of a cluster must
// use the same Space, which can never change.
type Space uint8

const (
	// Standard has 16,384 slots: enough for 24 shards (docs/decisions/0007).
	Standard Space = 14
	// MaxSpace is the largest Space.
	MaxSpace Space = 16
)

// Slots is the number of slots.
func (s Space) Slots() int { return 1 << s }

// Slot is the slot of the keys with this hash: the top bits of the hash.
func (s Space) Slot(hash uint64) Slot { return Slot(hash >> (64 - s)) }
