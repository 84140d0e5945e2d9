package history

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Source is a history that a base can be built on, as this node holds it: a state in an area, the
// ledger of that state, and the entries to be applied to it.
type Source struct {
	Area   core.Area
	Ledger func() wire.Ledger     // ledger of the state, without Tail
	Tail   []wire.Entry           // entries to be applied to the state, of this ballot or earlier ones
	Commit uint64                 // number of entries of the ballot that are in the state; the others are in Tail
	Length uint64                 // number of entries of the ballot
	SumAt  func(at uint64) uint64 // running sum of the ballot's log at a position from Commit on
}

// Source returns what this node holds of a ballot: its history, or a staged base, which other
// members may have swapped in.
func (h *History) Source(b ids.Ballot) (Source, bool) {
	c := &h.current
	switch {
	case b.IsZero():
		return Source{}, false
	case c.ballot == b:
		return Source{
			Area: core.AreaCurrent, Ledger: c.ledger.Export, Tail: c.log,
			Commit: c.commit, Length: h.Length(), SumAt: h.SumAt,
		}, true
	}
	if s := h.findStaged(b); s != nil {
		return h.stagedSource(s), true
	}
	return Source{}, false
}

// StagedFrom returns the newest staged base as a source. It serves a member that lacks the
// history source of that base.
func (h *History) StagedFrom() Source { return h.stagedSource(h.staged) }

func (h *History) stagedSource(s *Base) Source {
	if s.Fresh {
		return Source{Area: core.AreaStaged, Ledger: func() wire.Ledger { return s.Ledger }, Tail: s.Tail, SumAt: noSum}
	}
	return Source{Area: core.AreaCurrent, Ledger: h.current.ledger.Export, Tail: s.Tail, SumAt: noSum}
}

// noSum is the sum of a log without entries.
func noSum(uint64) uint64 { return 0 }
