package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/broadcast"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// This file joins the streams of package broadcast to the peers, the slots and the
// outbox (docs/causal.md §4).

// ownDurable is called when own writes up to n are durable.
func (r *Replica) ownDurable(view ids.View, n uint64) {
	if r.streams.Own.MarkDurable(view, n) {
		r.flush()
	}
}

// flush sends the next batch, unless one is under way.
func (r *Replica) flush() {
	o := &r.streams.Own
	for b := o.Next(r.now); b != nil; b = o.Next(r.now) {
		for _, p := range r.peers {
			if p.replica && r.reachable(p) {
				r.send(p.id, b)
				if p.KeepsUp(r.now) {
					o.Await(p.id)
				}
			}
		}
		until, _ := o.FlightEnd()
		r.alarm(until)
		r.completeFlight()
	}
	o.Trim()
}

// completeFlight gives the answers that are due.
func (r *Replica) completeFlight() {
	for _, a := range r.streams.Own.Complete(r.now) {
		a.Do()
	}
}

// tickStream ends a flight whose time is over.
func (r *Replica) tickStream() {
	if _, open := r.streams.Own.FlightEnd(); open {
		r.completeFlight()
		r.flush()
	}
	if until, open := r.streams.Own.FlightEnd(); open {
		r.alarm(until)
	}
}

// OnBatchAck notes how far a replica has come in the own stream.
func (r *Replica) OnBatchAck(h wire.Header, m *wire.BatchAck) {
	p := r.peer(h.From)
	if p == nil || m.View != r.streams.Own.ID().View || !p.Is(h.Boot) {
		return
	}
	r.streams.Own.Ack(p.id, m.N)
	r.completeFlight()
	if !mutant.On(mutant.CausalBatchAtNextWrite) {
		r.flush()
	}
}

// OnResendRequest sends a part of the own stream again.
func (r *Replica) OnResendRequest(h wire.Header, m *wire.ResendRequest) {
	o := &r.streams.Own
	p := r.peer(h.From)
	if p == nil || m.View != o.ID().View || m.From == 0 || m.From > o.Sent() {
		return
	}
	truncated, batches := o.Resend(m.From, m.To)
	if truncated > 0 {
		r.send(h.From, &wire.Truncated{View: m.View, UpTo: truncated})
	}
	for _, b := range batches {
		r.send(h.From, b)
	}
	r.box.Event(core.Event{Kind: EventResent, Peer: h.From})
}

// trackOf is the track of a peer's present boot, opened when it is first needed.
func (r *Replica) trackOf(p *peer) *broadcast.Track {
	s := wire.Stream{View: r.view.ID, Node: p.id, Boot: p.Boot}
	t := r.streams.Track(s)
	if t == nil {
		t = r.streams.Open(s)
		r.catchUp() // an exchange may have brought some of it
	}
	return t
}

