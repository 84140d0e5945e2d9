package round

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

// judgeOwed gives up the owed ballots that cannot be had, and returns those that may still come
// (docs/strong.md §7.2f). The view is not active without them (I24).
func (r *Round) judgeOwed() (left []wire.KnownBallot) {
	for i := range r.decision.Owed {
		k := &r.decision.Owed[i]
		switch recovery.Judge(k.Ballot, r.absent(k), r.reports, r.patient) {
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

// giveUp records that the base goes on without an owed ballot. The base names it, so that every
// member stops owing it.
func (r *Round) giveUp(why *core.EventKind, b ids.Ballot) {
	r.box.Event(core.Event{Kind: why, Ballot: b})
	r.decision.Base.GivenUp = append(r.decision.Base.GivenUp, b)
}

// absent returns the members of an owed ballot that the round asks for it.
func (r *Round) absent(k *wire.KnownBallot) []wire.Member {
	return recovery.Absent(k, r.cfg.Self, r.joins)
}

// lack records which owed ballots are missing. If these are others than before, it asks for them.
func (r *Round) lack(owed []wire.KnownBallot) {
	same := slices.EqualFunc(owed, r.owed, func(a, b wire.KnownBallot) bool { return a.Ballot == b.Ballot })
	r.owed = owed
	if !same {
		for _, k := range owed { // they stay targets to the end: the base may be fetched from them
			r.targets = append(r.targets, k.Members...)
		}
		r.cfg.Reach()
		r.pull()
	}
	was := r.stuck
	r.stuck = ""
	if len(owed) > 0 {
		r.stuck = missing(&owed[0])
	}
	if r.stuck != "" && r.stuck != was {
		r.box.Event(core.Event{Kind: EventStuck, Ballot: r.cfg.Ballot, Note: r.stuck})
	}
}

// pull asks the absent members of owed ballots. Members of the view get a JoinRequest instead.
func (r *Round) pull() {
	for i := range r.owed {
		k := &r.owed[i]
		for _, m := range r.absent(k) {
			if !r.cfg.View.Has(m.ID) {
				r.box.Ask(m.ID, &wire.Pull{Ballot: r.cfg.Ballot, View: *r.cfg.View, Owed: *k})
			}
		}
	}
}

// AwaitsReply reports whether the round has asked a node for an owed ballot. Only then its
// reply counts.
func (r *Round) AwaitsReply(from ids.Node, m *wire.PullReply) bool {
	return r.phase == Collecting && m.Ballot == r.cfg.Ballot && !r.cfg.View.Has(from) &&
		slices.ContainsFunc(r.owed, func(k wire.KnownBallot) bool {
			return k.Ballot == m.Owed && slices.ContainsFunc(k.Members, func(t wire.Member) bool { return t.ID == from })
		})
}

// OnPullReply records that a node does not bring an owed ballot, and why.
func (r *Round) OnPullReply(now wire.Instant, from ids.Node, m *wire.PullReply) Outcome {
	report := recovery.Report{Node: from, Ballot: m.Owed, Fate: m.Fate}
	if !r.AwaitsReply(from, m) || slices.Contains(r.reports, report) {
		return Nothing
	}
	r.reports = append(r.reports, report)
	r.news = true
	return r.decide(now)
}

// missing says for people which data the round waits for, and what an operator can do.
func missing(k *wire.KnownBallot) string {
	var members []string
	for _, m := range k.Members {
		members = append(members, fmt.Sprint(uint64(m.ID)))
	}
	return fmt.Sprintf("data of view %d is missing: it is asked for at its members %s; "+
		"make one of them reachable, or put the view with force to go on without it", k.Ballot.View.Number, strings.Join(members, ", "))
}
