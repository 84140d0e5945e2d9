package version

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/internal/draw"
	"github.com/cohortkv/cohort/node/wire"
)

// highest is a vector as a map, a model for FromPositions and Join.
func highest(lists ...[]wire.Position) map[wire.Stream]uint64 {
	m := map[wire.Stream]uint64{}
	for _, list := range lists {
		for _, p := range list {
			if p.N > 0 {
				m[p.Stream] = max(m[p.Stream], p.N)
			}
		}
	}
	return m
}

// is checks a vector against its model, and that its streams ascend and no number is zero.
func is(t *rapid.T, v wire.Vector, want map[wire.Stream]uint64) {
	for i, p := range v {
		if p.N == 0 || i > 0 && v[i-1].Stream.Compare(p.Stream) >= 0 {
			t.Fatalf("position %d of %v", i, v)
		}
		if want[p.Stream] != p.N {
			t.Fatalf("%v is at %d, want %d", p.Stream, p.N, want[p.Stream])
		}
	}
	if len(v) != len(want) {
		t.Fatalf("%v, want %v", v, want)
	}
}

func TestGatheredPositionsAreAVector(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(draw.Position, 0, 10).Draw(t, "positions")
		want := highest(list)
		is(t, FromPositions(list), want)
	})
}

func TestAJoinHasTheLargerNumberOfEachStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Vector.Draw(t, "a"), draw.Vector.Draw(t, "b")
		want, before := highest(a, b), [2]wire.Vector{slices.Clone(a), slices.Clone(b)}
		is(t, Join(a, b), want)
		if !slices.Equal(a, before[0]) || !slices.Equal(b, before[1]) {
			t.Fatal("a part was written to")
		}
	})
}

func TestAVectorThatReachesAPositionIsItsJoinWithThat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, p := draw.Vector.Draw(t, "vector"), draw.Position.Draw(t, "position")
		want, before := highest(v, []wire.Position{p}), slices.Clone(v)
		is(t, Extend(v, p.Stream, p.N), want)
		if !slices.Equal(v, before) {
			t.Fatal("the vector was written to")
		}
	})
}

func TestAVectorIsWithinAnotherIfItAddsNothingToIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Vector.Draw(t, "a"), draw.Vector.Draw(t, "b")
		if got, want := Within(a, b), slices.Equal(Join(b, a), b); got != want {
			t.Fatalf("%t, want %t", got, want)
		}
	})
}

// TestAJoinerKeepsOneOfEqualVectors: slots that shared a vector must share the result, too.
func TestAJoinerKeepsOneOfEqualVectors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := &Joiner{}
		parts := rapid.SliceOfN(draw.Vector, 2, 6).Draw(t, "parts")
		var all []wire.Vector
		for _, a := range parts {
			for _, b := range parts {
				v := j.Join(a, b)
				is(t, v, highest(a, b))
				for _, o := range all {
					if slices.Equal(o, v) && !Same(o, v) {
						t.Fatalf("%v twice", v)
					}
				}
				all = append(all, v)
			}
		}
	})
}
