// Package batch says how much goes into one message. It is pure.
package batch

import "github.com/cohortkv/cohort/node/wire"

// Fit is how many of n items go into one message: at least one if there is one, at most
// maxN, and no more than limit bytes.
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

// OpBytes is about what an operation takes in a message.
func OpBytes(op *wire.Op) int { return len(op.Key) + len(op.Value) + len(op.ContentType) + 64 }
