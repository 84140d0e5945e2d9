package strong

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

// phase of a round at its primary.
type phase uint8

const (
	collecting phase = iota + 1 // promises and reports of all members
	fetching                    // the base, as far as the primary lacks it
	starting                    // every member stages the base
)

// round is the primary's work between a new ballot and its being active.
type round struct {
	ballot      ids.Ballot
	phase       phase
	joins       []recovery.Join
	decision    recovery.Decision
	bound       []wire.Sighting
	started     []ids.Node
	changed     bool               // a join or a report came since the last decision
	reports     []recovery.Report  // of nodes that nothing can be pulled from
	owed        []wire.KnownBallot // that must be pulled first
	pullTargets []wire.Member      // of all that ever was owed: they may be dialled
	askedLong   bool               // all pull targets were asked for pullTimeout
	stuck       string             // why the joins decide nothing
	begun       wire.Instant
	resend      wire.Instant
	resends     int
}

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
	r.round = &round{ballot: b, phase: collecting, begun: r.now}
	r.promise(b)
	r.refuseUnlogged()
	r.box.Event(core.Event{Kind: EventRound, Ballot: b, View: r.view.ID})
	r.collect()
	r.sendJoin(r.cfg.Self)
}

// collect asks the members that have not joined yet. It need not wait until the primary's
// own promise is durable: if the primary forgets the promise, it restarts with another
// boot number, and its next ballot differs.
func (r *Replica) collect() {
	rd := r.round
	rd.scheduleResend(r.now)
	for _, m := range r.participants() {
		if m.ID != r.cfg.Self && !rd.hasJoined(m.ID) {
			r.send(m.ID, &wire.JoinRequest{Ballot: rd.ballot, View: *r.view})
		}
	}
}

// participants are the members and the sources of the view.
func (r *Replica) participants() []wire.Member {
	return append(slices.Clone(r.members), r.view.Sources...)
}

func (rd *round) scheduleResend(now wire.Instant) {
	rd.resend = now + fastResend
	if rd.resends++; rd.resends > fastResends {
		rd.resend = now + slowResend
	}
}

func (rd *round) hasJoined(id ids.Node) bool {
	return slices.ContainsFunc(rd.joins, func(j recovery.Join) bool { return j.Node == id })
}

// OnJoinRequest answers a primary's new ballot; the caller has already followed the
// view that came with it, if it may be followed.
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

// sendJoin reports this node's history to the primary, once the promise, and the
// log that it reports, are durable.
func (r *Replica) sendJoin(to ids.Node) {
	r.sendDurable(to, r.join())
}

func (r *Replica) join() *wire.Join {
	return &wire.Join{
		Ballot: r.promised, History: r.hist.Summary(), Staged: r.hist.StagedSummaries(), Owed: slices.Clone(r.owed),
	}
}

// OnJoin takes a promise into account.
func (r *Replica) OnJoin(h wire.Header, j *wire.Join) {
	rd := r.round
	if rd == nil || j.Ballot != rd.ballot || !r.participates(h.From) {
		return
	}
	if rd.phase != collecting {
		inc, ok := boundInc(rd.bound, h.From)
		if ok && inc != h.Inc && !mutant.On(mutant.AckOfOtherIncarnation) && r.mayBegin() {
			r.beginRound()
		}
		return
	}
	if !recovery.Credible(j, r.cfg.Limits.Past) {
		r.malformed(h.From, "a history that nobody can have")
		return
	}
	rd.changed = true
	n := recovery.Join{Node: h.From, Inc: h.Inc, Boot: h.Boot, Report: j}
	if i := slices.IndexFunc(rd.joins, func(o recovery.Join) bool { return o.Node == h.From }); i >= 0 {
		rd.joins[i] = n
	} else {
		rd.joins = append(rd.joins, n)
		slices.SortFunc(rd.joins, func(a, b recovery.Join) int { return cmp.Compare(a.Node, b.Node) })
		r.progress++
	}
	r.tryDecide()
}

