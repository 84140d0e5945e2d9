package causal

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// ownStream is what this boot writes in this view (docs/causal.md §4).
type ownStream struct {
	stream  wire.Stream
	last    uint64 // number of the last write
	durable uint64
	sent    uint64 // number of the last one that went out
	window  window // the last ones, up to last, that a replica may ask for
	flight  *flight
	waits   []ackWait // writes that are durable and not answered, ascending

	ends   map[ids.View]uint64 // the last number of this boot's streams of former views
	forgot bool                // some of them

	fresh       bool        // live and alone are of now
	live, alone wire.Vector // positions in all streams of this view; in this one only
}

// flight is the batch that is under way.
type flight struct {
	upTo  uint64
	until wire.Instant
	waits []*peer // who has not acknowledged it
}

// ackWait is a write that is answered when its batch is.
type ackWait struct {
	n  uint64
	do func()
}

// begin starts the stream of a view.
func (o *ownStream) begin(s wire.Stream) {
	o.end()
	*o = ownStream{stream: s, ends: o.ends, forgot: o.forgot}
	if mutant.On(mutant.CausalReuseDots) {
		o.stream.Boot = 1
	}
}

// append numbers a write, and keeps it for the window. The item's version is
// complete afterwards.
func (r *Replica) append(item *wire.Item) {
	o := &r.own
	o.last++
	o.fresh = false
	item.Version.Dot = wire.Dot{Stream: o.stream, N: o.last}
	o.window.add(item)
	for o.window.bytes > r.cfg.Limits.WindowBytes && o.window.n > 1 && o.first() <= o.sent {
		o.window.drop()
	}
}

// forgetAcked gives back what no replica can ask for: it went out, and all of them have
// acknowledged it. A boot that begins with nothing takes it by an exchange.
func (r *Replica) forgetAcked() {
	o := &r.own
	all := o.sent
	for _, p := range r.peers {
		if p.replica {
			all = min(all, p.acked)
		}
	}
	for o.window.n > 0 && o.first() <= all {
		o.window.drop()
	}
}

// first is the number of the first write in the window.
func (o *ownStream) first() uint64 { return o.last - uint64(o.window.n) + 1 }

// itemBytes is about what an item takes in a message.
func itemBytes(i *wire.Item) int {
	return len(i.Key) + len(i.Value) + len(i.ContentType) + 64 + 48*len(i.Deps.Exact) + 48*len(i.Deps.Vector)
}

// ownDurable is called when own writes up to n are durable.
func (r *Replica) ownDurable(view ids.View, n uint64) {
	if o := &r.own; o.stream.View == view && n > o.durable {
		o.durable = n
		r.flush()
	}
}

// flush sends the next batch, unless one is under way.
func (r *Replica) flush() {
	o := &r.own
	for o.flight == nil && o.durable > o.sent {
		from := o.sent + 1
		m := r.batch(from, o.durable)
		o.sent += uint64(len(m.Items))
		f := &flight{upTo: o.sent, until: r.now + ackPatience}
		for _, p := range r.peers {
			if p.replica && r.reachable(p) {
				r.send(p.id, m)
				if r.counts(p) {
					f.waits = append(f.waits, p)
				}
			}
		}
		o.flight = f
		r.alarm(f.until)
		r.completeFlight()
	}
	r.forgetAcked()
}

// batch makes a message of own writes that are in the window, as many as fit.
func (r *Replica) batch(from, last uint64) *wire.Batch {
	o := &r.own
	at := int(from - o.first())
	n := fit(int(last-from)+1, r.cfg.Limits.BatchOps, r.cfg.Limits.BatchBytes, func(i int) int { return itemBytes(o.window.at(at + i)) })
	return &wire.Batch{View: o.stream.View, First: from, Items: o.window.slice(at, n)}
}

// counts reports that a write waits for a replica: it greets, is ready, and keeps
// up.
func (r *Replica) counts(p *peer) bool {
	return p.greeted && r.now-p.helloAt <= freshHello && p.ready && !p.slow
}

// completeFlight ends the flight when all replicas that count have acknowledged it, or
// its time is over.
func (r *Replica) completeFlight() {
	o := &r.own
	f := o.flight
	if f == nil {
		return
	}
	f.waits = slices.DeleteFunc(f.waits, func(p *peer) bool { return p.acked >= f.upTo || !p.replica })
	if len(f.waits) > 0 && r.now < f.until {
		return
	}
	for _, p := range f.waits {
		p.slow = true
	}
	o.flight = nil
	n := 0
	for n < len(o.waits) && o.waits[n].n <= f.upTo {
		n++
	}
	done := o.waits[:n]
	o.waits = slices.Clone(o.waits[n:])
	for _, w := range done {
		w.do()
	}
}

// tickStream ends a flight whose time is over.
func (r *Replica) tickStream() {
	if f := r.own.flight; f != nil {
		r.completeFlight()
		r.flush()
		if r.own.flight != nil {
			r.alarm(r.own.flight.until)
		}
	}
}

// whenBroadcast does something when the write n was durable and had its time to reach
// the other replicas.
func (r *Replica) whenBroadcast(n uint64, do func()) {
	r.own.waits = append(r.own.waits, ackWait{n, do})
}

// OnBatchAck notes how far a replica has come in the own stream.
func (r *Replica) OnBatchAck(h wire.Header, m *wire.BatchAck) {
	p := r.peer(h.From)
	if p == nil || m.View != r.own.stream.View || !p.is(h) {
		return
	}
	p.acked = max(p.acked, min(m.N, r.own.last))
	if p.acked >= r.own.sent {
		p.slow = false
	}
	r.completeFlight()
	r.flush()
}

// OnResendRequest sends a part of the own stream again.
func (r *Replica) OnResendRequest(h wire.Header, m *wire.ResendRequest) {
	o := &r.own
	p := r.peer(h.From)
	if p == nil || m.View != o.stream.View || m.From == 0 || m.From > o.sent {
		return
	}
	first := max(m.From, o.first())
	if first > m.From {
		r.send(h.From, &wire.Truncated{View: m.View, UpTo: min(first-1, o.sent)})
	}
	for last, sent := min(m.To, o.sent), 0; first <= last && sent < maxResent; {
		b := r.batch(first, last)
		r.send(h.From, b)
		first += uint64(len(b.Items))
		for i := range b.Items {
			sent += itemBytes(&b.Items[i])
		}
	}
	r.box.Event(core.Event{Kind: EventResent, Peer: h.From})
}

// fit is how many of n items go into one message: at least one, at most most, and no
// more than limit bytes.
func fit(n, most, limit int, size func(int) int) int {
	total := 0
	for i := range min(n, most) {
		total += size(i)
		if total > limit && i > 0 {
			return i
		}
	}
	return min(n, most)
}
