package history

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Position finds a request in the log; zero: no entry has it.
func (h *History) Position(id ids.Request) uint64 {
	i := slices.IndexFunc(h.current.log, func(e wire.Entry) bool { return e.ID == id })
	if i < 0 {
		return 0
	}
	return h.current.commit + 1 + uint64(i)
}

// Abandon marks the entry at a position beyond the commit position: its client has left.
// The next round truncates the log before the first such entry. Until then the entry is
// committed like any other, if all members acknowledge it. Abandon reports whether the
// entry was not marked before. Only the primary that ordered the entry may call it, and
// only in the same boot (LedBy).
func (h *History) Abandon(at uint64) bool {
	i, marked := slices.BinarySearch(h.current.abandoned, at)
	if !marked {
		h.current.abandoned = slices.Insert(h.current.abandoned, i, at)
	}
	return !marked
}

// KeptLength is the length without abandoned entries and what follows them.
func (h *History) KeptLength() uint64 {
	if a := h.current.abandoned; len(a) > 0 {
		return a[0] - 1
	}
	return h.Length()
}

// TruncateAtOnce takes the entry at a position and all behind it out of the log. No rule
// allows that: the mutant TruncateAtOnce calls it, because the position is used again.
func (h *History) TruncateAtOnce(at uint64) {
	c := &h.current
	keep := at - 1 - c.commit
	c.log, c.sums, c.abandoned = c.log[:keep], c.sums[:keep], nil
	h.durable = min(h.durable, at-1)
}
