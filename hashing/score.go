package hashing

import (
	"crypto/sha256"
	"encoding/binary"
)

// gamma is 2^64 divided by the golden ratio, odd: the step of SplitMix64.
const gamma = 0x9e3779b97f4a7c15

// seed distinguishes shards: it is the first eight bytes, big-endian, of SHA-256 of
// the name. The seeds of the shard's further draws are the next steps of
// SplitMix64. A shard that gains weight therefore keeps the draws that it had.
func seed(name string) uint64 {
	sum := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(sum[:8])
}

// salt distinguishes slots.
func salt(slot Slot) uint64 { return mix(uint64(slot) + gamma) }

// score is the score of a draw on a slot.
func score(seed, salt uint64) uint64 { return mix(seed ^ salt) }

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014), with the constants of Stafford's
// variant 13. It is one to one, and every bit of the result depends on every bit of
// x. It uses integers only, because machines differ in how they round.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
