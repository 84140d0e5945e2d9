package strong

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// SubmitRead takes a client's read.
func (r *Replica) SubmitRead(token ids.Token) {
	if r.notInView() {
		r.box.Reply(core.Reply{Token: token, Outcome: core.NotInView})
		return
	}
	r.reads.Submit(token)
	r.openReads()
}

func (r *Replica) openReads() {
	if r.Serving() {
		r.reads.Open(r.now)
	}
}

// onConfirm says yes while this node is bound to the ballot and has its base: then no later
// ballot can have been active without it (I2).
func (r *Replica) onConfirm(h wire.Header, c *wire.Confirm) {
	has := r.hist.Ballot() == c.Ballot || r.hist.HasStaged(c.Ballot)
	if !has && !mutant.On(mutant.ServeBeforeBaseEverywhere) {
		return
	}
	if !r.promise.IsMember() || c.Ballot != r.promise.Ballot() || r.promise.IsPrimary() && r.asPrimary == nil {
		return
	}
	reply := &wire.Confirmed{Ballot: c.Ballot, Nonce: c.Nonce}
	if r.hist.Ballot() == c.Ballot {
		reply.Commit = r.hist.Commit()
	}
	r.box.PostAfter(r.promise.Written(), core.Envelope{To: h.From, Message: reply})
}
