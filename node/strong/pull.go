package strong

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// owedReport is the answer of one member of an owed ballot, outside the view, about that
// ballot.
type owedReport struct {
	node   ids.Node
	ballot ids.Ballot
	fate   wire.Fate
}

// owedLeft returns the owed ballots that must be pulled before the view is active (I24). A
// ballot that all its members have lost is given up. So is a ballot that lives on in
// another group, where its operator put it.
func (r *Replica) owedLeft() (left []wire.KnownBallot) {
	v := &r.round.decision
	for _, k := range v.owed {
		lost, elsewhere := r.owedFate(k)
		switch {
		case elsewhere:
			r.giveUp(EventOwedElsewhere, k.Ballot)
		case lost:
			r.giveUp(EventOwedLost, k.Ballot)
		default:
			left = append(left, k)
		}
	}
	return left
}

func (r *Replica) giveUp(why *core.EventKind, b ids.Ballot) {
	r.box.Event(core.Event{Kind: why, Ballot: b})
	r.round.decision.base.GivenUp = append(r.round.decision.base.GivenUp, b)
}

// owedFate sums up the reports on an owed ballot. Members of the view have joined without
// it, so they have lost it. If it lives on in another group, the round still asks the
// other members for a while: one of them may be free to bring it.
func (r *Replica) owedFate(k wire.KnownBallot) (lost, elsewhere bool) {
	all := true
	for _, m := range r.pullTargetsOf(k) {
		i := slices.IndexFunc(r.round.reports, func(x owedReport) bool { return x.node == m.ID && x.ballot == k.Ballot })
		if i < 0 {
			all = false
			continue
		}
		elsewhere = elsewhere || r.round.reports[i].fate == wire.FateElsewhere
	}
	return all && !elsewhere, elsewhere && (all || r.round.askedLong)
}

// pullTargetsOf are the members of an owed ballot that have not joined.
func (r *Replica) pullTargetsOf(k wire.KnownBallot) []wire.Member {
	return slices.DeleteFunc(slices.Clone(k.Members), func(m wire.Member) bool {
		return m.ID == r.cfg.Self || r.round.hasJoined(m.ID)
	})
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
	for _, k := range r.round.owed {
		for _, m := range r.pullTargetsOf(k) {
			if !r.view.Has(m.ID) {
				r.box.Ask(m.ID, &wire.Pull{Ballot: r.round.ballot, View: *r.view, Owed: k})
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
	if p.Ballot.Round > r.promised.Round && reachable(p.Ballot.Round) {
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
	x := owedReport{h.From, m.Owed, m.Fate}
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
