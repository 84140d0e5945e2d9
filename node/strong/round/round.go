// Package round is the work of a primary between a new ballot and the moment when every member
// has staged the ballot's base (docs/strong.md §7).
//
// A Round collects the promises and reports of all members, decides the base, asks nodes
// outside the view for owed ballots, and hands the base out. It asks of its caller:
//
//  1. to promise the ballot at this node before Begin, and to send this node's own Join and
//     Started;
//  2. to bring the messages and the time;
//  3. to bring the base to this node when the outcome is Decided, and then to call HandOut.
//
// A Round sends through the outbox of its machine. It ends when the caller drops it.
package round

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of a round (docs/strong.md §7.1, §7.2).
const (
	fastRepeat    = 50 * wire.Millisecond  // between the first repetitions: a connection may just be coming up
	slowRepeat    = 200 * wire.Millisecond // between the later repetitions
	fastRepeats   = 6                      // number of repetitions at fastRepeat
	sourceTimeout = 1 * wire.Second        // from the beginning of the round; until then the decision waits for sources of the view
	pullTimeout   = 3 * wire.Second        // from the beginning of the round; until then an owed ballot is asked for, even if it lives on elsewhere
)

// Phase says what a round waits for.
type Phase uint8

// The phases, in their order. A round never goes back to an earlier one.
const (
	Collecting Phase = iota + 1 // until all members have promised and reported, and no ballot is owed
	Fetching                    // until the primary has staged the base
	Starting                    // until every member has staged the base
)

// Config is what a round is begun with. It does not change while the round lasts.
type Config struct {
	Self      ids.Node // the primary
	Boot      ids.Boot // of the primary, as in Ballot (I21)
	View      *wire.View
	Members   []wire.Member // members of View, ascending by id
	Ballot    ids.Ballot    // above all that this node has promised; this node has promised it
	Differing []ids.Node    // members whose log differs: their Start says to take the whole base (docs/strong.md §12)
	PastLimit int           // bound on the ballots that a history remembers

	// Reach is called when Targets has changed, so that the bus may dial the targets.
	Reach func()
	// Moved is called when a node has joined, or has staged the base.
	Moved func()
}

// Round is one round: it takes all members of a view from whatever they have to one common
// base.
//
// It leaves out no member (I5). The promises of all members end all earlier ballots of theirs.
// So their reports are final (I22): they contain all that was committed in these ballots, and
// no member acknowledges more there. That is why the decision needs neither a clock nor a
// majority.
//
// If a round cannot go on, its caller begins another one under a higher ballot, and all members
// promise anew.
type Round struct {
	cfg   Config
	box   *core.Outbox
	phase Phase
	begun wire.Instant // when the round began

	joins    []recovery.Join    // ascending by node, at most one of each; a later one replaces an earlier one
	reports  []recovery.Report  // of nodes that do not bring an owed ballot, at most one of each kind
	news     bool               // a join or a report has come since the last decision, so that the next one may differ
	decision recovery.Decision  // the last one; final from Fetching on
	owed     []wire.KnownBallot // ballots that the decision lacks and that may still come (I24)
	targets  []wire.Member      // members of all ballots that were owed in this round; they stay, because they may hold the base
	patient  bool               // less than pullTimeout has passed
	stuck    string             // which data is missing, for people; empty: none is known to be
	bound    []wire.Sighting    // the incarnations that the ballot counts on (I3), one of each member; empty before the decision
	started  []ids.Node         // members that have staged the base durably; the ballot is active when all of bound have

	repeatAt wire.Instant // when requests that have no answer are sent again
	repeats  int          // number of repetitions so far
}

// Outcome says what the caller must do after a step of the round.
type Outcome uint8

// The outcomes.
const (
	Nothing   Outcome = iota // nothing
	Decided                  // bring the base here: Start describes it
	Active                   // every member has staged the base: swap in and serve
	Stranger                 // begin anew: a member has joined as another incarnation than the ballot counts on
	Malformed                // report the message: it cannot be true
	Repeated                 // repeat this node's own Join or Started: requests were sent again
)

