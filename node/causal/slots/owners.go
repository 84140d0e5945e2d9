package slots

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
)

// A slot that is held for others is kept until each of its owners has acknowledged it as
// it is now (I25). The table counts the owners that have not.

// CountOwners begins to count the owners of slots that are held for others. It returns
// the slots that are blank: there is nothing to wait for.
func (t *Table) CountOwners() (blank []hashing.Slot) {
	for i := range t.slots {
		s := &t.slots[i]
		s.unacked, s.acked = 0, s.held && !s.owned && s.Blank()
		if s.acked {
			blank = append(blank, hashing.Slot(i))
		}
	}
	return blank
}

// AwaitOwner counts an owner that has not acknowledged a slot.
func (t *Table) AwaitOwner(at hashing.Slot) { t.slots[at].unacked++ }

// OwnerHas notes that one of the owners that were counted has acknowledged a slot. It
// reports whether all of them have.
func (t *Table) OwnerHas(at hashing.Slot) bool {
	s := &t.slots[at]
	if s.owned || s.unacked == 0 {
		return false
	}
	s.unacked--
	if s.unacked > 0 && !mutant.On(mutant.CausalDropSlotEarly) {
		return false
	}
	s.acked = true
	return true
}

// Releasable reports that all owners have a slot as it is now.
func (t *Table) Releasable(at hashing.Slot) bool { return t.slots[at].acked }

// ForOthers reports that slots are held that others own.
func (t *Table) ForOthers() bool { return t.held > t.owned }

// Uncounted reports that a slot is held for others whose owners are not counted: it has
// come, or has changed, since they were.
func (t *Table) Uncounted() bool {
	for i := range t.slots {
		if s := &t.slots[i]; s.held && !s.owned && s.unacked == 0 && !s.acked {
			return true
		}
	}
	return false
}
