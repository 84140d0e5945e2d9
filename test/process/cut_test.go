package process

import (
	"testing"
	"time"
)

// startCuttable starts three nodes with a view of all. They can be cut off from one
// another.
func startCuttable(t *testing.T) nodes {
	t.Helper()
	n := startThree(t, true)
	n.putView(0, 1, 2)
	return n
}

// A short cut keeps the connections. In a long cut, one end or both close them.
func TestNothingIsLostInACut(t *testing.T) {
	tests := []struct {
		name   string
		cut    func(nodes) error
		length time.Duration
	}{
		{"a short one of a backup", func(n nodes) error { return n.Isolate(2) }, seconds / 10},
		{"a long one of the primary", func(n nodes) error { return n.Isolate(0) }, 7 * seconds / 10},
		{"a long one of what a backup says", func(n nodes) error { return n.Cut(2, 0) }, 7 * seconds / 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newTrial(startCuttable(t))
			r.load(func() {
				r.pause(seconds / 5)
				r.must(test.cut(r.nodes))
				r.pause(test.length)
				r.must(r.HealAll())
			})
			r.readAll(0, 1, 2)
			r.judge()
		})
	}
}

func TestAPrimaryThatWasCutOffAndReplacedComesBackIn(t *testing.T) {
	r := newTrial(startCuttable(t))
	r.load(func() {
		r.pause(seconds / 5)
		r.must(r.Isolate(0))
		r.putView(1, 2)
		r.pause(seconds / 5)
		r.must(r.HealAll())
		r.pause(seconds / 5)
		r.putView(0, 1, 2)
	})
	r.readAll(0, 1, 2)
	r.judge()
}
