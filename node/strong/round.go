package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/wire"
)

// beginRound opens the next ballot of the view (docs/strong.md §7).
func (r *Replica) beginRound() {
	b := ids.Ballot{View: r.view.ID, Round: 1, Boot: r.cfg.Boot}
	if r.promised.View == r.view.ID {
		b.Round = r.promised.Round + 1
	}
	if !recovery.Reachable(b.Round) {
		r.peers.RenumberAbove(r.view.ID) // and a round, in the view that this makes
		return
	}
	if mutant.On(mutant.RoundWithoutBoot) {
		b.Boot = 0
	}
	r.endRound()
	r.promise(b)
	r.refuseUnlogged()
	r.box.Event(core.Event{Kind: EventRound, Ballot: b, View: r.view.ID})
	r.round = round.Begin(round.Config{
		Self: r.cfg.Self, Boot: r.cfg.Boot, View: r.view, Members: r.members, Ballot: b, Differing: r.differing,
		PastLimit: r.cfg.Limits.Past, Reach: r.peers.Reach, Moved: r.moved,
	}, r.box, r.now)
	r.sendJoin(r.cfg.Self)
}

// moved notes that a round got on.
func (r *Replica) moved() { r.progress++ }

// mayBegin reports, and counts, that one more round may be begun because of what a peer
// said.
func (r *Replica) mayBegin() bool { return r.roundLimit.Take(r.now, len(r.members)) }

// endRound forgets the round.
func (r *Replica) endRound() {
	pulled := len(r.PullTargets()) > 0
	r.round = nil
	if pulled {
		r.peers.Reach()
	}
}

// PullTargets are the nodes outside the view that a round pulls from. They may be dialled
// at the addresses of the view that named them.
func (r *Replica) PullTargets() []wire.Member {
	if r.round == nil {
		return nil
	}
	return r.round.Targets()
}

// onRound does what a step of the round led to.
func (r *Replica) onRound(from ids.Node, outcome round.Outcome) {
	switch outcome {
	case round.Decided:
		r.bringBase()
	case round.Active:
		r.activate()
	case round.Stranger:
		if r.mayBegin() {
			r.beginRound()
		}
	case round.Malformed:
		r.malformed(from, "a history that nobody can have")
	case round.Repeated:
		r.repeatToSelf()
	}
}

// bringBase brings what the round starts from to this node.
func (r *Replica) bringBase() {
	start, holder, sides := r.round.Start()
	if len(sides) > 1 {
		r.receiver.Merge(r.now, start, sides)
		return
	}
	r.stage(start, holder)
}

// repeatToSelf sends this node's own part in its round again.
func (r *Replica) repeatToSelf() {
	switch {
	case r.round.Phase() == round.Collecting && !r.round.HasJoined(r.cfg.Self):
		r.sendJoin(r.cfg.Self)
	case r.round.Phase() == round.Starting && r.hist.Staged() != nil:
		r.sendDurable(r.cfg.Self, &wire.Started{Ballot: r.round.Ballot()})
	}
}

// tickRound repeats what is not answered, and begins anew when the base does not come: its
// holder is gone, or has promised another round.
func (r *Replica) tickRound() {
	r.onRound(r.cfg.Self, r.round.Tick(r.now))
	if r.round != nil && r.round.Phase() == round.Fetching && r.receiver.Stalled(r.now, fetchTimeout) {
		r.beginRound()
	}
}

// OnJoin takes a promise into account.
func (r *Replica) OnJoin(h wire.Header, j *wire.Join) {
	if r.round != nil {
		r.onRound(h.From, r.round.OnJoin(r.now, h, j))
	}
}

// OnStarted counts a member that has the base; the last one makes the ballot active.
func (r *Replica) OnStarted(h wire.Header, s *wire.Started) {
	if r.round != nil {
		r.onRound(h.From, r.round.OnStarted(h, s))
	}
}

// OnPullReply notes why nothing comes from a node. A node that would come, but holds a
// higher view, comes to a view above that.
func (r *Replica) OnPullReply(h wire.Header, m *wire.PullReply) {
	switch {
	case r.round == nil || !r.round.AwaitsReply(h.From, m):
	case m.Fate != wire.FateBelow:
		r.onRound(h.From, r.round.OnPullReply(r.now, h.From, m))
	case m.Held.Compare(r.view.ID) > 0 && r.mayBegin():
		r.peers.RenumberAbove(m.Held) // and a new round, in the view that this makes
	}
}

// OnBallotTooLow raises the round above what a member has promised.
func (r *Replica) OnBallotTooLow(h wire.Header, l *wire.BallotTooLow) {
	if l.Ballot != r.promised || r.view == nil {
		return
	}
	asked := slices.Concat(r.members, r.view.Sources, r.PullTargets())
	if slices.ContainsFunc(asked, func(m wire.Member) bool { return m.ID == h.From }) {
		r.beginHigherRound(l.Promised)
	}
}

// beginHigherRound begins a round above one that a member has promised in this view: an
// earlier boot of this node had got as far, or further.
func (r *Replica) beginHigherRound(b ids.Ballot) bool {
	mine := r.round != nil || r.asPrimary != nil
	if !mine || b.View != r.view.ID || b == r.promised || b.Round < r.promised.Round || !r.mayBegin() {
		return false
	}
	if !recovery.Reachable(b.Round) {
		r.peers.RenumberAbove(r.view.ID) // a node bound to that round follows, and may promise again
		return true
	}
	r.promised.Round = b.Round
	r.beginRound()
	return true
}

// activate begins to serve: every member has the base (I5).
func (r *Replica) activate() {
	rd := r.round
	r.differing = nil
	r.endRound()
	r.swapIn()
	r.box.Event(core.Event{Kind: EventActive, Ballot: rd.Ballot(), Count: uint64(r.now - rd.Begun())})
	r.lead()
	for _, m := range r.members {
		if m.ID != r.cfg.Self {
			r.send(m.ID, &wire.Active{Ballot: rd.Ballot()})
		}
	}
	r.resume()
}
