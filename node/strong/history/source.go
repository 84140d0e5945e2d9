package history

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Source is a history that a base can be built on, as this node holds it: a state in an
// area, its ledger, and the entries to be applied to that state.
type Source struct {
	Area   core.Area
	Ledger func() wire.Ledger // of the state
	Tail   []wire.Entry       // to be applied, of this ballot or earlier ones
	Commit uint64             // entries of the ballot that are in the state; the others are in Tail
	Length uint64             // entries of the ballot, from its birth
	SumAt  func(at uint64) uint64
}

// Source finds what this node holds of a ballot: its history, or a base that it staged and
// that other members may have swapped in.
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

// StagedFrom is the newest staged base as a source. It serves a member that asks for the
// source that this base was built from.
func (h *History) StagedFrom() Source { return h.stagedSource(h.staged) }

func (h *History) stagedSource(s *Base) Source {
	if s.Fresh {
		return Source{Area: core.AreaStaged, Ledger: func() wire.Ledger { return s.Ledger }, Tail: s.Tail, SumAt: noSum}
	}
	return Source{Area: core.AreaCurrent, Ledger: h.current.ledger.Export, Tail: s.Tail, SumAt: noSum}
}

// noSum is the sum of a log without entries.
func noSum(uint64) uint64 { return 0 }
