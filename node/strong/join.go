package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

// OnJoinRequest answers a primary's new ballot. The caller has already followed the view
// that came with it, if that may be followed.
func (r *Replica) OnJoinRequest(h wire.Header, c *wire.JoinRequest) {
	b := c.Ballot
	if r.view == nil || b.View != r.view.ID {
		if r.view != nil && b.Compare(r.promised) < 0 {
			r.send(h.From, &wire.BallotTooLow{Ballot: b, Promised: r.promised})
		}
		return
	}
	if h.From != r.primary || h.Boot != b.Boot && !mutant.On(mutant.RoundWithoutBoot) {
		return
	}
	if !recovery.Reachable(b.Round) {
		r.malformed(h.From, "a round that no view comes to")
		return
	}
	if b.Round > r.promised.Round {
		r.promise(b)
		r.refuseUnlogged()
	}
	if r.promised != b {
		r.send(h.From, &wire.BallotTooLow{Ballot: b, Promised: r.promised})
		return
	}
	r.sendJoin(h.From)
}

// sendJoin reports this node's history to the primary, once the promise, and the log that
// it reports, are durable.
func (r *Replica) sendJoin(to ids.Node) { r.sendDurable(to, r.join()) }

func (r *Replica) join() *wire.Join {
	return &wire.Join{
		Ballot: r.promised, History: r.hist.Summary(), Staged: r.hist.StagedSummaries(), Owed: slices.Clone(r.owed),
	}
}

// OnPull gives this node's history to a view that owes it, if it has it. leave makes the
// caller follow the view as one that is not in it, if it may: then this node promises, and
// whatever it held before the pull ends with that (I22).
func (r *Replica) OnPull(h wire.Header, replyTo ids.ReplyTo, p *wire.Pull, leave func() wire.Fate) {
	reply := &wire.PullReply{Ballot: p.Ballot, Owed: p.Owed.Ballot, Fate: wire.FateLost}
	if r.hist.Contains(p.Owed.Ballot) || r.hist.StagedContains(p.Owed.Ballot) {
		if mutant.On(mutant.PullWithoutPromise) {
			j := r.join()
			j.Ballot = p.Ballot
			r.answerDurable(h.From, replyTo, j)
			return
		}
		if reply.Fate = leave(); reply.Fate == 0 {
			r.pulled(h, replyTo, p)
			return
		}
		if r.view != nil {
			reply.Held = r.view.ID
		}
	}
	r.answerDurable(h.From, replyTo, reply)
}

// pulled promises the round and reports. A round of the primary that is older than one
// promised already gets no answer.
func (r *Replica) pulled(h wire.Header, replyTo ids.ReplyTo, p *wire.Pull) {
	if p.Ballot.Round > r.promised.Round && recovery.Reachable(p.Ballot.Round) {
		r.promise(p.Ballot)
		r.refuseUnlogged()
	}
	if r.promised == p.Ballot {
		r.box.Event(core.Event{Kind: EventPulled, Peer: h.From, Ballot: r.hist.Ballot(), View: p.View.ID})
		r.answerDurable(h.From, replyTo, r.join())
	}
}

func (r *Replica) answerDurable(to ids.Node, replyTo ids.ReplyTo, m wire.Message) {
	r.box.PostAfter(r.box.LastWrite(), core.Envelope{To: to, Answer: replyTo, Message: m})
}