// OnBatch takes in writes of another replica.
func (r *Replica) OnBatch(h wire.Header, m *wire.Batch, stored []*wire.Item) {
	p := r.peer(h.From)
	if p == nil || !p.replica || !p.Is(h.Boot) || m.First == 0 || len(m.Items) == 0 || len(stored) != len(m.Items) || !r.credible(h.From, m) {
		return
	}
	if m.View != r.view.ID {
		if mutant.On(mutant.CausalLateBatches) {
			r.applyLate(m, stored)
		}
		return
	}
	p.NoteMessage(r.now)
	if p.Boot == 0 {
		p.Boot = h.Boot
	}
	if r.slots.AsideBytes() > r.cfg.Limits.AsideBytes {
		r.box.Event(core.Event{Kind: EventAsideFull, Peer: p.id})
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
	r.awaitGap(r.streams.Take(t, m.First, m.First+uint64(len(m.Items))-1, r.now))
	r.progressed(t)
}

// receive takes in one item of a broadcast.
func (r *Replica) receive(item *wire.Item, stored *wire.Item) {
	hash := hashing.Hash(item.Key)
	s := r.slots.Of(hash)
	switch {
	case !s.Owned():
	case s.Ready() || mutant.On(mutant.CausalLateBatches):
		if r.merge(item, stored) {
			r.waiting.Note(item.Key)
		}
	default:
		r.slots.Keep(hash, item)
	}
}

func (r *Replica) applyLate(m *wire.Batch, stored []*wire.Item) {
	for i := range m.Items {
		r.receive(&m.Items[i], stored[i])
	}
	r.commit()
}

// progressed makes what a track has got durable; then it counts, and is acknowledged.
func (r *Replica) progressed(t *broadcast.Track) {
	got := t.Got()
	if got > t.Durable() {
		r.change.Live = append(r.change.Live, wire.Position{Stream: t.ID(), N: got})
	}
	seq := r.commit()
	r.after(seq, func() {
		if t.MarkDurable(got) && !mutant.On(mutant.CausalMissedWakeup) {
			r.wakeAll()
		}
		r.wakeKeys()
	})
	r.box.PostAfter(seq, core.Envelope{To: t.ID().Node, Message: &wire.BatchAck{View: t.ID().View, N: got}})
}

// awaitGap sees to it that missing writes are requested in time, if there is a new gap.
func (r *Replica) awaitGap(isNew bool) {
	if isNew {
		r.alarm(r.now + broadcast.GapPatience)
	}
}

// tickTracks requests what is missing.
func (r *Replica) tickTracks() {
	for _, t := range r.streams.Tracks() {
		p := r.peer(t.ID().Node)
		due, missing := t.Due()
		switch {
		case !missing || p == nil || p.Boot != t.ID().Boot || !r.reachable(p):
		case r.now < due:
			r.alarm(due)
		case r.exchangeOf(p) != nil:
			r.alarm(r.now + broadcast.GapPatience) // it may bring what is missing
		default:
			r.requestMissing(p, t)
			due, _ = t.Due()
			r.alarm(due)
		}
	}
}

func (r *Replica) requestMissing(p *peer, t *broadcast.Track) {
	q := t.Request(r.now)
	if q.Exchange {
		r.exchangeWith(p)
	}
	if q.Missing > 0 {
		r.box.Event(core.Event{Kind: EventGap, Peer: p.id, Count: q.Missing})
	}
	if q.From > 0 {
		r.send(p.id, &wire.ResendRequest{View: t.ID().View, From: q.From, To: q.To})
	}
}

// OnTruncated notes that a part of a stream can only be had by an exchange.
func (r *Replica) OnTruncated(h wire.Header, m *wire.Truncated) {
	p := r.peer(h.From)
	if p == nil || !p.replica || r.view == nil || m.View != r.view.ID || !p.Is(h.Boot) {
		return
	}
	if r.trackOf(p).Truncate(m.UpTo) {
		r.box.Event(core.Event{Kind: EventTruncated, Peer: p.id})
		r.exchangeWith(p)
	}
}

// catchUp lets the tracks move to what K of all owned slots has by now: an exchange may
// have brought what a broadcast missed.
func (r *Replica) catchUp() {
	for _, t := range r.streams.Tracks() {
		least, live := r.slots.Least(t.ID(), t.Durable())
		if live && least > t.Durable() && r.slots.Unready() == 0 {
			r.awaitGap(r.streams.Skip(t, least, r.now))
			r.progressed(t) // its node waits for a replica that keeps up
		}
	}
}

// beginStreams begins the streams of the view.
func (r *Replica) beginStreams() {
	var replicas []ids.Node
	for _, p := range r.peers {
		if p.replica {
			replicas = append(replicas, p.id)
		}
	}
	r.streams.Begin(wire.Stream{View: r.view.ID, Node: r.cfg.Self, Boot: r.cfg.Boot}, replicas)
}

// foldTracks moves what is known of the streams of a view that ends here into K of its
// slots. What was kept aside is not known, and dropped: an exchange brings it.
func (r *Replica) foldTracks() {
	if r.view == nil {
		return
	}
	r.slots.EndStreams()
	for _, a := range r.streams.End() {
		a.Do()
	}
}
