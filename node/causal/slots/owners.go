package slots

import (
	"github.com/cohortkv/cohort/hashing"
)

// A slot held for others is kept until each of its owners has acknowledged it as it is now
// (I25). The table counts the owners that have not. A change of the slot makes the count void.

// CountOwners begins a new count for all slots held for others. The caller then calls
// AwaitOwner for each owner of each slot that is not blank. CountOwners returns the blank
// slots: they may be released at once.
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

// AwaitOwner adds an owner that has not acknowledged a slot to the count.
func (s *Slot) AwaitOwner() { s.unacked++ }

// OwnerHas notes that one of the counted owners has acknowledged a slot, and reports whether all
// of them have. The caller must not report one owner twice. A void count reports false.
func (s *Slot) OwnerHas() bool {
	if s.owned || s.unacked == 0 {
		return false
	}
	s.unacked--
	if s.unacked > 0 {
		return false
	}
	s.acked = true
	return true
}

// Releasable reports that all owners have acknowledged a slot as it is now.
func (s *Slot) Releasable() bool { return s.acked }

// ForOthers reports that slots are held here that other shards own.
func (t *Table) ForOthers() bool { return t.held > t.owned }

// Uncounted reports that the owners of some slot held for others are not counted: the slot has
// come, or has changed, since the last CountOwners.
func Uncounted(t *Table) bool {
	for i := range t.slots {
		if s := &t.slots[i]; s.held && !s.owned && s.unacked == 0 && !s.acked {
			return true
		}
	}
	return false
}
