package history

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Position returns the position in the log of the entry of a request; zero: no entry has it.
func (h *History) Position(id ids.Request) uint64 {
	i := slices.IndexFunc(h.current.log, func(e wire.Entry) bool { return e.ID == id })
	if i < 0 {
		return 0
	}
	return h.current.commit + 1 + uint64(i)
}

// Abandon marks the entry at a position beyond the commit position, because its client has left.
// The next round truncates the log before the first marked entry. Until then the entry is
// committed like any other, if all members acknowledge it.
//
// Only the primary that ordered the entry may mark it, and only in the same boot. No other node
// knows which entries are certainly not committed. At another node nothing happens.
func (h *History) Abandon(self ids.Node, boot ids.Boot, at uint64) {
	if !h.LedBy(self, boot) {
		return
	}
	if i, marked := slices.BinarySearch(h.current.abandoned, at); !marked {
		h.current.abandoned = slices.Insert(h.current.abandoned, i, at)
		h.box.Event(core.Event{Kind: EventAbandoned, Ballot: h.current.ballot, Count: at})
	}
}

// KeptLength is the length of the log without the first marked entry and what follows it.
func (h *History) KeptLength() uint64 {
	if a := h.current.abandoned; len(a) > 0 {
		return a[0] - 1
	}
	return h.Length()
}
