package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
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

// OnActive swaps the base in: every member has it.
func (r *Replica) OnActive(h wire.Header, a *wire.Active) {
	if h.From == r.primary && r.joinActive(a.Ballot) {
		r.learnCommit(a.Commit)
	}
}

// joinActive swaps in the base of an active ballot, if this member promised the ballot and
// has its base. It reports whether the member is in that ballot now.
func (r *Replica) joinActive(b ids.Ballot) bool {
	if !r.member || r.isPrimary() || b.IsZero() {
		return false
	}
	if b != r.promised && !mutant.On(mutant.AckWithoutPromise) {
		return false
	}
	if r.hist.Ballot() != b && r.hist.HasStaged(b) && b == r.promised {
		r.swapIn()
		r.resume()
	}
	return r.hist.Ballot() == b
}

// resume takes up the requests that waited for a ballot to stand in.
func (r *Replica) resume() {
	r.forward()
	r.openReads()
}
