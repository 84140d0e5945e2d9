package broadcast

import (
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Waker tries waiting requests again.
type Waker interface {
	// Note notes that a key was merged. WakeKeys is due when the merge is durable.
	Note(key string)
	WakeKeys()
	// WakeAll is called when K has grown.
	WakeAll()
}

// Exchanges are the exchanges with peers, which bring what no batch brings any more.
type Exchanges interface {
	ExchangeWith(*peers.Peer)
	Exchanging(*peers.Peer) bool
}

// Broadcast sends the own stream of the view to the replicas, and takes in theirs (docs/causal.md
// §4). Streams decide what to send and when; Broadcast joins them to the peers, the slots and the
// outbox.
type Broadcast struct {
	step      *step.Step
	view      *membership.View
	peers     *peers.List
	slots     *slots.Table
	items     *items.Items
	guard     *plausible.Guard
	waker     Waker
	exchanges Exchanges

	streams *Streams
	aside   int // memory of items kept aside; beyond it batches are dropped (docs/causal.md §4, rule 13)
}

// Parts are the parts of a replica that a Broadcast works with.
type Parts struct {
	Step      *step.Step
	View      *membership.View
	Peers     *peers.List
	Slots     *slots.Table
	Items     *items.Items
	Guard     *plausible.Guard
	Waker     Waker
	Exchanges Exchanges
}

// Of returns the broadcast of streams. aside bounds the memory of items that are kept aside.
func Of(s *Streams, aside int, p Parts) *Broadcast {
	return &Broadcast{
		step: p.Step, view: p.View, peers: p.Peers, slots: p.Slots, items: p.Items, guard: p.Guard, waker: p.Waker, exchanges: p.Exchanges,
		streams: s, aside: aside,
	}
}

// Tick does what is due.
func (b *Broadcast) Tick() {
	b.tickStream()
	b.tickTracks()
}

// Begin begins the own stream of the view. A stream is named by view, node and boot,
// so no dot of an earlier view or boot comes twice (I16).
func (b *Broadcast) Begin() {
	b.streams.Begin(wire.Stream{View: b.view.ID(), Node: b.step.Self.Node, Boot: b.step.Self.Boot}, b.peers.Replicas())
}

// End ends the streams of a view that ends here, and moves their positions into K of
// the slots. Items that were kept aside are not covered by K, and are dropped: an exchange
// brings them. Clients whose flight was under way are answered now.
func (b *Broadcast) End() {
	if b.view.None() {
		return
	}
	b.step.Commit() // positions of these streams come before NewStreams
	b.step.Change.NewStreams = true
	b.slots.EndStreams()
	for _, a := range b.streams.End() {
		a.Do()
	}
}

// OwnDurable notes that own writes up to n of a view's stream are durable, and sends the next
// batch if that lets one go out.
func (b *Broadcast) OwnDurable(view ids.View, n uint64) {
	if b.streams.Own.MarkDurable(view, n) {
		b.flush()
	}
}

// flush sends the next batch to all reachable replicas, unless a flight is under way. The
// flight waits only for replicas that keep up (docs/causal.md §3.2, rule 6).
func (b *Broadcast) flush() {
	o := &b.streams.Own
	for batch := o.Next(b.step.Now()); batch != nil; batch = o.Next(b.step.Now()) {
		for _, p := range b.peers.All() {
			if p.Replica && b.peers.Reachable(p) {
				b.step.Send(p.ID, batch)
				if p.KeepsUp(b.step.Now()) {
					o.Await(p.ID)
				}
			}
		}
		until, _ := o.FlightEnd()
		b.step.Alarm(until)
		b.completeFlight()
	}
	o.Trim()
}

// completeFlight ends the flight if nothing is left to wait for, and answers its clients.
func (b *Broadcast) completeFlight() {
	for _, a := range b.streams.Own.Complete(b.step.Now()) {
		a.Do()
	}
}

// tickStream ends a flight whose time is over, and sends the next batch.
func (b *Broadcast) tickStream() {
	if _, open := b.streams.Own.FlightEnd(); open {
		b.completeFlight()
		b.flush()
	}
	if until, open := b.streams.Own.FlightEnd(); open {
		b.step.Alarm(until)
	}
}

// OnBatchAck notes up to which number a replica, in its known boot, has the own stream
// durably.
func (b *Broadcast) OnBatchAck(h wire.Header, m *wire.BatchAck) {
	p := b.peers.Get(h.From)
	if p == nil || m.View != b.streams.Own.ID().View || !p.Is(h.Boot) {
		return
	}
	b.streams.Own.Ack(p.ID, m.N)
	b.completeFlight()
	b.flush()
}

// OnResendRequest sends a part of the own stream again. Truncated names the part that has
// left the window: only an exchange brings that (docs/causal.md §4, rules 8 to 11).
func (b *Broadcast) OnResendRequest(h wire.Header, m *wire.ResendRequest) {
	o := &b.streams.Own
	p := b.peers.Get(h.From)
	if p == nil || m.View != o.ID().View || m.From == 0 || m.From > o.Sent() {
		return
	}
	truncated, batches := o.Resend(m.From, m.To)
	if truncated > 0 {
		b.step.Send(h.From, &wire.Truncated{View: m.View, UpTo: truncated})
	}
	for _, batch := range batches {
		b.step.Send(h.From, batch)
	}
	b.step.Event(core.Event{Kind: EventResent, Peer: h.From})
}
