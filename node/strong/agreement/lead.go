package agreement

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/wire"
)

// BeginRound begins a round under the next ballot of the view.
func (a *Agreement) BeginRound() { a.beginRoundAbove(0) }

// beginRoundAbove begins a round above the promised one, and above another one. If rounds have
// run out, the view gets a new id instead, and a round begins there.
func (a *Agreement) beginRoundAbove(other uint64) {
	v, promised := a.promise.View(), a.promise.Ballot()
	b := ids.Ballot{View: v.ID, Round: other + 1, Boot: a.cfg.Boot}
	if promised.View == v.ID {
		b.Round = max(promised.Round, other) + 1
	}
	if !recovery.Reachable(b.Round) {
		a.views.RenumberAbove(v.ID) // and a round, in the view that this makes
		return
	}
	a.bind(b)
	a.host.PromiseMade()
	a.box.Event(core.Event{Kind: EventRound, Ballot: b, View: v.ID})
	a.round = round.Begin(round.Config{
		Self: a.cfg.Self, Boot: a.cfg.Boot, View: v, Members: a.promise.Members(), Ballot: b, Differing: a.differing,
		PastLimit: a.cfg.Limits.Past, Reach: a.views.Reach, Moved: func() { a.progress++ },
	}, a.box, a.now)
	a.sendJoin(a.cfg.Self)
}

// mayBegin reports whether one more round may begin because of what a peer said, and counts that
// round (docs/strong.md §12, rule 5).
func (a *Agreement) mayBegin() bool { return a.limit.Take(a.now, len(a.promise.Members())) }

// raiseAbove begins a round above one that a member has promised in this view: an earlier boot of
// this node had led that one. It reports whether it did anything.
func (a *Agreement) raiseAbove(b ids.Ballot) bool {
	mine, promised := a.round != nil || a.active, a.promise.Ballot()
	if !mine || b.View != a.promise.View().ID || b == promised || b.Round < promised.Round || !a.mayBegin() {
		return false
	}
	if !recovery.Reachable(b.Round) {
		a.views.RenumberAbove(b.View) // a node bound to that round follows, and may promise again
		return true
	}
	a.beginRoundAbove(b.Round)
	return true
}

// endRound forgets the round. Its targets may not be dialled any more.
func (a *Agreement) endRound() {
	pulled := len(a.PullTargets()) > 0
	a.round = nil
	if pulled {
		a.views.Reach()
	}
}

// PullTargets are the nodes outside the view that a round pulls from. The bus may dial them at
// the addresses of the view that named them.
func (a *Agreement) PullTargets() []wire.Member {
	if a.round == nil {
		return nil
	}
	return a.round.Targets()
}

// onRound does what the outcome of a step of the round asks for.
func (a *Agreement) onRound(from ids.Node, outcome round.Outcome) {
	switch outcome {
	case round.Decided:
		a.bringBase()
	case round.Active:
		a.activate()
	case round.Stranger:
		if a.mayBegin() {
			a.BeginRound()
		}
	case round.Malformed:
		a.malformed(from, "a history that nobody can have")
	case round.Repeated:
		a.repeatToSelf()
	}
}

// bringBase brings the base of the round to this node: from its holder, or by a merge of sides.
func (a *Agreement) bringBase() {
	start, holder, sides := a.round.Start()
	if len(sides) > 1 {
		a.receiver.Merge(a.now, start, sides)
		return
	}
	a.onTransfer(a.receiver.Begin(a.now, start, holder))
}

// repeatToSelf sends this node's own Join or Started again.
func (a *Agreement) repeatToSelf() {
	switch {
	case a.round.Phase() == round.Collecting && !a.round.HasJoined(a.cfg.Self):
		a.sendJoin(a.cfg.Self)
	case a.round.Phase() == round.Starting && a.history.Staged() != nil:
		a.sendDurable(core.Envelope{To: a.cfg.Self, Message: &wire.Started{Ballot: a.round.Ballot()}})
	}
}

