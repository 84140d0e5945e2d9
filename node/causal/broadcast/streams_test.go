package broadcast

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// TestWhatIsLostIsRequestedUntilEverythingIsThere sends the stream of one node to another over a
// link that loses, repeats and swaps messages. Each number is taken in once, and no position
// runs ahead of what was taken in (I15). When the link is good again, all writes arrive: in
// batches, or by an exchange if they have left the window.
func TestWhatIsLostIsRequestedUntilEverythingIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &pair{t: t, taken: map[uint64]bool{}}
		w.from = New(Limits{BatchOps: rapid.IntRange(1, 4).Draw(t, "batch"), BatchBytes: 1 << 20, WindowBytes: rapid.IntRange(1, 4000).Draw(t, "window")})
		w.from.Begin(mine, []ids.Node{1})
		w.to = New(Limits{})
		w.to.Begin(wire.Stream{View: mine.View, Node: 1, Boot: 9}, nil)
		w.track = w.to.Open(mine)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.from.Own.write(rapid.IntRange(0, 5).Draw(t, "writes"))
			w.step(func() bool { return rapid.Bool().Draw(t, "lost") })
		}
		for range 400 {
			w.step(func() bool { return false })
		}
		if w.track.Durable() != w.from.Own.Last() || w.track.Missing() != 0 || w.from.Own.Unacked(1) != 0 {
			t.Fatalf("%d of %d writes have come, %d are missing, %d not acknowledged", w.track.Durable(), w.from.Own.Last(), w.track.Missing(), w.from.Own.Unacked(1))
		}
	})
}

// pair is a stream, and a track of it at another node.
type pair struct {
	t        *rapid.T
	now      wire.Instant
	from, to Streams
	track    *Track
	taken    map[uint64]bool
}

// step lets 10 ms pass. Each message may be lost.
func (w *pair) step(lost func() bool) {
	w.now += 10 * wire.Millisecond
	o := &w.from.Own
	o.Complete(w.now)
	for b := o.Next(w.now); b != nil; b = o.Next(w.now) {
		o.Await(1)
		if !lost() {
			w.take(b)
		}
		if !lost() {
			o.Ack(1, w.track.Durable())
		}
		o.Complete(w.now)
	}
	if !lost() {
		w.track.Announce(o.Sent(), w.now)
	}
	if due, missing := w.track.Due(); missing && w.now >= due {
		w.request(w.track.Request(w.now), lost)
	}
	if !lost() {
		o.Ack(1, w.track.Durable())
	}
	o.Trim()
}

func (w *pair) request(q Request, lost func() bool) {
	if q.Exchange && !lost() {
		n := w.from.Own.Durable()
		for i := range n {
			w.taken[i+1] = true
		}
		w.to.Skip(w.track, n, w.now)
	}
	if q.From == 0 || q.From > w.from.Own.Sent() || lost() {
		return
	}
	truncated, batches := w.from.Own.Resend(q.From, q.To)
	if truncated > 0 && !lost() {
		w.track.Truncate(truncated)
	}
	for _, b := range batches {
		if !lost() {
			w.take(b)
		}
	}
}

func (w *pair) take(b *wire.Batch) {
	for i := range b.Items {
		n := b.First + uint64(i)
		if key := fmt.Sprint("key ", n); b.Items[i].Key != key || b.Items[i].Version.Dot != (wire.Dot{Stream: mine, N: n}) {
			w.t.Fatalf("number %d is %+v", n, b.Items[i])
		}
		if w.track.Has(n) && !w.taken[n] {
			w.t.Fatalf("number %d is said to be here", n)
		}
		w.taken[n] = true
	}
	w.to.Take(w.track, b.First, b.First+uint64(len(b.Items))-1, w.now)
	for n := range w.track.Got() {
		if !w.taken[n+1] {
			w.t.Fatalf("it is at %d, and %d never came", w.track.Got(), n+1)
		}
	}
	w.track.MarkDurable(w.track.Got())
}

// TestAStreamCountsForTheSlotsThatItMayCountFor: the own stream counts for each owned slot, and a
// track for those that are ready, too.
func TestAStreamCountsForTheSlotsThatItMayCountFor(t *testing.T) {
	s := begun(roomy)
	theirs := wire.Stream{View: mine.View, Node: 1, Boot: 6}
	tr := s.Open(theirs)
	s.Own.Append(&wire.Item{})
	s.Own.Append(&wire.Item{})
	s.Own.MarkDurable(mine.View, 1)
	s.Take(tr, 1, 4, 0)
	tr.MarkDurable(3)
	elsewhere, unknown := mine, theirs
	elsewhere.View.Number++
	unknown.Boot++
	for _, c := range []struct {
		name    string
		id      wire.Stream
		ready   bool
		durable uint64
	}{
		{"own, ready", mine, true, 1}, {"own, not ready", mine, false, 1},
		{"a track, ready", theirs, true, 3}, {"a track, not ready", theirs, false, 0},
		{"of another view", elsewhere, true, 0}, {"of another boot", unknown, true, 0},
	} {
		for n := uint64(1); n <= 5; n++ {
			if got := s.Durable(c.id, n, c.ready); got != (n <= c.durable) {
				t.Errorf("%s: has %d durably: %t", c.name, n, got)
			}
		}
	}
	if !s.Got(theirs, 4) || s.Got(theirs, 5) || s.Got(unknown, 1) {
		t.Error("what was taken in is not 4")
	}
	if v := s.Vector(false); len(v) != 1 || v.At(mine) != 2 {
		t.Errorf("of a slot that is not ready: %v", v)
	}
	if v := s.Vector(true); len(v) != 2 || v.At(mine) != 2 || v.At(theirs) != 4 {
		t.Errorf("of a ready slot: %v", v)
	}
	s.Own.Append(&wire.Item{})
	s.Take(tr, 5, 5, 0)
	if v := s.Vector(true); v.At(mine) != 3 || v.At(theirs) != 5 {
		t.Errorf("later: %v", v)
	}
	s.End()
	s.Begin(elsewhere, nil)
	if len(s.Vector(true)) != 0 || s.Track(theirs) != nil || s.Own.LastOf(&mine) != 3 {
		t.Errorf("after the view: %v, and the stream ended at %d", s.Vector(true), s.Own.LastOf(&mine))
	}
}
