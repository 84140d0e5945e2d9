package handoff

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/wire"
)

// atOnce bounds the slots that are released in one step. The store takes a microsecond for each
// item that it frees, and a step must not block for long.
const atOnce = 64

// Queue has the slots to be released: they are held for others, and all owners have
// acknowledged them. A slot that changes while it waits is not released, because the owners
// lack the change (I25).
type Queue struct {
	list  []hashing.Slot
	freed uint64 // slots released since the queue was last empty
}

// Set replaces the slots that wait.
func (q *Queue) Set(list []hashing.Slot) { q.list = list }

// Add adds slots that may be released.
func (q *Queue) Add(list []hashing.Slot) { q.list = append(q.list, list...) }

// Waiting reports that slots wait to be released.
func (q *Queue) Waiting() bool { return len(q.list) > 0 }

// Next takes the slots to be released in this step, as ascending ranges; at most atOnce.
func (q *Queue) Next(t *slots.Table) []wire.SlotRange {
	n := min(len(q.list), atOnce)
	free := slices.DeleteFunc(slices.Clone(q.list[:n]), func(at hashing.Slot) bool { return !t.At(at).Releasable() })
	q.list = q.list[n:]
	slices.Sort(free)
	list := slots.Ranges(slices.Values(free))
	q.freed += slots.Count(list)
	return list
}

// Freed is how many slots were released since the queue was last empty, once it is empty again;
// 0: slots wait, or none was released. It counts from zero afterwards.
func (q *Queue) Freed() (n uint64) {
	if !q.Waiting() {
		n, q.freed = q.freed, 0
	}
	return n
}
