package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// track is how far another replica's stream in this view has come here
// (docs/causal.md §4). What lies beyond a gap is here too, but says nothing yet.
type track struct {
	stream    wire.Stream
	got       uint64       // without a gap, written
	durable   uint64       // without a gap, durable: K of all owned slots that are ready
	ahead     []span       // beyond a gap; ascending, apart
	announced uint64       // where the sender said it is
	gapAt     wire.Instant // when the gap appeared, or got smaller; 0: there is none
	gapGot    uint64       // got then
	asked     wire.Instant
	truncated uint64 // up to here only an exchange helps
}

// span is a run of numbers, both included.
type span struct{ from, to uint64 }

// maxAhead bounds how many spans beyond a gap are remembered; what is not is asked
// for again.
const maxAhead = 64

func (r *Replica) track(s wire.Stream) *track {
	for _, t := range r.tracks {
		if t.stream == s {
			return t
		}
	}
	return nil
}

// trackOf is the track of a peer's present boot, made when it is first needed.
func (r *Replica) trackOf(p *peer) *track {
	s := wire.Stream{View: r.view.ID, Node: p.id, Boot: p.boot}
	t := r.track(s)
	if t == nil {
		t = &track{stream: s}
		r.tracks = append(r.tracks, t)
		r.catchUp() // an exchange may have brought some of it
	}
	return t
}

// last is the last number that is known of.
func (t *track) last() uint64 {
	last := max(t.announced, t.got)
	for _, s := range t.ahead {
		last = max(last, s.to)
	}
	return last
}

// has reports that a number was taken in.
func (t *track) has(n uint64) bool {
	if n <= t.got {
		return true
	}
	return slices.ContainsFunc(t.ahead, func(s span) bool { return s.from <= n && n <= s.to })
}

// take notes that a run of numbers was taken in. It reports whether that could be
// remembered.
func (t *track) take(from, to uint64) {
	if to <= t.got {
		return
	}
	t.ahead = append(t.ahead, span{from, to})
	slices.SortFunc(t.ahead, func(a, b span) int {
		if a.from < b.from {
			return -1
		}
		return 1
	})
	merged := t.ahead[:0]
	for _, s := range t.ahead {
		switch last := len(merged) - 1; {
		case s.from <= t.got+1:
			t.got = max(t.got, s.to)
		case last >= 0 && s.from <= merged[last].to+1:
			merged[last].to = max(merged[last].to, s.to)
		default:
			merged = append(merged, s)
		}
	}
	t.ahead = merged[:min(len(merged), maxAhead)]
}

// skip notes that everything up to n came by an exchange.
func (t *track) skip(n uint64) {
	if n > t.got {
		t.take(1, n)
	}
}

// OnBatch takes in writes of another replica.
func (r *Replica) OnBatch(h wire.Header, m *wire.Batch, stored []*wire.Item) {
	p := r.peer(h.From)
	if p == nil || !p.replica || !p.is(h) || m.First == 0 || len(m.Items) == 0 || len(stored) != len(m.Items) || !r.credible(h.From, m) {
		return
	}
	if m.View != r.view.ID {
		if mutant.On(mutant.CausalLateBatches) {
			r.applyLate(m, stored)
		}
		return
	}
	p.noteAlive(r.now)
	if p.boot == 0 {
		p.boot = h.Boot
	}
	if r.aside > r.cfg.Limits.AsideBytes {
		r.box.Event(core.Event{Kind: EventAsideFull, Peer: p.id})
		return
	}
	t := r.trackOf(p)
	last := m.First + uint64(len(m.Items)) - 1
	for i := range m.Items {
		item := &m.Items[i]
		if n := m.First + uint64(i); t.has(n) || item.Version.Dot != (wire.Dot{Stream: t.stream, N: n}) {
			continue
		}
		r.receive(item, stored[i])
	}
	t.take(m.First, last)
	r.own.fresh = false
	t.truncated = max(t.truncated, t.got)
	r.gaps(t)
	r.progressed(t)
}

// receive takes in one item of a broadcast.
func (r *Replica) receive(item *wire.Item, stored *wire.Item) {
	s := r.slots.of(hashing.Hash(item.Key))
	switch {
	case !s.owned:
	case s.ready || mutant.On(mutant.CausalLateBatches):
		if r.merge(item, stored) {
			r.wakeKey(item.Key)
		}
	default:
		s.aside = append(s.aside, kept(item))
		r.aside += asideBytes(item)
	}
}

