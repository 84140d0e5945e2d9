package batch

import "testing"

func TestOneItemAlwaysFits(t *testing.T) {
	sizes := []int{50, 30, 30, 40, 1}
	for _, c := range []struct{ n, maxN, limit, want int }{
		{0, 9, 100, 0}, {1, 9, 10, 1}, {5, 9, 10, 1}, {5, 9, 80, 2}, {5, 9, 79, 1}, {5, 2, 1000, 2}, {5, 9, 1000, 5}, {5, 9, 150, 4},
	} {
		if got := Fit(c.n, c.maxN, c.limit, func(i int) int { return sizes[i] }); got != c.want {
			t.Errorf("%d items, at most %d and %d bytes: %d fit, want %d", c.n, c.maxN, c.limit, got, c.want)
		}
	}
}
