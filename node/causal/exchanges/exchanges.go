// Package exchanges has the exchanges of a replica with its peers (docs/causal.md §6): those that it
// requests, and its answers to those of others. Package antientropy decides what an exchange asks
// and concludes.
//
// The types are state machines without I/O. One goroutine at a time may use them.
package exchanges

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/antientropy"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/ready"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// postponed is the time after which an exchange that waits for another one looks at it again.
const postponed = 100 * wire.Millisecond

// Host is the replica that exchanges.
type Host interface {
	// Digested takes in what a Digest says of boots, views and former members, before the slots
	// are compared.
	Digested(h wire.Header, m *wire.Digest)
	// Ending is called when everything that an exchange brought is durable, before others begin.
	Ending(x *Exchange)
	// Ended is called when an exchange with a peer is over, or when none was needed.
	Ended(p *peers.Peer, x *Exchange)
	// CheckSynced finds out whether the node is synced now.
	CheckSynced()
}

// Waker tries waiting requests again.
type Waker interface {
	// Note notes that a key was merged. WakeKeys is due when the merge is durable.
	Note(key string)
	WakeKeys()
}

// Exchange is an exchange with a peer, at the requester (docs/causal.md §6). It is on the
// list from its first question to its end, and there is at most one for each peer.
type Exchange struct {
	antientropy.Exchange
	Peer     *peers.Peer
	waitsFor *Exchange // an exchange that is bringing the same slots (docs/causal.md §6.6, rule 10); nil: none
}

// Exchanges are the exchanges that a node requests.
type Exchanges struct {
	step     *step.Step
	view     *membership.View
	peers    *peers.List
	slots    *slots.Table
	items    *items.Items
	boots    *loss.Boots
	guard    *plausible.Guard
	handoffs *handoff.Handoffs
	ready    *ready.Readiness
	waker    Waker
	host     Host

	list []*Exchange // under way, at most one for each peer
}

// Parts are the parts of a replica that exchanges work with.
type Parts struct {
	Step     *step.Step
	View     *membership.View
	Peers    *peers.List
	Slots    *slots.Table
	Items    *items.Items
	Boots    *loss.Boots
	Guard    *plausible.Guard
	Handoffs *handoff.Handoffs
	Ready    *ready.Readiness
	Waker    Waker
	Host     Host
}

// New returns the exchanges of a node: none.
func New(p Parts) *Exchanges {
	return &Exchanges{
		step: p.Step, view: p.View, peers: p.Peers, slots: p.Slots, items: p.Items, boots: p.Boots, guard: p.Guard,
		handoffs: p.Handoffs, ready: p.Ready, waker: p.Waker, host: p.Host,
	}
}

// Reset ends all exchanges, because the peers are those of a new view.
func (e *Exchanges) Reset() { e.list = nil }

// Brings reports that an exchange with a peer is under way that brings a revision of a boot.
func (e *Exchanges) Brings(p *peers.Peer, boot ids.Boot, revision uint64) bool {
	x := e.Of(p)
	return x != nil && (x.Digest() == nil || x.Boot() == boot && x.Digest().Revision >= revision)
}

// With begins an exchange with a peer. If one is under way, another one follows it. If
// this node wants no slots, the exchange is over at once.
func (e *Exchanges) With(p *peers.Peer) {
	if x := e.Of(p); x != nil {
		x.Follow()
		return
	}
	list := e.wanted(p)
	if len(list) == 0 {
		e.host.Ended(p, &Exchange{Exchange: antientropy.None(e.boots.Inquiry())})
		return
	}
	e.begin(p, antientropy.New(list, p.Draining.Relay))
}

// begin lists an exchange and opens it.
func (e *Exchanges) begin(p *peers.Peer, of antientropy.Exchange) {
	x := &Exchange{Exchange: of, Peer: p}
	e.list = append(e.list, x)
	e.open(x)
}

// Poll asks a former member which owners have acknowledged its data. The exchange is
// about no slots, as long as nothing can be new there: no inquiry needs the former member,
// and its data is not relayed (docs/causal.md §7.4, rule 4).
func (e *Exchanges) Poll(p *peers.Peer) {
	if e.handoffs.Receipt(p).Ack() == nil || p.Draining.Relay || p.Inquired != e.boots.Inquiry() {
		e.With(p)
		return
	}
	e.begin(p, antientropy.Brief())
}

// Again begins an exchange with a peer that is heard again. An exchange under way is
// opened anew, because its next repetition may be a second away.
func (e *Exchanges) Again(p *peers.Peer) {
	if x := e.Of(p); x != nil && !x.Complete() {
		e.open(x)
		return
	}
	e.With(p)
}

// Of is the exchange with a peer that is under way; nil: none.
func (e *Exchanges) Of(p *peers.Peer) *Exchange {
	for _, x := range e.list {
		if x.Peer == p {
			return x
		}
	}
	return nil
}

// wanted are the slots that a peer is asked about: those that this node owns, or all slots of
// a former member whose data is relayed (docs/causal.md §6.1, rule 2).
func (e *Exchanges) wanted(p *peers.Peer) []wire.SlotRange {
	if p.Draining.Relay {
		return slots.All(e.slots.Space())
	}
	return slots.OwnedRanges(e.slots)
}