func (r *Replica) applyLate(m *wire.Batch, stored []*wire.Item) {
	for i := range m.Items {
		r.receive(&m.Items[i], stored[i])
	}
	r.commit()
}

// progressed makes what a track has got durable; then it counts, and is
// acknowledged.
func (r *Replica) progressed(t *track) {
	if t.got > t.durable {
		r.change.Live = append(r.change.Live, wire.Position{Stream: t.stream, N: t.got})
	}
	got, seq := t.got, r.commit()
	r.after(seq, func() {
		if got > t.durable {
			t.durable = got
			if !mutant.On(mutant.CausalMissedWakeup) {
				r.wakeAll()
			}
		}
		r.wakeKeys()
	})
	r.box.PostAfter(seq, core.Envelope{To: t.stream.Node, Message: &wire.BatchAck{View: t.stream.View, N: got}})
}

// gaps notes when a gap appears and when it has closed.
func (r *Replica) gaps(t *track) {
	switch {
	case len(t.ahead) == 0 && t.announced <= t.got:
		t.gapAt = 0
	case t.gapAt == 0 || t.gapGot != t.got:
		t.gapAt, t.gapGot = r.now, t.got
		r.alarm(r.now + gapPatience)
	}
}

// heardPosition takes in where the sender of a hello is in its stream.
func (r *Replica) heardPosition(p *peer, n uint64) {
	t := r.trackOf(p)
	if n > t.announced {
		t.announced = n
	}
	r.gaps(t)
}

// tickTracks asks for what is missing.
func (r *Replica) tickTracks() {
	for _, t := range r.tracks {
		p := r.peer(t.stream.Node)
		if t.gapAt == 0 || p == nil || p.boot != t.stream.Boot || !r.reachable(p) {
			continue
		}
		if r.now < t.gapAt+gapPatience || r.now < t.asked+resend {
			r.alarm(max(t.gapAt+gapPatience, t.asked+resend))
			continue
		}
		if r.exchangeOf(p) != nil {
			r.alarm(r.now + gapPatience) // it may bring what is missing
			continue
		}
		if t.got < t.truncated {
			r.exchangeWith(p) // the window does not reach back so far
		}
		to := t.announced
		if len(t.ahead) > 0 {
			to = t.ahead[0].from - 1
		}
		if to > t.got && !(mutant.On(mutant.CausalNoExchangeRetry) && t.asked > 0) {
			r.box.Event(core.Event{Kind: EventGap, Peer: p.id, Count: to - t.got})
			if from := max(t.got, t.truncated) + 1; from <= to {
				r.send(p.id, &wire.ResendRequest{View: t.stream.View, From: from, To: to})
			}
		}
		t.asked = r.now
		r.alarm(r.now + resend)
	}
}

// OnTruncated notes that a part of a stream can only be had by an exchange.
func (r *Replica) OnTruncated(h wire.Header, m *wire.Truncated) {
	p := r.peer(h.From)
	if p == nil || !p.replica || r.view == nil || m.View != r.view.ID || !p.is(h) {
		return
	}
	if t := r.trackOf(p); m.UpTo > t.got && m.UpTo > t.truncated && m.UpTo <= t.last() {
		t.truncated = m.UpTo
		r.box.Event(core.Event{Kind: EventTruncated, Peer: p.id})
		r.exchangeWith(p)
	}
}

// catchUp lets the tracks move to what K of all owned slots has by now: an exchange
// may have brought what a broadcast missed.
func (r *Replica) catchUp() {
	for _, t := range r.tracks {
		least, any := ^uint64(0), false
		for i := range r.slots.all {
			if s := &r.slots.all[i]; s.live() {
				any = true
				if least = min(least, s.known.At(t.stream)); least <= t.durable {
					break
				}
			}
		}
		if !any || least <= t.durable || r.slots.unready > 0 {
			continue
		}
		t.skip(least)
		t.durable, r.own.fresh = max(t.durable, least), false
		r.gaps(t)
		r.progressed(t) // its origin waits for a replica that keeps up
	}
}
