package kv

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// DefaultPast is how many ballots a history remembers of those it was built
// from: about 40 bytes each.
const DefaultPast = 10_000

// Past is the set of ballots that a history was built from, with how many
// entries of each it contains, ascending by ballot. Ancestry, never a number or
// a length, says which of two histories is older (I8).
type Past []wire.PastBallot

// Count returns how many entries of a ballot are contained.
func (p Past) Count(b wire.Ballot) (uint64, bool) {
	i, found := p.find(b)
	if !found {
		return 0, false
	}
	return p[i].Count, true
}

// With returns a past that also contains n entries of b and remembers at most
// limit ballots; the lowest are forgotten first. The receiver is not changed.
func (p Past) With(b wire.Ballot, n uint64, limit int) Past {
	if limit <= 0 {
		limit = DefaultPast
	}
	i, found := p.find(b)
	out := slices.Clone(p)
	if found {
		out[i].Count = max(out[i].Count, n)
		return out
	}
	out = slices.Insert(out, i, wire.PastBallot{Ballot: b, Count: n})
	if len(out) > limit {
		out = slices.Delete(out, 0, len(out)-limit)
	}
	return out
}

// Union returns a past that contains what both contain, and remembers at most
// limit ballots. The receiver is not changed.
func (p Past) Union(o Past, limit int) Past {
	if limit <= 0 {
		limit = DefaultPast
	}
	out := append(slices.Clone(p), o...)
	slices.SortFunc(out, func(a, b wire.PastBallot) int {
		return cmp.Or(a.Ballot.Compare(b.Ballot), cmp.Compare(b.Count, a.Count))
	})
	out = slices.CompactFunc(out, func(a, b wire.PastBallot) bool { return a.Ballot == b.Ballot })
	return out[max(len(out)-limit, 0):]
}

// Forgot reports whether a ballot may have been forgotten: it is below all that
// are remembered, and as many are remembered as may be.
func (p Past) Forgot(b wire.Ballot, limit int) bool {
	if limit <= 0 {
		limit = DefaultPast
	}
	return len(p) >= limit && b.Compare(p[0].Ballot) < 0
}

func (p Past) find(b wire.Ballot) (int, bool) {
	return slices.BinarySearchFunc(p, b, func(x wire.PastBallot, b wire.Ballot) int {
		return x.Ballot.Compare(b)
	})
}
