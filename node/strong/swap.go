package strong

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// swapIn makes the staged base of the promised ballot the history, at once. From then on
// the node stands in that ballot.
func (r *Replica) swapIn() {
	s := r.hist.SwapIn(r.promised)
	r.dropOwed(s.Desc.GivenUp)
	r.progress++
	r.box.Event(core.Event{Kind: EventSwapped, Ballot: s.Ballot, Count: uint64(len(s.Tail))})
}

// dropOwed removes the owed ballots that the history now contains or that an operator gave
// up.
func (r *Replica) dropOwed(givenUp []ids.Ballot) {
	before := len(r.owed)
	r.owed = slices.DeleteFunc(r.owed, func(k wire.KnownBallot) bool {
		return r.hist.Contains(k.Ballot) || slices.Contains(givenUp, k.Ballot)
	})
	if len(r.owed) != before {
		r.persistMeta()
	}
}
