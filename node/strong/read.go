package strong

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// SubmitRead takes a read of a client. A confirmation round that begins from now on answers it.
func (r *Replica) SubmitRead(token ids.Token) {
	if r.notInView() {
		r.box.Reply(core.Reply{Token: token, Outcome: core.NotInView})
		return
	}
	r.reads.Submit(token)
	r.openReads()
}

// openReads begins a confirmation round for the reads that wait, if this node serves.
func (r *Replica) openReads() {
	if r.Serving() {
		r.reads.Open(r.now)
	}
}

// onConfirm confirms that this node is bound to a ballot and has its base. If all members
// confirm, no later ballot was active when the reads arrived (docs/strong.md §5). The
// confirmation leaves when the promise is durable (I2).
func (r *Replica) onConfirm(h wire.Header, c *wire.Confirm) {
	has := r.hist.Ballot() == c.Ballot || r.hist.HasStaged(c.Ballot)
	if !has {
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