// open begins an exchange, or begins it again, under a new session. It notes the
// state of this node, with which the peer's Digest is compared.
func (e *Exchanges) open(x *Exchange) {
	if x.Brief() && x.Peer.Inquired != e.boots.Inquiry() {
		e.expand(x) // the inquiry needs a full answer
	}
	x.waitsFor = nil
	x.Open(antientropy.Start{
		Session: e.step.Session(), At: e.step.Now(), Inquiry: e.boots.Inquiry(), Revision: e.slots.Revision(), LastWrite: e.step.LastWrite(),
	})
	e.ask(x)
}

// expand makes a brief exchange ask about the wanted slots.
func (e *Exchanges) expand(x *Exchange) { x.Expand(e.wanted(x.Peer), x.Peer.Draining.Relay) }

// ask sends the open question of an exchange, for the first time or again.
func (e *Exchanges) ask(x *Exchange) {
	m := x.Question(e.slots, e.step.Now())
	if q, first := m.(*wire.DigestRequest); first {
		q.Births, q.Forgotten = e.view.Births(), e.boots.ForgottenList()
	}
	e.step.Ask(x.Peer.ID, m)
	e.step.Alarm(x.Next())
}

// by is the exchange that an answer belongs to; nil: none, or the answer is late.
func (e *Exchanges) by(h wire.Header, session uint64) *Exchange {
	p := e.peers.Get(h.From)
	if p == nil {
		return nil
	}
	if x := e.Of(p); x != nil && x.Session() == session {
		return x
	}
	return nil
}

// OnDigest takes in the answer to the first question of an exchange. The
// exchange goes on only within this node's group (docs/causal.md §6.7). What the Digest says
// of its sender, of boots, views and former members counts before the slots are compared.
func (e *Exchanges) OnDigest(h wire.Header, m *wire.Digest) {
	x := e.by(h, m.Session)
	if x == nil || x.Digest() != nil {
		return
	}
	if !e.view.MayExchange(m) {
		e.step.Event(core.Event{Kind: EventApart, Peer: h.From})
		e.peers.Part(x.Peer)
		e.end(x)
		return
	}
	if x.Brief() && !e.handoffs.Receipt(x.Peer).Is(h.Boot, m.Revision) {
		e.expand(x)
		e.open(x)
		return
	}
	x.Answer(h.Boot, m, e.step.Now())
	e.host.Digested(h, m)
	if x.Peer.Former {
		x.Peer.Boot = h.Boot // a former member sends no hello that tells its boot
	}
	e.ready.Gained(x.Peer)
	e.compare(x)
}

// compare lets K grow for the slots whose sums are equal, and asks for the items of the
// others (docs/causal.md §6.2). If another exchange is bringing those slots, this one waits:
// little will differ when the other one is over.
func (e *Exchanges) compare(x *Exchange) {
	j := &version.Joiner{}
	for at, run := range x.Compare(e.slots) {
		e.absorb(x, at, run, j)
	}
	e.ready.WritePending()
	if x.Complete() {
		e.finish(x)
		return
	}
	if x.waitsFor = e.bringing(x); x.waitsFor != nil {
		x.Postpone()
		e.step.Alarm(e.step.Now() + postponed)
		return
	}
	e.ask(x)
}

// bringing is another exchange that is bringing slots which x wants, too; nil: none.
func (e *Exchanges) bringing(x *Exchange) *Exchange {
	for _, y := range e.list {
		if y != x && y.Brings(e.step.Now()) && x.Shares(&y.Exchange) {
			return y
		}
	}
	return nil
}

// resume opens the exchanges again that have waited for y.
func (e *Exchanges) resume(y *Exchange) {
	for _, x := range e.list {
		if x.waitsFor == y {
			e.open(x)
		}
	}
}

// Stop ends the exchange with a node that is forgotten, without concluding anything.
func (e *Exchanges) Stop(p *peers.Peer) {
	if x := e.Of(p); x != nil {
		e.list = slices.DeleteFunc(e.list, func(o *Exchange) bool { return o == x })
		e.resume(x)
	}
}

// Tick repeats unanswered questions. An exchange with an unreachable peer is given
// up; a hello of the peer, or gossip, begins another one (docs/causal.md §6.6, rule 11).
func (e *Exchanges) Tick() {
	for _, x := range slices.Clone(e.list) {
		switch {
		case x.Complete():
		case !e.peers.Reachable(x.Peer) && x.Unanswered(e.step.Now()) >= peers.Silence:
			e.list = slices.DeleteFunc(e.list, func(o *Exchange) bool { return o == x })
			e.resume(x)
			e.host.CheckSynced()
		case x.waitsFor != nil && slices.Contains(e.list, x.waitsFor) && x.waitsFor.Brings(e.step.Now()):
			e.step.Alarm(e.step.Now() + postponed)
		case x.waitsFor != nil:
			e.open(x)
		case x.Repeat(e.step.Now()):
			e.ask(x)
		default:
			e.step.Alarm(x.Next())
		}
	}
}
