package strong

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// report is what one member of an owed ballot, outside the view, said became of it.
type report struct {
	node   wire.NodeID
	ballot wire.Ballot
	fate   wire.Fate
}

// debts settles what can be: an owed ballot that all its members have lost is
// gone, and one that lives on in another group, by its operator's word, is not
// this view's to bring in. What is left must be pulled before the view is active
// (I24).
func (r *Replica) debts() (left []wire.KnownBallot) {
	v := &r.round.verdict
	for _, k := range v.owed {
		lost, elsewhere := r.fates(k)
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

func (r *Replica) giveUp(why wire.EventKind, b wire.Ballot) {
	r.box.Event(wire.Event{Kind: why, Ballot: b})
	r.round.verdict.base.GivenUp = append(r.round.verdict.base.GivenUp, b)
}

// fates sums up the reports on an owed ballot. Members of the view have joined
// without it: it is lost there. Where it lives on elsewhere, the others are asked
// for a while all the same: one of them may be free to bring it.
func (r *Replica) fates(k wire.KnownBallot) (lost, elsewhere bool) {
	all := true
	for _, m := range r.lenders(k) {
		i := slices.IndexFunc(r.round.reports, func(x report) bool { return x.node == m.ID && x.ballot == k.Ballot })
		if i < 0 {
			all = false
			continue
		}
		elsewhere = elsewhere || r.round.reports[i].fate == wire.FateElsewhere
	}
	return all && !elsewhere, elsewhere && (all || r.round.patient)
}

// lenders are the members of an owed ballot that have not joined.
func (r *Replica) lenders(k wire.KnownBallot) []wire.Member {
	return slices.DeleteFunc(slices.Clone(k.Members), func(m wire.Member) bool {
		return m.ID == r.cfg.Self || r.round.hasJoined(m.ID)
	})
}

// lends reports that a node outside the view is asked for a ballot.
func (r *Replica) lends(id wire.NodeID, b wire.Ballot) bool {
	return !r.view.Has(id) && slices.ContainsFunc(r.round.owed, func(k wire.KnownBallot) bool {
		return k.Ballot == b && slices.ContainsFunc(k.Members, func(m wire.Member) bool { return m.ID == id })
	})
}

// Lenders are the nodes outside the view that a round wants to pull from: they
// may be dialled, at the addresses of the view that named them.
func (r *Replica) Lenders() []wire.Member {
	if r.round == nil {
		return nil
	}
	return r.round.lenders
}

// pull asks for what is owed.
func (r *Replica) pull() {
	for _, k := range r.round.owed {
		for _, m := range r.lenders(k) {
			if !r.view.Has(m.ID) {
				r.fwd.nextRequest++
				r.box.Post(wire.Envelope{To: m.ID, Request: r.fwd.nextRequest, Message: &wire.Pull{
					Ballot: r.round.ballot, View: *r.view, Owed: k,
				}})
			}
		}
	}
}

// OnPull gives this node's history to a view that owes it, if it has it. leave
// makes the caller follow the view as one that is not in it, if it may: then this
// node promises, and whatever it held before the pull ends with that (I22).
func (r *Replica) OnPull(h wire.Header, replyTo wire.ReplyTo, p *wire.Pull, leave func() wire.Fate) {
	reply := &wire.PullReply{Ballot: p.Ballot, Owed: p.Owed.Ballot, Fate: wire.FateLost}
	if r.hist.knows(p.Owed.Ballot) || r.staged.knows(p.Owed.Ballot) {
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
func (r *Replica) pulled(h wire.Header, replyTo wire.ReplyTo, p *wire.Pull) {
	if p.Ballot.Round > r.promised.Round && reachable(p.Ballot.Round) {
		r.promise(p.Ballot)
		r.dismiss()
	}
	if r.promised == p.Ballot {
		r.box.Event(wire.Event{Kind: EventPulled, Peer: h.From, Ballot: r.hist.ballot, View: p.View.ID})
		r.answerDurable(h.From, replyTo, r.join())
	}
}

func (r *Replica) answerDurable(to wire.NodeID, replyTo wire.ReplyTo, m wire.Message) {
	r.box.PostAfter(r.box.LastWrite(), wire.Envelope{To: to, Answer: replyTo, Message: m})
}

// OnPullReply notes why nothing comes from a node.
func (r *Replica) OnPullReply(h wire.Header, m *wire.PullReply) {
	rd := r.round
	if rd == nil || rd.phase != collecting || m.Ballot != rd.ballot || !r.lends(h.From, m.Owed) {
		return
	}
	if m.Fate == wire.FateBelow {
		if m.Held.Compare(r.view.ID) > 0 && r.mayBegin() {
			r.peers.Above(m.Held) // and a new round, in the view that this makes
		}
		return
	}
	x := report{h.From, m.Owed, m.Fate}
	if !slices.Contains(rd.reports, x) {
		rd.reports = append(rd.reports, x)
		rd.changed = true
		r.tryDecide()
	}
}

// owing says, for people, what a round waits for.
func owing(k wire.KnownBallot) string {
	return fmt.Sprintf("data of view %d is missing: it is asked for at its members %s; "+
		"make one of them reachable, or put the view with force to go on without it", k.Ballot.View.Number, ids(k.Members))
}
