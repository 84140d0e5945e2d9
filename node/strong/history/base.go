package history

import (
	"fmt"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// Base is what a ballot starts from: complete, durable, and beside the history (I10). It is
// entries to be applied to a state. If the base is fresh, that state is the store's staged area,
// otherwise the current state.
//
// A node that has staged a base does not know whether its ballot became active. So the node
// keeps the staged base that it was built on, and reports both (docs/strong.md §7.2a).
type Base struct {
	Ballot  ids.Ballot
	Desc    wire.Base       // describes what the base was built from
	Bound   []wire.Sighting // the incarnations that the ballot counts on
	Members []wire.Member   // of the ballot, the primary first
	Fresh   bool            // the base's state is the staged area
	Ledger  wire.Ledger     // of the staged area, if fresh
	Tail    []wire.Entry    // entries to be applied to the state at the swap, in order
	under   *Base           // the staged base that this one was built on, because it may have been active; nil: none
}

// Staged returns the newest staged base; nil: there is none.
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

// StagedSummaries returns the report on the staged bases in a Join, the newest first. The length
// of each is 0: as far as this node knows, no entry was written in its ballot.
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

// Stage puts a base aside, durably. With built, its state was built in an area of its own. That
// area replaces the one that all earlier staged bases stand on, so they are forgotten.
// Otherwise the staged base of its source is kept beneath it.
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
	h.box.Persist(wire.Write{
		Kind: wire.WriteStaged, Ballot: b.Ballot, Under: under, Fresh: b.Fresh, Ledger: b.Ledger, Entries: b.Tail,
		Base: b.Desc, Bound: b.Bound, Members: b.Members,
	})
	h.staged = b
}

// findStaged returns the staged base of a ballot; nil: there is none.
func (h *History) findStaged(b ids.Ballot) *Base {
	s := h.staged
	for s != nil && s.Ballot != b {
		s = s.under
	}
	return s
}

// SwapIn makes the staged base of a ballot the history, as a whole (I10), and applies its tail.
// From then on the history is of that ballot. Its log is empty, because all of a base is
// committed.
func (h *History) SwapIn(ballot ids.Ballot) *Base {
	s := h.staged
	if s == nil || s.Ballot != ballot {
		panic(fmt.Sprintf("strong: swap of %v under promise %v", s, ballot))
	}
	h.box.Persist(wire.Write{Kind: wire.WriteSwap, Ballot: s.Ballot, Fresh: s.Fresh, Ledger: s.Ledger})
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
