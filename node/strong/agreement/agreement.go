// Package agreement brings a node into an active ballot (docs/strong.md §7). It answers the
// primary's new ballots, gives the node's history to a view that owes it, brings bases here and
// swaps them in. At the primary of a view it begins rounds and leads them.
//
// It wires what a node holds (history), what the node is bound to (promise), the primary's round
// (round) and the transfer of bases (transfer). Its Host has what depends on a ballot: clients,
// reads, the primary's queue. The host is told when a ballot ends, and when the node has come
// into one.
package agreement

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/promise"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/strong/transfer"
	"github.com/cohortkv/cohort/node/wire"
)

// fetchTimeout is how long the primary waits for a piece of the base before it begins a new round.
const fetchTimeout = 5 * wire.Second

// Host is what depends on the ballot of a node.
type Host interface {
	// BallotEnds is called when the node promises another ballot. All work under the
	// last ballot ends.
	BallotEnds()
	// PromiseMade is called after that, when the view and the promise are in force. Requests
	// that this node can no longer serve are refused.
	PromiseMade()
	// Lead is called at the primary, when its ballot becomes active.
	Lead()
	// Resume is called when the node has come into an active ballot. Requests that waited go on.
	Resume()
}

// Views is what a round needs of views.
type Views interface {
	// Reach is called when PullTargets has changed.
	Reach()
	// RenumberAbove gives the list of the view an id above one that is held outside the view.
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
//     ballot leave only when the promise is durable (I2).
//  2. A base is swapped in only for the promised ballot, and only when that ballot is active
//     (I5). The primary knows that when all members have staged the base. A backup hears it from
//     the primary.
//  3. A primary's ballot is named by its boot. So a primary that restarts begins a round first.
//     It never goes on with a ballot whose commits it does not know (I21).
type Agreement struct {
	cfg     Config
	box     *core.Outbox
	views   Views
	host    Host
	history *history.History
	promise *promise.Promise
	now     wire.Instant

	receiver *transfer.Receiver // brings the base of the promised ballot here
	server   *transfer.Server   // gives pieces of bases to other nodes
	progress uint64             // grows whenever this node comes nearer to an active ballot

	// The rest is set at the primary of a view only.
	limit     recovery.Limit // bounds the rounds that peers cause
	round     *round.Round   // the round of the promised ballot, until that ballot is active; nil: none
	active    bool           // the promised ballot is active; round is nil then
	differing []ids.Node     // members whose log differs, until a round has given them the base
}

// New returns the agreement of a node with a blank history, or with a recovered one.
func New(cfg Config, box *core.Outbox, h *history.History, p *promise.Promise, views Views, host Host) *Agreement {
	return &Agreement{
		cfg: cfg, box: box, views: views, host: host, history: h, promise: p,
		receiver: transfer.NewReceiver(cfg.Self, cfg.Limits, box, h), server: transfer.NewServer(cfg.Limits, box, h),
	}
}

// SetNow tells the time. It is called before anything else in a Step.
func (a *Agreement) SetNow(now wire.Instant) { a.now = now }

// Progress grows whenever this node gets nearer to an active ballot.
func (a *Agreement) Progress() uint64 { return a.progress }

// Serving reports whether this node works on client requests: it has swapped in the base of the
// promised ballot, and at the primary that ballot is active (I5).
func (a *Agreement) Serving() bool {
	return a.promise.Kept(a.history) && (a.active || !a.promise.IsPrimary())
}

// Round returns the round that this node leads; nil: none.
func (a *Agreement) Round() *round.Round { return a.round }

// Busy reports whether Tick is needed sooner than the next hello.
func (a *Agreement) Busy() bool { return a.round != nil || a.receiver.Underway() }

// Adopt makes v the view of this node. The caller has checked that the rules allow it. The
// primary begins a round at once; another node promises round 0 of the view.
func (a *Agreement) Adopt(v *wire.View) {
	a.promise.Adopt(v, a.now, a.history)
	if a.promise.IsPrimary() {
		a.BeginRound()
		return
	}
	a.bind(ids.Ballot{View: v.ID})
	a.host.PromiseMade()
}

// bind promises a ballot. All that this node did for an earlier ballot ends first.
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

// Enter swaps in the base of an active ballot, if this node has promised the ballot and staged
// its base. It reports whether the node's history is of that ballot now.
func (a *Agreement) Enter(b ids.Ballot) bool {
	if !a.promise.IsMember() || a.promise.IsPrimary() || b.IsZero() {
		return false
	}
	if b != a.promise.Ballot() {
		return false
	}
	if a.history.Ballot() != b && a.history.HasStaged(b) && b == a.promise.Ballot() {
		a.swapIn()
		a.host.Resume()
	}
	return a.history.Ballot() == b
}

// swapIn makes the staged base of the promised ballot the history, as a whole (I10).
func (a *Agreement) swapIn() {
	s := a.history.SwapIn(a.promise.Ballot())
	a.promise.DropOwed(a.history, s.Desc.GivenUp)
	a.progress++
	a.box.Event(core.Event{Kind: EventSwapped, Ballot: s.Ballot, Count: uint64(len(s.Tail))})
}

// Tick repeats what has no answer. If no piece of the base comes for fetchTimeout, the primary
// begins a new round: the holder is gone, or has promised another ballot.
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

// sendDurable sends an envelope as soon as all writes so far are durable.
func (a *Agreement) sendDurable(e core.Envelope) { a.box.PostAfter(a.box.LastWrite(), e) }
