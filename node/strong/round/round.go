// Package round is the primary's work between a new ballot and the moment when every
// member has its base (docs/strong.md §7).
//
// A Round collects the promises and reports of all members, decides what the ballot starts
// from, asks nodes outside the view for what is owed, and hands the base out. Its caller
// feeds messages and the time, makes the promise of its own node, and brings the base to
// that node; outcomes tell the caller when. A Round sends through the outbox of its
// machine, and ends when its caller drops it.
package round

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of a round.
const (
	fastRepeat    = 50 * wire.Millisecond // first repetitions: a link may just be coming up
	slowRepeat    = 200 * wire.Millisecond
	fastRepeats   = 6
	sourceTimeout = 1 * wire.Second // how long a round waits for sources
	pullTimeout   = 3 * wire.Second // how long a round asks all pull targets, though the owed ballot lives on elsewhere
)

// Phase says what a round waits for.
type Phase uint8

// The phases, in their order.
const (
	Collecting Phase = iota + 1 // promises and reports of all members
	Fetching                    // the base, as far as the primary lacks it
	Starting                    // every member stages the base
)

// Config is what a round is begun with. Nothing of it changes while the round lasts.
type Config struct {
	Self      ids.Node
	Boot      ids.Boot // of this node
	View      *wire.View
	Members   []wire.Member // of the view
	Ballot    ids.Ballot    // new; this node has promised it
	Differing []ids.Node    // members that are told to take the whole base (docs/strong.md §12)
	PastLimit int           // bound on the ballots that a history remembers

	// Reach is called when Targets has changed.
	Reach func()
	// Moved is called when the round gets on: a node joined, or has the base.
	Moved func()
}

// Round is one round. It takes all members of a view from whatever they have to one common
// base.
//
// No member is left out (I5). So the promises of all members end all that they did under
// earlier ballots, and their reports are final: what was committed is in them, and nothing
// more is committed anywhere. That is why the decision needs no clock and no majority.
//
// The phases follow one another and never go back. If a round cannot go on, its caller
// begins another one, under a higher ballot, and all promises are made anew.
type Round struct {
	cfg   Config
	box   *core.Outbox
	phase Phase
	begun wire.Instant

	joins    []recovery.Join   // ascending by node; a node that joins again replaces its own
	reports  []recovery.Report // of nodes that have not what is owed
	news     bool              // a join or a report came since the last decision
	decision recovery.Decision
	owed     []wire.KnownBallot // that the decision lacks, and that may be had
	targets  []wire.Member      // members of all ballots that ever were owed: they may be dialled
	patient  bool               // less than pullTimeout has passed
	stuck    string             // why nothing is decided, for people; empty: it is not known
	bound    []wire.Sighting    // since the decision: incarnations that the ballot counts on
	started  []ids.Node         // members that have the base durably; all of bound in the end

	repeatAt wire.Instant // when requests without an answer are sent again
	repeats  int          // so far; the first ones are fast
}

// Outcome says what a step led to.
type Outcome uint8

// The outcomes.
const (
	Nothing   Outcome = iota
	Decided           // the base is known: see Start, and bring it here
	Active            // every member has the base
	Stranger          // a member joins as another incarnation than the ballot counts on: begin anew
	Malformed         // the message cannot be true
	Repeated          // requests were sent again: repeat to this node, too
)

// Begin asks all members and the sources of the view to join. The requests need not wait
// until the primary's own promise is durable: if the primary forgets it, it restarts as
// another boot, and its next ballot differs.
func Begin(cfg Config, box *core.Outbox, now wire.Instant) *Round {
	r := &Round{cfg: cfg, box: box, phase: Collecting, begun: now, patient: true}
	r.collect(now)
	return r
}

// Ballot is the ballot that the round is for.
func (r *Round) Ballot() ids.Ballot { return r.cfg.Ballot }

// Phase says what the round waits for.
func (r *Round) Phase() Phase { return r.phase }

// Begun is when the round began.
func (r *Round) Begun() wire.Instant { return r.begun }

// Stuck says, for people, which data is missing; empty: none is known to be.
func (r *Round) Stuck() string { return r.stuck }

// HasJoined reports whether a node's report is here.
func (r *Round) HasJoined(id ids.Node) bool {
	return slices.ContainsFunc(r.joins, func(j recovery.Join) bool { return j.Node == id })
}

// HasStarted reports whether a member has the base.
func (r *Round) HasStarted(id ids.Node) bool { return slices.Contains(r.started, id) }

// Bound are the incarnations that the ballot counts on; none before the decision.
func (r *Round) Bound() []wire.Sighting { return r.bound }

