package broadcast

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Times and bounds of tracks.
const (
	GapPatience = 50 * wire.Millisecond  // from the begin of a gap to the request: batches may overtake one another
	again       = 100 * wire.Millisecond // between two requests
	maxAhead    = 64                     // runs beyond a gap that are remembered; others are requested again
)

// Track is how far the stream of another replica has come here. Batches get lost and overtake
// one another, so a track has a position without gaps, and runs of numbers beyond the first gap:
//
//	durable ≤ got < ahead[0].from-1
//
// Only durable counts for K (I15). Items of the runs ahead are merged, too, but a run says
// nothing of the writes in the gap before it. Take and Skip of Streams move a track.
type Track struct {
	id        wire.Stream
	got       uint64       // everything up to here was taken in
	durable   uint64       // everything up to here is durable: a part of K of all slots that are owned and ready
	ahead     []span       // runs beyond the first gap; ascending, with a gap before each; at most maxAhead
	announced uint64       // the last number of the stream, as the sender's hellos say
	gapAt     wire.Instant // when the first gap appeared or got smaller; 0: there is none
	gapGot    uint64       // got at that time
	asked     wire.Instant // when missing writes were last requested; 0: never
	truncated uint64       // writes up to here have left the sender's window: only an exchange brings them
}

// span is a run of numbers, from and to included.
type span struct{ from, to uint64 }

// ID names the stream.
func (t *Track) ID() wire.Stream { return t.id }

// Got is the number up to which everything was taken in, durably or not.
func (t *Track) Got() uint64 { return t.got }

// Durable is the number up to which everything is durable.
func (t *Track) Durable() uint64 { return t.durable }

// last is the largest number of the stream that is known to exist.
func (t *Track) last() uint64 {
	last := max(t.announced, t.got)
	for _, s := range t.ahead {
		last = max(last, s.to)
	}
	return last
}

// Has reports that a number was taken in, before or beyond a gap.
func (t *Track) Has(n uint64) bool {
	return n <= t.got || slices.ContainsFunc(t.ahead, func(s span) bool { return s.from <= n && n <= s.to })
}

// Missing is how many writes of the stream are known to exist and are not here.
func (t *Track) Missing() uint64 {
	here := t.got
	for _, s := range t.ahead {
		here += s.to - s.from + 1
	}
	return t.last() - here
}

// take notes that a run of numbers was taken in. Beyond maxAhead runs the farthest ones are
// forgotten, and requested again later: to merge an item twice does no harm.
func (t *Track) take(from, to uint64) {
	if to <= t.got {
		return
	}
	t.ahead = append(t.ahead, span{from, to})
	slices.SortFunc(t.ahead, func(a, b span) int { return cmp.Compare(a.from, b.from) })
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

// watch notes when the first gap appears and when it closes. It reports whether there is a gap
// that is new, or smaller than before: its requests begin GapPatience later.
func (t *Track) watch(now wire.Instant) bool {
	switch {
	case len(t.ahead) == 0 && t.announced <= t.got:
		t.gapAt = 0
	case t.gapAt == 0 || t.gapGot != t.got:
		t.gapAt, t.gapGot = now, t.got
		return true
	}
	return false
}

// Announce takes in the last number that the sender's hello says. It reports whether there is a
// gap that is new, or smaller than before.
func (t *Track) Announce(n uint64, now wire.Instant) bool {
	t.announced = max(t.announced, n)
	return t.watch(now)
}

// MarkDurable notes that everything up to n, which was taken in, is durable. It reports whether
// that is news.
func (t *Track) MarkDurable(n uint64) bool {
	if n <= t.durable {
		return false
	}
	t.durable = n
	return true
}

// Truncate notes that the writes up to n have left the sender's window. It reports whether an
// exchange is needed, because some of them are missing here. A number beyond all that is known
// to exist is not believed.
func (t *Track) Truncate(n uint64) bool {
	if n <= t.got || n <= t.truncated || n > t.last() {
		return false
	}
	t.truncated = n
	return true
}

// Due is when missing writes are to be requested; missing is false if there is no gap.
func (t *Track) Due() (at wire.Instant, missing bool) {
	return max(t.gapAt+GapPatience, t.asked+again), t.gapAt != 0
}

// Request is what a track requests of the stream's node.
type Request struct {
	Exchange bool   // the window does not reach back far enough: an exchange is needed
	Missing  uint64 // length of the first gap; 0: nothing is requested from the window
	From, To uint64 // the part of the first gap that may be in the window; From 0: none
}

// Request returns what to request now, and notes the time. Only the first gap is requested: the
// writes beyond the runs ahead are probably on their way.
func (t *Track) Request(now wire.Instant) Request {
	q := Request{Exchange: t.got < t.truncated}
	to := t.announced
	if len(t.ahead) > 0 {
		to = t.ahead[0].from - 1
	}
	t.asked = now
	if to <= t.got {
		return q
	}
	q.Missing = to - t.got
	if from := max(t.got, t.truncated) + 1; from <= to {
		q.From, q.To = from, to
	}
	return q
}
