package strong

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

// owedLeft returns the owed ballots that must be pulled before the view is active (I24). A
// ballot that all its members have lost is given up. So is a ballot that lives on in
// another group, where its operator put it.
func (r *Replica) owedLeft() (left []wire.KnownBallot) {
	rd := r.round
	for i := range rd.decision.Owed {
		k := &rd.decision.Owed[i]
		switch recovery.Judge(k.Ballot, r.absent(k), rd.reports, !rd.askedLong) {
		case recovery.GiveUpElsewhere:
			r.giveUp(EventOwedElsewhere, k.Ballot)
		case recovery.GiveUpLost:
			r.giveUp(EventOwedLost, k.Ballot)
		default:
			left = append(left, *k)
		}
	}
	return left
}

func (r *Replica) giveUp(why *core.EventKind, b ids.Ballot) {
	r.box.Event(core.Event{Kind: why, Ballot: b})
	r.round.decision.Base.GivenUp = append(r.round.decision.Base.GivenUp, b)
}

// absent are the members of an owed ballot that the round asks for it.
func (r *Replica) absent(k *wire.KnownBallot) []wire.Member {
	return recovery.Absent(k, r.cfg.Self, r.round.joins)
}

// isPullTarget reports whether a node outside the view is asked for a ballot.
func (r *Replica) isPullTarget(id ids.Node, b ids.Ballot) bool {
	return !r.view.Has(id) && slices.ContainsFunc(r.round.owed, func(k wire.KnownBallot) bool {
		return k.Ballot == b && slices.ContainsFunc(k.Members, func(m wire.Member) bool { return m.ID == id })
	})
}

// PullTargets are the nodes outside the view that a round pulls from. They may be dialled
// at the addresses of the view that named them.
func (r *Replica) PullTargets() []wire.Member {
	if r.round == nil {
		return nil
	}
	return r.round.pullTargets
}

// pull asks for what is owed.
func (r *Replica) pull() {
	for i := range r.round.owed {
		k := &r.round.owed[i]
		for _, m := range r.absent(k) {
			if !r.view.Has(m.ID) {
				r.box.Ask(m.ID, &wire.Pull{Ballot: r.round.ballot, View: *r.view, Owed: *k})
			}
		}
	}
}

// OnPull gives this node's history to a view that owes it, if it has it. leave
// makes the caller follow the view as one that is not in it, if it may: then this
// node promises, and whatever it held before the pull ends with that (I22).
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

// pulled promises the round and reports; a round of the primary that is older than
// one promised already gets no answer.
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

// OnPullReply notes why nothing comes from a node.
func (r *Replica) OnPullReply(h wire.Header, m *wire.PullReply) {
	rd := r.round
	if rd == nil || rd.phase != collecting || m.Ballot != rd.ballot || !r.isPullTarget(h.From, m.Owed) {
		return
	}
	if m.Fate == wire.FateBelow {
		if m.Held.Compare(r.view.ID) > 0 && r.mayBegin() {
			r.peers.RenumberAbove(m.Held) // and a new round, in the view that this makes
		}
		return
	}
	x := recovery.Report{Node: h.From, Ballot: m.Owed, Fate: m.Fate}
	if !slices.Contains(rd.reports, x) {
		rd.reports = append(rd.reports, x)
		rd.changed = true
		r.tryDecide()
	}
}

// owedReason says, for people, which data a round waits for.
func owedReason(k wire.KnownBallot) string {
	return fmt.Sprintf("data of view %d is missing: it is asked for at its members %s; "+
		"make one of them reachable, or put the view with force to go on without it", k.Ballot.View.Number, idsOf(k.Members))
}
