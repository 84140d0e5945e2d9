package workload

import (
	"hash/fnv"
	"strconv"

	"github.com/cohortkv/cohort/benchmark/history"
)

const (
	hexDigits = "0123456789abcdef"
	alphabet  = "abcdefghijklmnopqrstuvwxyz"
	twice     = alphabet + alphabet
)

// appendValue appends the bytes of a value: its name in sixteen hex digits, then letters
// that begin at a place given by the name. So a mixture of two values is no value.
func appendValue(dst []byte, v history.Value, size int) []byte {
	begin := len(dst)
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[uint64(v)>>shift&15])
	}
	turn := int(uint64(v) % uint64(len(alphabet)))
	for len(dst)-begin < size {
		n := min(size-(len(dst)-begin), len(alphabet))
		dst = append(dst, twice[turn:turn+n]...)
	}
	return dst
}

// ParseValue returns the value with these bytes, in a run whose values have this size.
func ParseValue(b []byte, size int) history.Value { return parseValue(b, size, nil) }

// parseValue returns the value with these bytes. Bytes that appendValue does not write at
// this size are foreign. scratch is memory to use.
func parseValue(b []byte, size int, scratch []byte) history.Value {
	if len(b) == size {
		n, err := strconv.ParseUint(string(b[:MinValueSize]), 16, 64)
		v := history.Value(n)
		if err == nil && v != 0 && !v.Foreign() && string(appendValue(scratch[:0], v, size)) == string(b) {
			return v
		}
	}
	h := fnv.New64a()
	_, _ = h.Write(b) // never fails
	return history.ForeignValue(h.Sum64())
}
