package kv

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// DefaultPast is the number of earlier ballots that a history remembers: about 40
// bytes each.
const DefaultPast = 10_000

// Past is the set of ballots that a history was built from, with the number of
// entries of each that the history contains, ascending by ballot. Pasts alone
// decide which of two histories is older, never a number or a length (I8).
type Past []wire.PastBallot

// Count returns how many entries of a ballot are contained.
func (p Past) Count(b ids.Ballot) (uint64, bool) {
	i, found := p.find(b)
	if !found {
		return 0, false
	}
	return p[i].Count, true
}

// With returns a past that also contains n entries of b. It remembers at most limit
// ballots, and forgets the lowest first. The receiver is not changed.
func (p Past) With(b ids.Ballot, n uint64, limit int) Past {
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

// Union returns a past that contains what either of the two contains. It remembers
// at most limit ballots. The receiver is not changed.
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

// Forgot reports whether a ballot may have been forgotten: the past is full, and
// the ballot is below all that it remembers.
func (p Past) Forgot(b ids.Ballot, limit int) bool {
	if limit <= 0 {
		limit = DefaultPast
	}
	return len(p) >= limit && b.Compare(p[0].Ballot) < 0
}

func (p Past) find(b ids.Ballot) (int, bool) {
	return slices.BinarySearchFunc(p, b, func(x wire.PastBallot, b ids.Ballot) int {
		return x.Ballot.Compare(b)
	})
}
