package broadcast

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// trackOf is the track of a peer's stream in its present boot, opened when first needed. A new
// track begins where K of all owned slots is (docs/causal.md §4, rule 12).
func (b *Broadcast) trackOf(p *peers.Peer) *Track {
	s := wire.Stream{View: b.view.ID(), Node: p.ID, Boot: p.Boot}
	t := b.streams.Track(s)
	if t == nil {
		t = b.streams.Open(s)
		b.CatchUp()
	}
	return t
}

// OnBatch takes in a batch of another replica's stream. A batch counts only in the very
// view of the stream, from a replica, and from the boot in which the replica is known. A late
// batch of another view would bring back what was collected since (I19; docs/causal.md §4,
// rule 4). An item under a dot that is not its place in the stream is skipped.
func (b *Broadcast) OnBatch(h wire.Header, m *wire.Batch, stored []*wire.Item) {
	p := b.peers.Get(h.From)
	if p == nil || !p.Replica || !p.Is(h.Boot) || m.First == 0 || len(m.Items) == 0 || len(stored) != len(m.Items) || !b.guard.Credible(h.From, m) {
		return
	}
	if m.View != b.view.ID() {
		return
	}
	p.NoteMessage(b.step.Now())
	if p.Boot == 0 {
		p.Boot = h.Boot
	}
	if b.slots.AsideBytes() > b.aside {
		b.step.Event(core.Event{Kind: EventAsideFull, Peer: p.ID})
		return
	}
	t := b.trackOf(p)
	for i := range m.Items {
		item := &m.Items[i]
		if n := m.First + uint64(i); t.Has(n) || item.Version.Dot != (wire.Dot{Stream: t.ID(), N: n}) {
			continue
		}
		b.receive(item, stored[i])
	}
	b.awaitGap(b.streams.Take(t, m.First, m.First+uint64(len(m.Items))-1, b.step.Now()))
	b.progressed(t)
}

// receive takes in one item of a batch: merged if its slot is ready, kept aside if the slot
// is owned and not ready, and dropped if another shard owns the slot.
func (b *Broadcast) receive(item *wire.Item, stored *wire.Item) {
	hash := hashing.Hash(item.Key)
	s := b.slots.Of(hash)
	switch {
	case !s.Owned():
	case s.Ready():
		if b.items.Merge(item, stored) {
			b.waker.Note(item.Key)
		}
	default:
		b.slots.Keep(hash, item)
	}
}

// progressed persists how far a track has come without a gap. Once that is durable with the
// items, the position counts for K (I15), and is acknowledged to the stream's node.
func (b *Broadcast) progressed(t *Track) {
	got := t.Got()
	if got > t.Durable() {
		at := wire.Position{Stream: t.ID(), N: got}
		b.step.Change.Live = append(b.step.Change.Live, at)
	}
	seq := b.step.Commit()
	b.step.After(seq, func() {
		if t.MarkDurable(got) {
			b.waker.WakeAll()
		}
		b.waker.WakeKeys()
	})
	b.step.PostAfter(seq, core.Envelope{To: t.ID().Node, Message: &wire.BatchAck{View: t.ID().View, N: got}})
}

// awaitGap sets the alarm for requesting missing writes, if a gap is new or got smaller.
func (b *Broadcast) awaitGap(isNew bool) {
	if isNew {
		b.step.Alarm(b.step.Now() + GapPatience)
	}
}

// tickTracks requests the missing writes of each track that are due, except while an exchange
// with the stream's node is under way (docs/causal.md §4, rule 8).
func (b *Broadcast) tickTracks() {
	for _, t := range b.streams.Tracks() {
		p := b.peers.Get(t.ID().Node)
		due, missing := t.Due()
		switch {
		case !missing || p == nil || p.Boot != t.ID().Boot || !b.peers.Reachable(p):
		case b.step.Now() < due:
			b.step.Alarm(due)
		case b.exchanges.Exchanging(p):
			b.step.Alarm(b.step.Now() + GapPatience) // the exchange may bring the missing writes
		default:
			b.requestMissing(p, t)
			due, _ = t.Due()
			b.step.Alarm(due)
		}
	}
}

// requestMissing requests the first gap of a track: from the sender's window, and by an
// exchange if the window does not reach back far enough.
func (b *Broadcast) requestMissing(p *peers.Peer, t *Track) {
	q := t.Request(b.step.Now())
	if q.Exchange {
		b.exchanges.ExchangeWith(p)
	}
	if q.Missing > 0 {
		b.step.Event(core.Event{Kind: EventGap, Peer: p.ID, Count: q.Missing})
	}
	if q.From > 0 {
		b.step.Send(p.ID, &wire.ResendRequest{View: t.ID().View, From: q.From, To: q.To})
	}
}

// OnTruncated notes that a part of a stream has left its sender's window, and begins an
// exchange if some of that part is missing here.
func (b *Broadcast) OnTruncated(h wire.Header, m *wire.Truncated) {
	p := b.peers.Get(h.From)
	if p == nil || !p.Replica || b.view.None() || m.View != b.view.ID() || !p.Is(h.Boot) {
		return
	}
	if b.trackOf(p).Truncate(m.UpTo) {
		b.step.Event(core.Event{Kind: EventTruncated, Peer: p.ID})
		b.exchanges.ExchangeWith(p)
	}
}

// CatchUp moves each track up to the position that K of all owned slots has, because an
// exchange may have brought what batches missed. All owned slots must be ready for that: one
// position of a track stands for all of them.
func (b *Broadcast) CatchUp() {
	for _, t := range b.streams.Tracks() {
		least, live := slots.Least(b.slots, t.ID(), t.Durable())
		if live && least > t.Durable() && b.slots.Unready() == 0 {
			b.awaitGap(b.streams.Skip(t, least, b.step.Now()))
			b.progressed(t) // the acknowledgement lets flights wait for this replica again
		}
	}
}

// Announce takes in how far a replica says that it has sent its stream.
func (b *Broadcast) Announce(p *peers.Peer, sent uint64) {
	b.awaitGap(b.trackOf(p).Announce(sent, b.step.Now()))
}
