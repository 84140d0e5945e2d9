package hashing

import (
	"crypto/sha256"
	"encoding/binary"
)

// golden is 2^64 divided by the golden ratio, odd: the step of SplitMix64.
const golden = 0x9e3779b97f4a7c15

// seed is where the scores of a shard's nth draw come from: the first eight bytes
// of SHA-256 of its name, big-endian, for the first, and what SplitMix64 goes on
// with from there for the others. A shard that gains weight keeps the draws that
// it had.
func seed(name string, n int) uint64 {
	sum := sha256.Sum256([]byte(name))
	first := binary.BigEndian.Uint64(sum[:8])
	if n == 0 {
		return first
	}
	return mix(first + uint64(n)*golden)
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014; constants are Stafford's variant
// 13): one to one, and every bit of the result depends on every bit of x.
// Integers only: machines differ in how they round.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