// Targets are the nodes outside the view that the round pulls from. They may be dialled at
// the addresses of the view that named them.
func (r *Round) Targets() []wire.Member { return r.targets }

// Start is what the round starts from, once that is decided. More than one side: this node
// merges them. Otherwise the holder has all of the base.
func (r *Round) Start() (start *wire.Start, holder ids.Node, sides []recovery.Source) {
	d := &r.decision
	return &wire.Start{Ballot: r.cfg.Ballot, Base: d.Base, Bound: r.bound, Members: r.cfg.Members}, d.Holder, d.Sides
}

// OnJoin takes a promise into account.
func (r *Round) OnJoin(now wire.Instant, h wire.Header, j *wire.Join) Outcome {
	if j.Ballot != r.cfg.Ballot || !r.isAsked(h.From) {
		return Nothing
	}
	if r.phase != Collecting {
		inc, ok := history.Incarnation(r.bound, h.From)
		if ok && inc != h.Inc && !mutant.On(mutant.AckOfOtherIncarnation) {
			return Stranger
		}
		return Nothing
	}
	if !recovery.Credible(j, r.cfg.PastLimit) {
		return Malformed
	}
	r.news = true
	join := recovery.Join{Node: h.From, Inc: h.Inc, Boot: h.Boot, Report: j}
	i, again := slices.BinarySearchFunc(r.joins, h.From, func(j recovery.Join, id ids.Node) int { return cmp.Compare(j.Node, id) })
	if again {
		r.joins[i] = join
	} else {
		r.joins = slices.Insert(r.joins, i, join)
		r.cfg.Moved()
	}
	return r.decide(now)
}

// isAsked reports whether the round has asked a node to join.
func (r *Round) isAsked(id ids.Node) bool {
	return slices.ContainsFunc(slices.Concat(r.cfg.Members, r.cfg.View.Sources, r.targets), func(m wire.Member) bool { return m.ID == id })
}

// OnStarted counts a member that has the base.
func (r *Round) OnStarted(h wire.Header, s *wire.Started) Outcome {
	if r.phase != Starting || s.Ballot != r.cfg.Ballot {
		return Nothing
	}
	inc, ok := history.Incarnation(r.bound, h.From)
	if !ok || inc != h.Inc && !mutant.On(mutant.AckOfOtherIncarnation) {
		return Nothing
	}
	if !r.HasStarted(h.From) {
		r.started = append(r.started, h.From)
		r.cfg.Moved()
	}
	if len(r.started) == len(r.bound) || mutant.On(mutant.ServeBeforeBaseEverywhere) {
		return Active
	}
	return Nothing
}

// HandOut gives the base to the other members. The base is staged here.
func (r *Round) HandOut(now wire.Instant) {
	r.phase = Starting
	r.sendStarts(now)
}

// Tick does what time asks for: patience at its end, repetitions.
func (r *Round) Tick(now wire.Instant) Outcome {
	if r.phase == Collecting {
		if r.patient && now >= r.begun+pullTimeout {
			r.patient, r.news = false, true
		}
		if outcome := r.decide(now); outcome != Nothing {
			return outcome
		}
	}
	if now < r.repeatAt {
		return Nothing
	}
	switch r.phase {
	case Collecting:
		r.collect(now)
		r.pull()
		return Repeated
	case Starting:
		r.sendStarts(now)
		return Repeated
	}
	return Nothing
}

// collect asks the nodes that have not joined yet.
func (r *Round) collect(now wire.Instant) {
	r.scheduleRepeat(now)
	for _, m := range slices.Concat(r.cfg.Members, r.cfg.View.Sources) {
		if m.ID != r.cfg.Self && !r.HasJoined(m.ID) {
			r.box.Send(m.ID, &wire.JoinRequest{Ballot: r.cfg.Ballot, View: *r.cfg.View})
		}
	}
}

// sendStarts gives the base to the members that lack it.
func (r *Round) sendStarts(now wire.Instant) {
	r.scheduleRepeat(now)
	for _, m := range r.cfg.Members {
		if m.ID != r.cfg.Self && !r.HasStarted(m.ID) {
			start, _, _ := r.Start()
			start.Whole = slices.Contains(r.cfg.Differing, m.ID)
			r.box.Send(m.ID, start)
		}
	}
}

func (r *Round) scheduleRepeat(now wire.Instant) {
	r.repeatAt = now + fastRepeat
	if r.repeats++; r.repeats > fastRepeats {
		r.repeatAt = now + slowRepeat
	}
}
