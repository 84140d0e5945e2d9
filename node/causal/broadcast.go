package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/broadcast"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// This file joins the streams of package broadcast to the peers, the slots and the outbox
// (docs/causal.md §4). Package broadcast decides what to send and when; this file sends.

// ownDurable notes that own writes up to n of a view's stream are durable, and sends the next
// batch if that lets one go out.
func (r *Replica) ownDurable(view ids.View, n uint64) {
	if r.streams.Own.MarkDurable(view, n) {
		r.flush()
	}
}

// flush sends the next batch to all reachable replicas, unless a flight is under way. The
// flight waits only for replicas that keep up (docs/causal.md §3.2, rule 6).
func (r *Replica) flush() {
	o := &r.streams.Own
	for b := o.Next(r.step.Now()); b != nil; b = o.Next(r.step.Now()) {
		for _, p := range r.peers.All() {
			if p.Replica && r.peers.Reachable(p) {
				r.step.Send(p.ID, b)
				if p.KeepsUp(r.step.Now()) {
					o.Await(p.ID)
				}
			}
		}
		until, _ := o.FlightEnd()
		r.step.Alarm(until)
		r.completeFlight()
	}
	o.Trim()
}

// completeFlight ends the flight if nothing is left to wait for, and answers its clients.
func (r *Replica) completeFlight() {
	for _, a := range r.streams.Own.Complete(r.step.Now()) {
		a.Do()
	}
}

// tickStream ends a flight whose time is over, and sends the next batch.
func (r *Replica) tickStream() {
	if _, open := r.streams.Own.FlightEnd(); open {
		r.completeFlight()
		r.flush()
	}
	if until, open := r.streams.Own.FlightEnd(); open {
		r.step.Alarm(until)
	}
}

// OnBatchAck notes up to which number a replica, in its known boot, has the own stream
// durably.
func (r *Replica) OnBatchAck(h wire.Header, m *wire.BatchAck) {
	p := r.peers.Get(h.From)
	if p == nil || m.View != r.streams.Own.ID().View || !p.Is(h.Boot) {
		return
	}
	r.streams.Own.Ack(p.ID, m.N)
	r.completeFlight()
	if !mutant.On(mutant.CausalBatchAtNextWrite) {
		r.flush()
	}
}

// OnResendRequest sends a part of the own stream again. Truncated names the part that has
// left the window: only an exchange brings that (docs/causal.md §4, rules 8 to 11).
func (r *Replica) OnResendRequest(h wire.Header, m *wire.ResendRequest) {
	o := &r.streams.Own
	p := r.peers.Get(h.From)
	if p == nil || m.View != o.ID().View || m.From == 0 || m.From > o.Sent() {
		return
	}
	truncated, batches := o.Resend(m.From, m.To)
	if truncated > 0 {
		r.step.Send(h.From, &wire.Truncated{View: m.View, UpTo: truncated})
	}
	for _, b := range batches {
		r.step.Send(h.From, b)
	}
	r.step.Event(core.Event{Kind: EventResent, Peer: h.From})
}

// trackOf is the track of a peer's stream in its present boot, opened when first needed. A new
// track begins where K of all owned slots is (docs/causal.md §4, rule 12).
func (r *Replica) trackOf(p *peers.Peer) *broadcast.Track {
	s := wire.Stream{View: r.view.ID(), Node: p.ID, Boot: p.Boot}
	t := r.streams.Track(s)
	if t == nil {
		t = r.streams.Open(s)
		r.catchUp()
	}
	return t
}

// OnBatch takes in a batch of another replica's stream. A batch counts only in the very
// view of the stream, from a replica, and from the boot in which the replica is known. A late
// batch of another view would bring back what was collected since (I19; docs/causal.md §4,
// rule 4). An item under a dot that is not its place in the stream is skipped.
func (r *Replica) OnBatch(h wire.Header, m *wire.Batch, stored []*wire.Item) {
	p := r.peers.Get(h.From)
	if p == nil || !p.Replica || !p.Is(h.Boot) || m.First == 0 || len(m.Items) == 0 || len(stored) != len(m.Items) || !r.guard.Credible(h.From, m) {
		return
	}
	if m.View != r.view.ID() {
		if mutant.On(mutant.CausalLateBatches) {
			r.applyLate(m, stored)
		}
		return
	}
	p.NoteMessage(r.step.Now())
	if p.Boot == 0 {
		p.Boot = h.Boot
	}
	if r.slots.AsideBytes() > r.cfg.Limits.AsideBytes {
		r.step.Event(core.Event{Kind: EventAsideFull, Peer: p.ID})
		return
	}
	t := r.trackOf(p)
	for i := range m.Items {
		item := &m.Items[i]
		if n := m.First + uint64(i); t.Has(n) || item.Version.Dot != (wire.Dot{Stream: t.ID(), N: n}) {
			continue
		}
		r.receive(item, stored[i])
	}
	r.awaitGap(r.streams.Take(t, m.First, m.First+uint64(len(m.Items))-1, r.step.Now()))
	r.progressed(t)
}

