package broadcast

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/wire"
)

func TestATrackHasWhatItTookAndCountsUpToTheFirstGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, taken := &Track{}, map[uint64]bool{}
		for range rapid.IntRange(0, 40).Draw(t, "batches") {
			from := rapid.Uint64Range(1, 100).Draw(t, "from")
			to := from + rapid.Uint64Range(0, 5).Draw(t, "more")
			tr.take(from, to)
			for n := from; n <= to; n++ {
				taken[n] = true
			}
		}
		gap := uint64(1)
		for taken[gap] {
			gap++
		}
		if tr.got != gap-1 {
			t.Fatalf("got %d, the first gap is at %d", tr.got, gap)
		}
		for n := uint64(1); n <= 110; n++ {
			if tr.Has(n) != taken[n] {
				t.Fatalf("has %d: %t; it is at %d, ahead %v", n, tr.Has(n), tr.got, tr.ahead)
			}
		}
		checkApart(t, tr)
	})
}

// checkApart checks that the runs ahead ascend, with a gap before each.
func checkApart(t *rapid.T, tr *Track) {
	end := tr.got
	for _, s := range tr.ahead {
		if s.from <= end+1 || s.to < s.from {
			t.Fatalf("ahead of %d: %v", tr.got, tr.ahead)
		}
		end = s.to
	}
}

// TestATrackForgetsTheFarthestWhenThereAreTooManyGaps: forgotten runs are requested again, and never
// count as taken in (I15).
func TestATrackForgetsTheFarthestWhenThereAreTooManyGaps(t *testing.T) {
	tr := &Track{}
	for n := uint64(2); n <= 2*maxAhead+20; n += 2 {
		tr.take(n, n)
	}
	if len(tr.ahead) != maxAhead || tr.got != 0 || !tr.Has(2*maxAhead) || tr.Has(2*maxAhead+2) {
		t.Fatalf("%d spans ahead of %d", len(tr.ahead), tr.got)
	}
	for n := uint64(1); n < 2*maxAhead; n += 2 {
		tr.take(n, n)
	}
	if tr.got != 2*maxAhead || len(tr.ahead) != 0 {
		t.Errorf("with the gaps closed it is at %d, ahead %v", tr.got, tr.ahead)
	}
}

func TestWhatCameByAnExchangeClosesGapsAndIsDurable(t *testing.T) {
	s := New(Limits{})
	tr := s.Open(wire.Stream{Node: 1, Boot: 1})
	s.Take(tr, 3, 4, 1)
	s.Take(tr, 8, 9, 1)
	for _, c := range []struct{ upTo, got, durable uint64 }{{1, 1, 1}, {2, 4, 2}, {1, 4, 2}, {6, 6, 6}, {7, 9, 7}} {
		if s.Skip(tr, c.upTo, 1); tr.Got() != c.got || tr.Durable() != c.durable {
			t.Errorf("with everything up to %d it is at %d, durably at %d; want %d, %d", c.upTo, tr.Got(), tr.Durable(), c.got, c.durable)
		}
	}
}

func TestWhatIsMissingIsRequestedWhenItsTimeHasCome(t *testing.T) {
	const now = wire.Second
	for _, c := range []struct {
		name      string
		taken     []span
		announced uint64
		truncated uint64
		want      Request
		missing   uint64
	}{
		{"nothing is missing", []span{{1, 5}}, 5, 0, Request{}, 0},
		{"the end, which a hello told of", []span{{1, 5}}, 8, 0, Request{Missing: 3, From: 6, To: 8}, 3},
		{"a gap", []span{{1, 2}, {6, 7}}, 7, 0, Request{Missing: 3, From: 3, To: 5}, 3},
		{"the first of two gaps", []span{{2, 2}, {4, 4}}, 6, 0, Request{Missing: 1, From: 1, To: 1}, 4},
		{"part of a gap has left the window", []span{{1, 2}, {6, 7}}, 7, 4, Request{Exchange: true, Missing: 3, From: 5, To: 5}, 3},
		{"all of a gap has left the window", []span{{6, 7}}, 7, 5, Request{Exchange: true, Missing: 5}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Limits{})
			tr := s.Open(wire.Stream{Node: 1, Boot: 1})
			for _, r := range c.taken {
				s.Take(tr, r.from, r.to, now)
			}
			tr.Announce(c.announced, now)
			if tr.Truncate(c.truncated) != (c.truncated > 0) {
				t.Fatal("what has left the window is not believed")
			}
			due, missing := tr.Due()
			if missing != (c.missing > 0) || missing && due != now+GapPatience {
				t.Fatalf("missing %t, due at %d", missing, due)
			}
			if tr.Missing() != c.missing {
				t.Errorf("%d are missing, want %d", tr.Missing(), c.missing)
			}
			if got := tr.Request(due); got != c.want {
				t.Errorf("requested is %+v, want %+v", got, c.want)
			}
			if next, _ := tr.Due(); missing && next != due+again {
				t.Errorf("requested again after %d", next-due)
			}
		})
	}
}

// TestAGapIsNewWhenItAppearsOrGetsSmaller: each time the sender gets GapPatience to fill the gap.
func TestAGapIsNewWhenItAppearsOrGetsSmaller(t *testing.T) {
	s := New(Limits{})
	tr := s.Open(wire.Stream{Node: 1, Boot: 1})
	for i, c := range []struct {
		from, to uint64
		isNew    bool
	}{{1, 1, false}, {4, 4, true}, {6, 6, false}, {4, 4, false}, {2, 2, true}, {3, 3, true}, {5, 5, false}} {
		if got := s.Take(tr, c.from, c.to, wire.Instant(100+i)); got != c.isNew {
			t.Errorf("after %d to %d a new gap: %t, want %t", c.from, c.to, got, c.isNew)
		}
	}
	if _, missing := tr.Due(); missing {
		t.Error("a gap is left")
	}
}

func TestWhatHasLeftTheWindowIsBelievedOnlyOfWritesThatAreKnownOf(t *testing.T) {
	s := New(Limits{})
	tr := s.Open(wire.Stream{Node: 1, Boot: 1})
	s.Take(tr, 1, 3, 1)
	tr.Announce(8, 1)
	for _, c := range []struct {
		upTo uint64
		want bool
	}{{3, false}, {9, false}, {5, true}, {5, false}, {4, false}, {8, true}} {
		if got := tr.Truncate(c.upTo); got != c.want {
			t.Errorf("up to %d: %t, want %t", c.upTo, got, c.want)
		}
	}
}
