// Package agreement is how a node comes to stand in an active ballot (docs/strong.md §7). It
// answers the primary's new ballots, gives its history to a view that owes it, brings bases
// here and swaps them in. At the primary of a view it begins rounds and leads them.
//
// It ties together what a node holds (history), what it is bound to (promise), the
// primary's round (round) and the transfer of bases (transfer). Its Host has what depends on
// a ballot: clients, reads, the primary's queue. The host is told when a ballot ends and
// when the node stands in one.
package agreement

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/promise"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/strong/transfer"
	"github.com/cohortkv/cohort/node/wire"
)

// fetchTimeout is how long the primary waits for a piece of the base before it begins anew.
const fetchTimeout = 5 * wire.Second

// Host is what depends on the ballot that a node stands in.
type Host interface {
	// BallotEnds is called when the node promises another ballot: what was under way for the
	// last one ends.
	BallotEnds()
	// PromiseMade is called when the promise is made: requests that this node can no longer
	// serve are refused.
	PromiseMade()
	// Lead is called when the node's ballot becomes active, and it is the primary.
	Lead()
	// Resume is called when the node stands in a ballot: requests that waited go on.
	Resume()
}

// Views is what views do for a round.
type Views interface {
	// Reach is called when PullTargets has changed.
	Reach()
	// RenumberAbove gives the view a new id, above one that is held outside it.
	RenumberAbove(held ids.View)
}

// Config identifies a node and bounds what it keeps.
type Config struct {
	Self   ids.Node
	Inc    ids.Incarnation
	Boot   ids.Boot
	Limits transfer.Limits
}

// Agreement is one node's part in rounds.
//
//  1. A promise ends everything of the last ballot before it is made durable: transfers, the
//     round, and what the host has. Joins, acknowledgements and confirmations under the new
//     ballot leave only when the promise is durable.
//  2. A base is swapped in only for the promised ballot, and only when that is active: the
//     primary has heard that all members have staged it, a backup hears so from the primary.
//  3. A primary's ballot is named by its boot. So a primary that restarts begins a round
//     first, and never goes on with a ballot whose commits it does not know (I21).
type Agreement struct {
	cfg     Config
	box     *core.Outbox
	views   Views
	host    Host
	history *history.History
	promise *promise.Promise
	now     wire.Instant

	receiver *transfer.Receiver // of the base of the promised ballot
	server   *transfer.Server   // of bases, to other nodes
	progress uint64             // grows whenever this node gets nearer to an active ballot

	// The rest is for the primary of a view.
	limit     recovery.Limit // of rounds that peers cause
	round     *round.Round   // of the promised ballot, until that is active; nil: none
	active    bool           // the promised ballot is active; then round is nil
	differing []ids.Node     // members whose log differs, until a round has repaired them
}

// New returns the agreement of a node that stands in no ballot, or in a recovered one.
func New(cfg Config, box *core.Outbox, h *history.History, p *promise.Promise, views Views, host Host) *Agreement {
	return &Agreement{
		cfg: cfg, box: box, views: views, host: host, history: h, promise: p,
		receiver: transfer.NewReceiver(cfg.Self, cfg.Limits, box, h), server: transfer.NewServer(cfg.Limits, box, h),
	}
}

// SetNow tells the time, before anything else in a Step.
func (a *Agreement) SetNow(now wire.Instant) { a.now = now }

// Progress grows whenever this node gets nearer to an active ballot.
func (a *Agreement) Progress() uint64 { return a.progress }

// Serving reports whether client requests are worked on: at the primary its ballot is
// active, elsewhere the ballot's base is swapped in (I5).
func (a *Agreement) Serving() bool {
	return a.promise.Kept(a.history) && (a.active || !a.promise.IsPrimary())
}

// Round is the round that this node leads; nil: none.
func (a *Agreement) Round() *round.Round { return a.round }

// Busy reports whether Tick is needed soon.
func (a *Agreement) Busy() bool { return a.round != nil || a.receiver.Underway() }

// Adopt makes v the view of this node. The caller has decided that it may.
func (a *Agreement) Adopt(v *wire.View) {
	a.promise.Adopt(v, a.now, a.history)
	if a.promise.IsPrimary() {
		a.BeginRound()
		return
	}
	a.bind(ids.Ballot{View: v.ID})
	a.host.PromiseMade()
}

// bind promises a ballot: whatever this node did for another ends here.
func (a *Agreement) bind(b ids.Ballot) {
	a.promise.Bind(b)
	a.receiver.Drop()
	a.server.Drop()
	a.active = false
	a.endRound()
	a.host.BallotEnds()
	a.progress++
	a.promise.Persist()
}

// Enter swaps in the base of an active ballot, if this member promised the ballot and has
// its base. It reports whether the member is in that ballot now.
func (a *Agreement) Enter(b ids.Ballot) bool {
	if !a.promise.IsMember() || a.promise.IsPrimary() || b.IsZero() {
		return false
	}
	if b != a.promise.Ballot() && !mutant.On(mutant.AckWithoutPromise) {
		return false
	}
	if a.history.Ballot() != b && a.history.HasStaged(b) && b == a.promise.Ballot() {
		a.swapIn()
		a.host.Resume()
	}
	return a.history.Ballot() == b
}

// swapIn makes the staged base of the promised ballot the history, at once. From then on
// the node stands in that ballot.
func (a *Agreement) swapIn() {
	s := a.history.SwapIn(a.promise.Ballot())
	a.promise.DropOwed(a.history, s.Desc.GivenUp)
	a.progress++
	a.box.Event(core.Event{Kind: EventSwapped, Ballot: s.Ballot, Count: uint64(len(s.Tail))})
}

// Tick does what time asks for: repetitions, patience at its end. A round begins anew when
// the base does not come: its holder is gone, or has promised another round.
func (a *Agreement) Tick() {
	if a.round != nil {
		a.onRound(a.cfg.Self, a.round.Tick(a.now))
	}
	if a.round != nil && a.round.Phase() == round.Fetching && a.receiver.Stalled(a.now, fetchTimeout) {
		a.BeginRound()
	}
	a.receiver.Tick(a.now)
}

// malformed reports a message that cannot be true.
func (a *Agreement) malformed(from ids.Node, note string) {
	a.box.Event(core.Event{Kind: core.EventMalformed, Peer: from, Note: note})
}

// sendDurable sends as soon as all that was written so far is durable.
func (a *Agreement) sendDurable(e core.Envelope) { a.box.PostAfter(a.box.LastWrite(), e) }