// receive takes in one item of a batch: merged if its slot is ready, kept aside if the slot
// is owned and not ready, and dropped if another shard owns the slot.
func (r *Replica) receive(item *wire.Item, stored *wire.Item) {
	hash := hashing.Hash(item.Key)
	s := r.slots.Of(hash)
	switch {
	case !s.Owned():
	case s.Ready() || mutant.On(mutant.CausalLateBatches):
		if r.items.Merge(item, stored) {
			r.requests.Note(item.Key)
		}
	default:
		r.slots.Keep(hash, item)
	}
}

// applyLate is a deliberate bug: a batch of another view is taken in.
func (r *Replica) applyLate(m *wire.Batch, stored []*wire.Item) {
	for i := range m.Items {
		r.receive(&m.Items[i], stored[i])
	}
	r.step.Commit()
}

// progressed persists how far a track has come without a gap. Once that is durable with the
// items, the position counts for K (I15), and is acknowledged to the stream's node.
func (r *Replica) progressed(t *broadcast.Track) {
	got := t.Got()
	if got > t.Durable() {
		at := wire.Position{Stream: t.ID(), N: got}
		if mutant.On(mutant.CausalLiveBeyondGap) {
			at.N += t.Missing()
		}
		r.step.Change.Live = append(r.step.Change.Live, at)
	}
	seq := r.step.Commit()
	r.step.After(seq, func() {
		if t.MarkDurable(got) && !mutant.On(mutant.CausalMissedWakeup) {
			r.requests.WakeAll()
		}
		r.requests.WakeKeys()
	})
	r.step.PostAfter(seq, core.Envelope{To: t.ID().Node, Message: &wire.BatchAck{View: t.ID().View, N: got}})
}

// awaitGap sets the alarm for requesting missing writes, if a gap is new or got smaller.
func (r *Replica) awaitGap(isNew bool) {
	if isNew {
		r.step.Alarm(r.step.Now() + broadcast.GapPatience)
	}
}

// tickTracks requests the missing writes of each track that are due, except while an exchange
// with the stream's node is under way (docs/causal.md §4, rule 8).
func (r *Replica) tickTracks() {
	for _, t := range r.streams.Tracks() {
		p := r.peers.Get(t.ID().Node)
		due, missing := t.Due()
		switch {
		case !missing || p == nil || p.Boot != t.ID().Boot || !r.peers.Reachable(p):
		case r.step.Now() < due:
			r.step.Alarm(due)
		case r.exchangeOf(p) != nil:
			r.step.Alarm(r.step.Now() + broadcast.GapPatience) // the exchange may bring the missing writes
		default:
			r.requestMissing(p, t)
			due, _ = t.Due()
			r.step.Alarm(due)
		}
	}
}

// requestMissing requests the first gap of a track: from the sender's window, and by an
// exchange if the window does not reach back far enough.
func (r *Replica) requestMissing(p *peers.Peer, t *broadcast.Track) {
	q := t.Request(r.step.Now())
	if q.Exchange {
		r.exchangeWith(p)
	}
	if q.Missing > 0 {
		r.step.Event(core.Event{Kind: EventGap, Peer: p.ID, Count: q.Missing})
	}
	if q.From > 0 {
		r.step.Send(p.ID, &wire.ResendRequest{View: t.ID().View, From: q.From, To: q.To})
	}
}

// OnTruncated notes that a part of a stream has left its sender's window, and begins an
// exchange if some of that part is missing here.
func (r *Replica) OnTruncated(h wire.Header, m *wire.Truncated) {
	p := r.peers.Get(h.From)
	if p == nil || !p.Replica || r.view.None() || m.View != r.view.ID() || !p.Is(h.Boot) {
		return
	}
	if r.trackOf(p).Truncate(m.UpTo) {
		r.step.Event(core.Event{Kind: EventTruncated, Peer: p.ID})
		r.exchangeWith(p)
	}
}

// catchUp moves each track up to the position that K of all owned slots has, because an
// exchange may have brought what batches missed. All owned slots must be ready for that: one
// position of a track stands for all of them.
func (r *Replica) catchUp() {
	for _, t := range r.streams.Tracks() {
		least, live := r.slots.Least(t.ID(), t.Durable())
		if live && least > t.Durable() && r.slots.Unready() == 0 {
			r.awaitGap(r.streams.Skip(t, least, r.step.Now()))
			r.progressed(t) // the acknowledgement lets flights wait for this replica again
		}
	}
}

// beginStreams begins the own stream of the view. A stream is named by view, node and boot,
// so no dot of an earlier view or boot comes twice (I16).
func (r *Replica) beginStreams() {
	r.streams.Begin(wire.Stream{View: r.view.ID(), Node: r.cfg.Self, Boot: r.cfg.Boot}, r.peers.Replicas())
}

// foldTracks ends the streams of a view that ends here, and moves their positions into K of
// the slots. Items that were kept aside are not covered by K, and are dropped: an exchange
// brings them. Clients whose flight was under way are answered now.
func (r *Replica) foldTracks() {
	if r.view.None() {
		return
	}
	r.step.Commit() // positions of these streams come before NewStreams
	r.step.Change.NewStreams = true
	r.slots.EndStreams()
	for _, a := range r.streams.End() {
		a.Do()
	}
}
