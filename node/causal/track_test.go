package causal

import (
	"testing"

	"pgregory.net/rapid"
)

func TestATrackHasWhatItTookAndCountsUpToTheFirstGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, taken := &track{}, map[uint64]bool{}
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
			if tr.has(n) != taken[n] {
				t.Fatalf("has %d: %t; it is at %d, ahead %v", n, tr.has(n), tr.got, tr.ahead)
			}
		}
		checkApart(t, tr)
	})
}

// checkApart checks that what is ahead ascends, with a gap before each.
func checkApart(t *rapid.T, tr *track) {
	end := tr.got
	for _, s := range tr.ahead {
		if s.from <= end+1 || s.to < s.from {
			t.Fatalf("ahead of %d: %v", tr.got, tr.ahead)
		}
		end = s.to
	}
}

// What it forgets it asks for again; it never counts what it did not take.
func TestATrackForgetsTheFarthestWhenThereAreTooManyGaps(t *testing.T) {
	tr := &track{}
	for n := uint64(2); n <= 2*maxAhead+20; n += 2 {
		tr.take(n, n)
	}
	if len(tr.ahead) != maxAhead || tr.got != 0 || !tr.has(2*maxAhead) || tr.has(2*maxAhead+2) {
		t.Fatalf("%d spans ahead of %d", len(tr.ahead), tr.got)
	}
	for n := uint64(1); n < 2*maxAhead; n += 2 {
		tr.take(n, n)
	}
	if tr.got != 2*maxAhead || len(tr.ahead) != 0 {
		t.Errorf("with the gaps closed it is at %d, ahead %v", tr.got, tr.ahead)
	}
}

func TestWhatCameByAnExchangeClosesGaps(t *testing.T) {
	tr := &track{}
	tr.take(3, 4)
	tr.take(8, 9)
	for _, c := range []struct{ upTo, got uint64 }{{1, 1}, {2, 4}, {1, 4}, {6, 6}, {7, 9}} {
		if tr.skip(c.upTo); tr.got != c.got {
			t.Errorf("with everything up to %d it is at %d, want %d", c.upTo, tr.got, c.got)
		}
	}
}
