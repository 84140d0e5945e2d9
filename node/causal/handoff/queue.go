package handoff

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/wire"
)

// atOnce bounds how many slots are released in one step: to free the items of a slot takes
// the store a microsecond each.
const atOnce = 64

// Queue has slots that are held for others and that all owners have. A slot may change
// while it waits: then it is not released, since the owners lack the change.
type Queue struct {
	list  []hashing.Slot
	freed uint64 // slots, since the queue was empty last
}

// Set puts some slots in the place of those that wait.
func (q *Queue) Set(list []hashing.Slot) { q.list = list }

// Add adds slots.
func (q *Queue) Add(list []hashing.Slot) { q.list = append(q.list, list...) }

// Waiting reports that slots wait to be released.
func (q *Queue) Waiting() bool { return len(q.list) > 0 }

// Next takes the slots that are to be released in this step, as ascending ranges.
func (q *Queue) Next(t *slots.Table) []wire.SlotRange {
	n := min(len(q.list), atOnce)
	free := slices.DeleteFunc(slices.Clone(q.list[:n]), func(at hashing.Slot) bool { return !t.Releasable(at) })
	q.list = q.list[n:]
	slices.Sort(free)
	list := slots.Ranges(slices.Values(free))
	q.freed += slots.Count(list)
	return list
}

// Freed is how many slots were released until the queue was empty; 0: it is not, or none
// was.
func (q *Queue) Freed() (n uint64) {
	if !q.Waiting() {
		n, q.freed = q.freed, 0
	}
	return n
}
