package kv

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Side is one of several histories that went apart, as far as a merge needs it: the first Length
// entries of Ballot, on the base of that ballot.
type Side struct {
	Ballot ids.Ballot // the history's own ballot
	Length uint64     // number of entries of Ballot
	Past   Past       // the ballots that the base of Ballot was built from
	Limit  int        // bound on the ballots in Past
}

// Knows reports whether the history contains the entry with a stamp, even if the entry's value was
// overwritten since. If a ballot is older than all that a full past remembers, it was common to
// all histories, so its entries count as known.
func (s *Side) Knows(x ids.Stamp) bool {
	if x.Ballot == s.Ballot {
		return x.Index <= s.Length
	}
	n, ok := s.Past.Count(x.Ballot)
	return ok && x.Index <= n || s.Past.Forgot(x.Ballot, s.Limit)
}

// Survivor picks what a key holds after sides are merged. held[i] is what side i holds; nil:
// nothing.
//
//  1. A value does not survive if another side knew the entry that wrote it, and
//     holds another value or none.
//  2. So values that a side overwrote or deleted never come back. A deletion loses only
//     against a write that its side had not seen.
//  3. Of several survivors, the one with the largest stamp wins, and conflict is
//     true.
//
// The order of the sides does not matter (docs/strong.md §8).
func Survivor(sides []Side, held []*wire.Record) (winner *wire.Record, conflict bool) {
	for i, rec := range held {
		if rec == nil || !survives(sides, held, i) {
			continue
		}
		switch {
		case winner == nil:
			winner = rec
		case winner.Stamp != rec.Stamp:
			conflict = true
			if rec.Stamp.Compare(winner.Stamp) > 0 {
				winner = rec
			}
		}
	}
	return winner, conflict
}

// survives reports whether no other side has superseded what side i holds.
func survives(sides []Side, held []*wire.Record, i int) bool {
	stamp := held[i].Stamp
	for j := range sides {
		same := held[j] != nil && held[j].Stamp == stamp
		if j != i && !same && sides[j].Knows(stamp) {
			return false
		}
	}
	return true
}

// MergeLedgers joins the ledgers of sides. The next Msg-Num is the largest of theirs. A request
// that every side answered alike keeps its answer. A request that some side does not know, or
// answered otherwise, took effect on a part of the sides only. Its result is Unknown, and it must
// not be ordered again (I11).
func MergeLedgers(ledgers []*Ledger, originLimit int) *Ledger {
	out := NewLedger(originLimit)
	for _, l := range ledgers {
		out.next = max(out.next, l.next)
	}
	for _, l := range ledgers {
		for _, o := range l.origins {
			if i, found := out.find(o.Node, o.Boot); !found {
				out.origins = slices.Insert(out.origins, i, mergeOrigin(ledgers, o))
			}
		}
	}
	for len(out.origins) > out.limit {
		out.dropOldest(nil)
	}
	return out
}

// mergeOrigin joins what the sides know of one forwarder in one boot.
func mergeOrigin(ledgers []*Ledger, of *wire.Origin) *wire.Origin {
	out := &wire.Origin{Node: of.Node, Boot: of.Boot}
	heard := map[uint64]int{} // request counter → number of sides that know it
	var all []wire.Answer
	for _, l := range ledgers {
		i, found := l.find(of.Node, of.Boot)
		if !found {
			continue
		}
		o := l.origins[i]
		out.LowestOpen, out.Used = max(out.LowestOpen, o.LowestOpen), max(out.Used, o.Used)
		for _, a := range o.Answers {
			heard[a.Counter]++
		}
		all = append(all, o.Answers...)
	}
	slices.SortStableFunc(all, func(a, b wire.Answer) int { return cmp.Compare(a.Counter, b.Counter) })
	for i, a := range all {
		if a.Counter < out.LowestOpen {
			continue
		}
		if n := len(out.Answers); i > 0 && n > 0 && out.Answers[n-1].Counter == a.Counter {
			if out.Answers[n-1].Result != a.Result {
				out.Answers[n-1].Result = wire.Result{Status: wire.Unknown}
			}
			continue
		}
		if heard[a.Counter] < len(ledgers) {
			a.Result = wire.Result{Status: wire.Unknown}
		}
		out.Answers = append(out.Answers, a)
	}
	return out
}