func (r *Replica) participates(id ids.Node) bool {
	is := func(m wire.Member) bool { return m.ID == id }
	return slices.ContainsFunc(r.participants(), is) || slices.ContainsFunc(r.PullTargets(), is)
}

func boundInc(bound []wire.Sighting, id ids.Node) (ids.Incarnation, bool) {
	for _, s := range bound {
		if s.Node == id {
			return s.Inc, true
		}
	}
	return 0, false
}

// OnBallotTooLow raises the round above what a member has promised.
func (r *Replica) OnBallotTooLow(h wire.Header, l *wire.BallotTooLow) {
	if l.Ballot == r.promised && r.view != nil && r.participates(h.From) {
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

// tryDecide goes on when all members have joined, and the sources too or their
// time is up.
func (r *Replica) tryDecide() {
	rd := r.round
	if rd == nil || rd.phase != collecting || !rd.changed || !r.allJoined() {
		return
	}
	rd.changed = false
	rd.decision = recovery.Decide(recovery.Input{
		Self: r.cfg.Self, Boot: r.cfg.Boot, Members: r.members, Joins: rd.joins,
		Force: r.view.Force, PastLimit: r.cfg.Limits.Past,
	})
	if !r.decided() {
		return
	}
	rd.bound = rd.bound[:0]
	for _, m := range r.awaited() {
		i := slices.IndexFunc(rd.joins, func(j recovery.Join) bool { return j.Node == m.ID })
		rd.bound = append(rd.bound, wire.Sighting{Node: m.ID, Inc: rd.joins[i].Inc, View: r.view.ID})
	}
	rd.phase = fetching
	r.box.Event(core.Event{Kind: EventDecided, Ballot: rd.ballot, Count: rd.decision.Base.Length})
	start := &wire.Start{Ballot: rd.ballot, Base: rd.decision.Base, Bound: rd.bound, Members: r.members}
	if len(rd.decision.Sides) > 1 {
		r.receiver.Merge(r.now, start, rd.decision.Sides)
		return
	}
	r.stage(start, rd.decision.Holder)
}

func (r *Replica) allJoined() bool {
	rd := r.round
	for _, m := range r.awaited() {
		if !rd.hasJoined(m.ID) {
			return false
		}
	}
	for _, m := range r.view.Sources {
		if !rd.hasJoined(m.ID) && r.now < rd.begun+sourceTimeout {
			return false
		}
	}
	return true
}

// awaited are the members that a round needs: all of them (I5).
func (r *Replica) awaited() []wire.Member {
	if !mutant.On(mutant.JoinerNotAwaited) {
		return r.members
	}
	return slices.DeleteFunc(slices.Clone(r.members), func(m wire.Member) bool {
		return m.ID != r.cfg.Self && slices.ContainsFunc(r.view.Saw, func(s wire.Sighting) bool {
			return s.Node == m.ID && s.View.IsZero()
		})
	})
}

// decided reports whether the round may start from the decision: it lacks nothing that a
// member owes (I24).
func (r *Replica) decided() bool {
	rd := r.round
	d := &rd.decision
	if d.Dropped > 0 {
		r.box.Event(core.Event{Kind: EventStagedDropped, Ballot: rd.ballot, Count: uint64(d.Dropped)})
	}
	if d.TooOld > 0 {
		r.box.Event(core.Event{Kind: EventForgotten, Ballot: rd.ballot, Count: uint64(d.TooOld)})
	}
	r.setOwed(r.owedLeft())
	was := rd.stuck
	rd.stuck = ""
	if len(rd.owed) > 0 {
		rd.stuck = owedReason(rd.owed[0])
	}
	if rd.stuck != "" && rd.stuck != was {
		r.box.Event(core.Event{Kind: EventStuck, Ballot: rd.ballot, Note: rd.stuck})
	}
	return rd.stuck == ""
}

// setOwed records the ballots that must be pulled, and asks for them.
func (r *Replica) setOwed(owed []wire.KnownBallot) {
	rd := r.round
	same := slices.EqualFunc(owed, rd.owed, func(a, b wire.KnownBallot) bool { return a.Ballot == b.Ballot })
	rd.owed = owed
	if !same {
		for _, k := range owed { // to the end of the round: they hold what it may fetch
			rd.pullTargets = append(rd.pullTargets, k.Members...)
		}
		r.peers.Reach()
		r.pull()
	}
}

// endRound forgets the round.
func (r *Replica) endRound() {
	pulled := r.round != nil && len(r.round.pullTargets) > 0
	r.round = nil
	if pulled {
		r.peers.Reach()
	}
}

func idsOf(members []wire.Member) string {
	s := ""
	for i, m := range members {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprint(uint64(m.ID))
	}
	return s
}

// sendStarts gives the base to the members that lack it.
func (r *Replica) sendStarts() {
	rd := r.round
	rd.scheduleResend(r.now)
	for _, m := range r.members {
		if m.ID != r.cfg.Self && !slices.Contains(rd.started, m.ID) {
			r.send(m.ID, &wire.Start{
				Ballot: rd.ballot, Base: rd.decision.Base, Bound: rd.bound, Members: r.members, Whole: slices.Contains(r.differing, m.ID),
			})
		}
	}
}

// OnStart stages the base of a ballot that this node has promised.
func (r *Replica) OnStart(h wire.Header, s *wire.Start) {
	if !r.member || s.Ballot != r.promised || h.From != r.primary || r.isPrimary() {
		return
	}
	if r.hist.Ballot() == s.Ballot || r.hist.HasStaged(s.Ballot) {
		r.sendDurable(h.From, &wire.Started{Ballot: s.Ballot})
		return
	}
	if !recovery.Buildable(s, wire.Sighting{Node: r.cfg.Self, Inc: r.cfg.Inc}, r.members, r.cfg.Limits.Past) {
		r.malformed(h.From, "a base that no round can have")
		return
	}
	if !r.receiver.Brings(s.Ballot) {
		r.stage(s, h.From)
	}
}

// OnStarted counts a member that has the base; the last one makes the ballot
// active.
func (r *Replica) OnStarted(h wire.Header, s *wire.Started) {
	rd := r.round
	if rd == nil || rd.phase != starting || s.Ballot != rd.ballot {
		return
	}
	inc, ok := boundInc(rd.bound, h.From)
	if !ok || inc != h.Inc && !mutant.On(mutant.AckOfOtherIncarnation) {
		return
	}
	if !slices.Contains(rd.started, h.From) {
		rd.started = append(rd.started, h.From)
		r.progress++
	}
	if len(rd.started) == len(rd.bound) || mutant.On(mutant.ServeBeforeBaseEverywhere) {
		r.activate()
	}
}

// activate begins to serve: every member has the base (I5).
func (r *Replica) activate() {
	rd := r.round
	r.differing = nil
	r.endRound()
	r.swapIn()
	r.box.Event(core.Event{Kind: EventActive, Ballot: rd.ballot, Count: uint64(r.now - rd.begun)})
	r.startPrimary(rd.bound)
	for _, m := range r.members {
		if m.ID != r.cfg.Self {
			r.send(m.ID, &wire.Active{Ballot: rd.ballot})
		}
	}
	r.resume()
}

// OnActive swaps the base in: every member has it.
func (r *Replica) OnActive(h wire.Header, a *wire.Active) {
	if h.From == r.primary && r.joinActive(a.Ballot) {
		r.learnCommit(a.Commit)
	}
}

// joinActive swaps in the base of an active ballot, if this member promised the ballot and
// has its base. It reports whether the member is in that ballot now.
func (r *Replica) joinActive(b ids.Ballot) bool {
	if !r.member || r.isPrimary() || b.IsZero() {
		return false
	}
	if b != r.promised && !mutant.On(mutant.AckWithoutPromise) {
		return false
	}
	if r.hist.Ballot() != b && r.hist.HasStaged(b) && b == r.promised {
		r.swapIn()
		r.resume()
	}
	return r.hist.Ballot() == b
}

// resume takes up the requests that waited for a ballot to stand in.
func (r *Replica) resume() {
	r.forward()
	r.openReads()
}
