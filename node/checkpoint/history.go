package checkpoint

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	strong "github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// history is what is durable of strong buckets. Its position moves when entries are applied to the
// state, so Ledger, Sum and Log always belong to the state.
type history struct {
	wire.StoredHistory // but for Ledger; tails of Staged are those of their writes
	origins            int
	ledger             *kv.Ledger // at Commit
}

func loadHistory(origins int, h wire.StoredHistory) history {
	l := kv.Import(h.Ledger, origins)
	h.Ledger = wire.Ledger{}
	return history{StoredHistory: h, origins: origins, ledger: l}
}

// append adds entries to the log. Their positions follow those of the log.
func (h *history) append(w *wire.Write) error {
	next := ids.Stamp{Ballot: h.Ballot, Index: h.Commit + uint64(len(h.Log))}
	for i := range w.Entries {
		if next.Index++; w.Entries[i].Stamp != next {
			return fmt.Errorf("the entry %v is at the place of %v", w.Entries[i].Stamp, next)
		}
	}
	h.Log = append(h.Log, w.Entries...)
	return nil
}

// apply moves the position, at most to the end of the log, and returns the entries that are passed.
func (h *history) apply(to uint64) []wire.Entry {
	n := 0
	if to > h.Commit {
		n = int(min(to-h.Commit, uint64(len(h.Log))))
	}
	if n == 0 {
		return nil
	}
	passed := h.Log[:n:n]
	for i := range passed {
		h.Sum = kv.Sum(h.Sum, &passed[i])
		h.ledger.Apply(&passed[i])
	}
	h.Commit += uint64(n)
	h.Log = slices.Clone(h.Log[n:])
	return passed
}

// stage stages a base on top of the staged base that it was built on, if there is one.
func (h *history) stage(w *wire.Write) {
	kept := h.Staged
	for len(kept) > 0 && kept[0].Ballot != w.Under {
		kept = kept[1:]
	}
	h.Staged = append([]wire.StagedBase{{
		Ballot: w.Ballot, Base: w.Base, Bound: w.Bound, Members: w.Members, Fresh: w.Fresh, Ledger: w.Ledger, Tail: w.Entries,
	}}, kept...)
}

// standsAside reports that some staged base stands on an area of its own.
func (h *history) standsAside() bool {
	return slices.ContainsFunc(h.Staged, func(s wire.StagedBase) bool { return s.Fresh })
}

// tail returns what a swap applies to the state of a staged base. If that is the state of the
// history, the base has a tail that began where the history was committed at that time. The state
// here may lack entries before, or have some of the tail already.
func (h *history) tail(s *wire.StagedBase) []wire.Entry {
	if s.Fresh {
		return s.Tail
	}
	count, _ := kv.Past(s.Base.Past).Count(h.Ballot)
	upTo := max(h.Commit, min(count, h.Commit+uint64(len(h.Log))))
	tail := slices.Clone(h.Log[:upTo-h.Commit])
	for i := range s.Tail {
		if at := s.Tail[i].Stamp; at.Ballot != h.Ballot || at.Index > upTo {
			tail = append(tail, s.Tail[i])
		}
	}
	return tail
}

// swap makes the newest staged base the history, and returns the tail that its state lacks.
func (h *history) swap(w *wire.Write) ([]wire.Entry, error) {
	if len(h.Staged) == 0 || h.Staged[0].Ballot != w.Ballot || h.Staged[0].Fresh != w.Fresh {
		return nil, fmt.Errorf("no such base of %v is staged", w.Ballot)
	}
	s := &h.Staged[0]
	tail := h.tail(s)
	if s.Fresh {
		h.ledger = kv.Import(s.Ledger, h.origins)
	}
	for i := range tail {
		h.ledger.Apply(&tail[i])
	}
	h.StoredHistory = wire.StoredHistory{
		Ballot: s.Ballot, Members: s.Members, Bound: s.Bound, Past: s.Base.Past,
		Attested: strong.Attest(s.Base.Attested, s.Bound, s.Ballot),
	}
	return tail, nil
}

// stored is the history as a checkpoint has it.
func (h *history) stored() wire.StoredHistory {
	stored := h.StoredHistory
	stored.Ledger = h.ledger.Export()
	return stored
}

// recovered is the history as a machine takes it up.
func (h *history) recovered() wire.StoredHistory {
	found := h.stored()
	found.Staged = slices.Clone(found.Staged)
	for i := range found.Staged {
		found.Staged[i].Tail = h.tail(&found.Staged[i])
	}
	return found
}
