package history

import (
	"fmt"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// Base is what a ballot starts from, whole and durable, beside the history (I10): entries
// to be applied to the current state or, if it is fresh, to the store's staged area.
//
// A node that staged a base does not know whether the ballot became active. So it keeps
// what the base was built on, and reports both (docs/strong.md §7.2a).
type Base struct {
	Ballot  ids.Ballot
	Desc    wire.Base
	Bound   []wire.Sighting // incarnations that the ballot counts on
	Members []wire.Member   // of the ballot, the primary first
	Fresh   bool            // the state is the staged area, and not the current state
	Ledger  wire.Ledger     // of the staged area, if fresh
	Tail    []wire.Entry    // to be applied to the state, in order
	under   *Base           // the staged base that it was built on: it may have been active
}

// Staged is the newest base that is whole and not swapped in; nil: there is none.
func (h *History) Staged() *Base { return h.staged }

// HasStaged reports whether the newest staged base is that of a ballot.
func (h *History) HasStaged(b ids.Ballot) bool { return h.staged != nil && h.staged.Ballot == b }

// StagedContains reports whether the newest staged base has all that was ever committed in
// a ballot.
func (h *History) StagedContains(b ids.Ballot) bool {
	s := h.staged
	if s == nil {
		return false
	}
	_, older := kv.Past(s.Desc.Past).Count(b)
	return older || s.Ballot == b
}

// StagedSummaries is the report on the staged bases in a Join, the newest first. Nothing
// was written in their ballots as far as this node knows.
func (h *History) StagedSummaries() []wire.StagedSummary {
	var all []wire.StagedSummary
	for b := h.staged; b != nil; b = b.under {
		all = append(all, wire.StagedSummary{
			History: wire.HistorySummary{
				Ballot: b.Ballot, Members: b.Members, Past: b.Desc.Past, Attested: Attest(b.Desc.Attested, b.Bound, b.Ballot),
			},
			Bound: b.Bound,
		})
	}
	return all
}

// Stage puts a base aside, durably. built says that its state was built in an area of its
// own. That area replaces the one that all earlier staged bases stand on, so they are
// forgotten. Otherwise the staged base of its source is kept beneath it.
func (h *History) Stage(b *Base, built bool) {
	if !built {
		b.under = h.findStaged(b.Desc.Source)
	}
	if b.Fresh && b.Ledger.MsgNum == 0 {
		b.Ledger.MsgNum = 1
	}
	under := ids.Ballot{}
	if b.under != nil {
		under = b.under.Ballot
	}
	h.box.Persist(core.Write{
		Kind: core.WriteStaged, Ballot: b.Ballot, Under: under, Fresh: b.Fresh, Ledger: b.Ledger, Entries: b.Tail,
		Base: b.Desc, Bound: b.Bound, Members: b.Members,
	})
	h.staged = b
}

func (h *History) findStaged(b ids.Ballot) *Base {
	s := h.staged
	for s != nil && s.Ballot != b {
		s = s.under
	}
	return s
}

// SwapIn makes the staged base of a ballot the history, as a whole, and applies its tail.
// From then on the node stands in that ballot, with an empty log: all of a base is
// committed.
func (h *History) SwapIn(ballot ids.Ballot) *Base {
	s := h.staged
	if s == nil || s.Ballot != ballot {
		panic(fmt.Sprintf("strong: swap of %v under promise %v", s, ballot))
	}
	h.box.Persist(core.Write{Kind: core.WriteSwap, Ballot: s.Ballot, Fresh: s.Fresh, Ledger: s.Ledger})
	ledger := h.current.ledger
	if s.Fresh {
		ledger = kv.Import(s.Ledger, h.origins)
	}
	for i := range s.Tail {
		ledger.Apply(&s.Tail[i])
	}
	h.box.Apply(s.Tail...)
	h.current = current{
		ballot: s.Ballot, members: s.Members, bound: s.Bound, past: s.Desc.Past, ledger: ledger,
		attested: Attest(s.Desc.Attested, s.Bound, s.Ballot),
	}
	h.durable, h.appends = 0, h.appends[:0]
	h.staged = nil
	return s
}
