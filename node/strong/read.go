package strong

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/waits"
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

// OnConfirm says yes while this node is bound to the ballot and has its base: then no later
// ballot can have been active without it (I2).
func (r *Replica) OnConfirm(h wire.Header, c *wire.Confirm) {
	has := r.hist.Ballot() == c.Ballot || r.hist.HasStaged(c.Ballot)
	if !has && !mutant.On(mutant.ServeBeforeBaseEverywhere) {
		return
	}
	if !r.member || c.Ballot != r.promised || r.isPrimary() && r.asPrimary == nil {
		return
	}
	reply := &wire.Confirmed{Ballot: c.Ballot, Nonce: c.Nonce}
	if r.hist.Ballot() == c.Ballot {
		reply.Commit = r.hist.Commit()
	}
	r.box.PostAfter(r.metaSeq, core.Envelope{To: h.From, Message: reply})
}

// OnConfirmed counts a confirmation.
func (r *Replica) OnConfirmed(h wire.Header, c *wire.Confirmed) { r.reads.OnConfirmed(r.now, h, c) }

// Waiting lists the members that the round or clients' requests wait for, with the reason
// for people. The list is never written to afterwards.
func (r *Replica) Waiting() (list []core.Wait, reason string) {
	return r.waits.List(r.now, waits.State{
		View: r.view, ViewAt: r.viewAt, Members: r.members, Primary: r.primary,
		Ballot: r.hist.Ballot(), Round: r.round, Serving: r.Serving(), NotInView: r.notInView(),
	})
}
