// Package batch bounds how much goes into one message (docs/strong.md §10). It is pure.
package batch

import "github.com/cohortkv/cohort/node/wire"

// Fit returns how many of n items go into one message: at most maxN, and at most limit bytes
// by size. One item always fits, so a large one does not stop those behind it.
func Fit(n, maxN, limit int, size func(int) int) int {
	total := 0
	for i := range min(n, maxN) {
		total += size(i)
		if total > limit && i > 0 {
			return i
		}
	}
	return min(n, maxN)
}

// OpBytes estimates the bytes that an operation takes in a message.
func OpBytes(op *wire.Op) int { return len(op.Key) + len(op.Value) + len(op.ContentType) + 64 }