// Begin asks all members and the sources of the view to join. The requests need not wait until
// the primary's own promise is durable. If the primary forgets its promise, it restarts as
// another boot, and the ballot never becomes active.
func Begin(cfg Config, box *core.Outbox, now wire.Instant) *Round {
	r := &Round{cfg: cfg, box: box, phase: Collecting, begun: now, patient: true}
	r.collect(now)
	return r
}

// Ballot returns the ballot that the round is for.
func (r *Round) Ballot() ids.Ballot { return r.cfg.Ballot }

// Phase says what the round waits for.
func (r *Round) Phase() Phase { return r.phase }

// Begun returns when the round began.
func (r *Round) Begun() wire.Instant { return r.begun }

// Stuck says, for people, which owed data is missing; empty: none is known to be.
func (r *Round) Stuck() string { return r.stuck }

// HasJoined reports whether a node has promised the ballot and reported.
func (r *Round) HasJoined(id ids.Node) bool {
	return slices.ContainsFunc(r.joins, func(j recovery.Join) bool { return j.Node == id })
}

// HasStarted reports whether a member has staged the base.
func (r *Round) HasStarted(id ids.Node) bool { return slices.Contains(r.started, id) }

// Bound returns the incarnations that the ballot counts on; empty before the decision.
func (r *Round) Bound() []wire.Sighting { return r.bound }

// Targets are the nodes outside the view that the round pulls from. The bus may dial them at
// the addresses of the view that named them.
func (r *Round) Targets() []wire.Member { return r.targets }

// Start returns what the round starts from, after the decision. If there is more than one side,
// this node merges the sides. Otherwise holder has the whole base.
func (r *Round) Start() (start *wire.Start, holder ids.Node, sides []recovery.Source) {
	d := &r.decision
	return &wire.Start{Ballot: r.cfg.Ballot, Base: d.Base, Bound: r.bound, Members: r.cfg.Members}, d.Holder, d.Sides
}

// OnJoin takes the promise and the report of a node. A node may join again: its report may have
// changed until the decision.
func (r *Round) OnJoin(now wire.Instant, h wire.Header, j *wire.Join) Outcome {
	if j.Ballot != r.cfg.Ballot || !r.isAsked(h.From) {
		return Nothing
	}
	if r.phase != Collecting {
		inc, ok := history.Incarnation(r.bound, h.From)
		if ok && inc != h.Inc {
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

// isAsked reports whether the round has asked a node to join. Only such reports count.
func (r *Round) isAsked(id ids.Node) bool {
	return slices.ContainsFunc(slices.Concat(r.cfg.Members, r.cfg.View.Sources, r.targets), func(m wire.Member) bool { return m.ID == id })
}

// OnStarted counts a member that has staged the base, in the incarnation that the ballot counts
// on (I3). After the last member the ballot is active (I5).
func (r *Round) OnStarted(h wire.Header, s *wire.Started) Outcome {
	if r.phase != Starting || s.Ballot != r.cfg.Ballot {
		return Nothing
	}
	inc, ok := history.Incarnation(r.bound, h.From)
	if !ok || inc != h.Inc {
		return Nothing
	}
	if !r.HasStarted(h.From) {
		r.started = append(r.started, h.From)
		r.cfg.Moved()
	}
	if len(r.started) == len(r.bound) {
		return Active
	}
	return Nothing
}

// HandOut sends the base to the other members. This node has staged it.
func (r *Round) HandOut(now wire.Instant) {
	r.phase = Starting
	r.sendStarts(now)
}

// Tick ends waiting that has lasted long enough, and repeats requests.
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

// collect sends a JoinRequest to the members and sources that have not joined.
func (r *Round) collect(now wire.Instant) {
	r.scheduleRepeat(now)
	for _, m := range slices.Concat(r.cfg.Members, r.cfg.View.Sources) {
		if m.ID != r.cfg.Self && !r.HasJoined(m.ID) {
			r.box.Send(m.ID, &wire.JoinRequest{Ballot: r.cfg.Ballot, View: *r.cfg.View})
		}
	}
}

// sendStarts sends the Start to the members that have not staged the base.
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

// scheduleRepeat sets the time of the next repetition.
func (r *Round) scheduleRepeat(now wire.Instant) {
	r.repeatAt = now + fastRepeat
	if r.repeats++; r.repeats > fastRepeats {
		r.repeatAt = now + slowRepeat
	}
}