// activate begins to serve, because every member has staged the base (I5).
func (a *Agreement) activate() {
	rd := a.round
	a.differing = nil
	a.endRound()
	a.swapIn()
	a.box.Event(core.Event{Kind: EventActive, Ballot: rd.Ballot(), Count: uint64(a.now - rd.Begun())})
	a.active = true
	a.host.Lead()
	for _, m := range a.promise.Members() {
		if m.ID != a.cfg.Self {
			a.box.Send(m.ID, &wire.Active{Ballot: rd.Ballot()})
		}
	}
	a.host.Resume()
}

// onPullReply records why a node does not bring an owed ballot. If the node would come but holds
// a higher view, the list of this view gets an id above that.
func (a *Agreement) onPullReply(h wire.Header, m *wire.PullReply) {
	switch {
	case a.round == nil || !a.round.AwaitsReply(h.From, m):
	case m.Fate != wire.FateBelow:
		a.onRound(h.From, a.round.OnPullReply(a.now, h.From, m))
	case m.Held.Compare(a.promise.View().ID) > 0 && a.mayBegin():
		a.views.RenumberAbove(m.Held) // and a new round, in the view that this makes
	}
}

// onBallotTooLow raises the round above the ballot that a member has promised.
func (a *Agreement) onBallotTooLow(h wire.Header, l *wire.BallotTooLow) {
	v := a.promise.View()
	if l.Ballot != a.promise.Ballot() || v == nil {
		return
	}
	asked := slices.Concat(a.promise.Members(), v.Sources, a.PullTargets())
	if slices.ContainsFunc(asked, func(m wire.Member) bool { return m.ID == h.From }) {
		a.raiseAbove(l.Promised)
	}
}

// OnBackupHello begins a round if a member has promised a higher one, is another incarnation than
// the ballot counts on, or has other content. A member that does not know yet that the ballot is
// active is told so.
func (a *Agreement) OnBackupHello(h wire.Header, m *wire.Hello) {
	if a.raiseAbove(m.Promised) {
		return
	}
	var bound []wire.Sighting
	if a.active {
		bound = a.history.Bound()
	} else if a.round != nil {
		bound = a.round.Bound()
	}
	inc, ok := history.Incarnation(bound, h.From)
	switch {
	case ok && inc != h.Inc:
		if !a.mayBegin() {
			return
		}
		a.box.Event(core.Event{Kind: EventStranger, Peer: h.From})
		a.BeginRound()
	case ok && inc == h.Inc && a.active && m.Ballot == a.history.Ballot():
		a.checkSum(h.From, m)
	case ok && a.active && m.Ballot != a.history.Ballot():
		a.box.Send(h.From, &wire.Active{Ballot: a.history.Ballot(), Commit: a.history.Commit()})
	}
}

// checkSum compares what a member has committed with this node's log. Hellos come also while
// nothing is written, so a difference is found then, too. No member has a commit position above
// its primary's.
func (a *Agreement) checkSum(member ids.Node, m *wire.Hello) {
	switch {
	case m.Commit > a.history.Commit():
		a.Differs(member, a.history.Length()+1, 0)
	case m.Commit == a.history.Commit():
		a.Differs(member, m.Commit, m.Sum)
	}
}

// Differs compares the log that a member reports with this primary's log. If they differ, another
// node has sent the member entries in the primary's name. A round then gives the member the whole
// base. Until then its reports do not count (docs/strong.md §12).
func (a *Agreement) Differs(member ids.Node, at, sum uint64) bool {
	if h := a.history; at < h.Commit() || at <= h.Length() && sum == h.SumAt(at) {
		return false
	}
	if a.mayBegin() {
		a.box.Event(core.Event{Kind: history.EventDiffers, Peer: member, Ballot: a.history.Ballot(), Count: at})
		if !slices.Contains(a.differing, member) {
			a.differing = append(a.differing, member)
		}
		a.BeginRound()
	}
	return true
}
