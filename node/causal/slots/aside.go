package slots

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/wire"
)

// Keep keeps a copy of an item of a batch aside until its slot is ready. Until the slot was
// brought in, K does not say which versions were deleted and collected, so the item cannot be
// merged yet (I19). The caller bounds AsideBytes.
func (t *Table) Keep(hash uint64, item *wire.Item) {
	s := t.Of(hash)
	s.aside = append(s.aside, footprint.Detach(item))
	t.asideBytes += footprint.Listed(item)
}

// AsideBytes is the memory of the items that are kept aside, without those being merged.
func (t *Table) AsideBytes() int { return t.asideBytes }

// TakeAside takes the items that were kept aside for a slot that is to become ready. It reports
// false if the slot is not owned, is ready already, or is merging. If there are items, the
// caller merges each, calls Merged after each, and EndMerging when the last one is durable.
func (t *Table) TakeAside(at hashing.Slot) (items []wire.Item, ok bool) {
	s := &t.slots[at]
	if !s.owned || s.ready || s.unmerged > 0 {
		return nil, false
	}
	items = s.aside
	s.aside, s.merging, s.unmerged = nil, items, len(items)
	for i := range items {
		t.asideBytes -= footprint.Listed(&items[i])
	}
	return items, true
}

// Merging reports that items which were kept aside are being merged into a slot. It ends early
// with the view.
func (s *Slot) Merging() bool { return s.unmerged > 0 }

// Merged notes that one of the items was merged. It reports whether that was the last one. Then
// EndMerging is due when the merge is durable.
func (s *Slot) Merged() (last bool) {
	if s.unmerged == 1 {
		return true
	}
	s.unmerged--
	return false
}

// EndMerging notes that all the items are merged, durably. It reports false if the slot is not
// owned any more. More items may have been kept aside meanwhile.
func (s *Slot) EndMerging() bool {
	if s.owned {
		s.unmerged = 0
	}
	return s.owned
}

// Apart is the largest counter of a key among the items of a slot that are not merged yet. A
// write of the key must be above it (I13; docs/causal.md §3.2, rule 1.5).
func (s *Slot) Apart(key string) (counter uint64) {
	for _, list := range [][]wire.Item{s.aside, s.merging} {
		for i := range list {
			if list[i].Key == key {
				counter = max(counter, list[i].Version.Counter)
			}
		}
	}
	return counter
}
