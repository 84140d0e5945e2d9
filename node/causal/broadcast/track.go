package broadcast

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// Times and bounds of tracks.
const (
	GapPatience = 50 * wire.Millisecond  // before missing writes are requested
	again       = 100 * wire.Millisecond // before they are requested again
	maxAhead    = 64                     // runs beyond a gap that are remembered; what is not is requested again
)

// Track is how far the stream of another replica has come here. Batches are lost and
// overtake one another, so a track has a position without gaps, and runs of numbers
// beyond the first gap:
//
//	durable ≤ got < ahead[0].from-1, and last() is the largest number known of
//
// Only *durable* counts as knowledge (I15). What is ahead is stored here, too, but says
// nothing of the writes in the gap. A track is changed through its Streams.
type Track struct {
	id        wire.Stream
	got       uint64       // without a gap, taken in
	durable   uint64       // without a gap, on the log: K of all owned slots that are ready
	ahead     []span       // beyond a gap; ascending, with a gap before each
	announced uint64       // where the sender said that it is
	gapAt     wire.Instant // when the gap appeared or got smaller; 0: there is none
	gapGot    uint64       // got at that time
	asked     wire.Instant // when missing writes were requested last; 0: never
	truncated uint64       // the sender's window does not reach back to here: only an exchange helps
}

// span is a run of numbers, both included.
type span struct{ from, to uint64 }

// ID names the stream.
func (t *Track) ID() wire.Stream { return t.id }

// Got is the number up to which everything was taken in; Durable the same on the log.
func (t *Track) Got() uint64     { return t.got }
func (t *Track) Durable() uint64 { return t.durable }

// last is the last number that is known of.
func (t *Track) last() uint64 {
	last := max(t.announced, t.got)
	for _, s := range t.ahead {
		last = max(last, s.to)
	}
	return last
}

// Has reports that a number was taken in.
func (t *Track) Has(n uint64) bool {
	return n <= t.got || slices.ContainsFunc(t.ahead, func(s span) bool { return s.from <= n && n <= s.to })
}

// Missing is how many writes of the stream are known of and not here.
func (t *Track) Missing() uint64 {
	here := t.got
	for _, s := range t.ahead {
		here += s.to - s.from + 1
	}
	return t.last() - here
}

// take notes that a run of numbers was taken in. Of more than maxAhead runs beyond the
// gap the farthest are forgotten, and requested again later.
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

// watch notes when a gap appears and when it has closed. It reports whether there is a
// gap that is new, or smaller than before: requests begin GapPatience later.
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

// Announce notes where the sender says that it is. It reports as watch does.
func (t *Track) Announce(n uint64, now wire.Instant) bool {
	t.announced = max(t.announced, n)
	return t.watch(now)
}

// MarkDurable notes that what was taken in up to n is durable. It reports whether that
// is news.
func (t *Track) MarkDurable(n uint64) bool {
	if n <= t.durable {
		return false
	}
	t.durable = n
	return true
}

// Truncate notes that the writes up to n have left the sender's window. It reports
// whether an exchange is needed: some of them are missing here. A number that nobody has
// told of before is not believed.
func (t *Track) Truncate(n uint64) bool {
	if n <= t.got || n <= t.truncated || n > t.last() {
		return false
	}
	t.truncated = n
	return true
}

// Due is when missing writes are to be requested; false: none is missing.
func (t *Track) Due() (at wire.Instant, missing bool) {
	return max(t.gapAt+GapPatience, t.asked+again), t.gapAt != 0
}

// Request is what a track requests of the stream's node.
type Request struct {
	Exchange bool   // the window does not reach back far enough
	Missing  uint64 // length of the gap
	From, To uint64 // the part of the gap that may be in the window; From 0: none
}

// Request says what to request now, and notes that this is done. Only the first gap is
// requested: the rest is probably under way.
func (t *Track) Request(now wire.Instant) Request {
	q := Request{Exchange: t.got < t.truncated}
	to := t.announced
	if len(t.ahead) > 0 {
		to = t.ahead[0].from - 1
	}
	repeated := t.asked > 0
	t.asked = now
	if to <= t.got || mutant.On(mutant.CausalNoExchangeRetry) && repeated {
		return q
	}
	q.Missing = to - t.got
	if from := max(t.got, t.truncated) + 1; from <= to {
		q.From, q.To = from, to
	}
	return q
}
