package strong

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// joined is a promise that a round has received.
type joined struct {
	node ids.Node
	inc  ids.Incarnation
	boot ids.Boot
	join *wire.Join
}

// historySource is a history that a round may start from, and the node that holds it.
type historySource struct {
	holder ids.Node
	h      wire.HistorySummary
}

// side is the source in the form that merging needs.
func (c *historySource) side(pastLimit int) kv.Side {
	return kv.Side{Ballot: c.h.Ballot, Length: c.h.Length, Past: c.h.Past, Limit: pastLimit}
}

// decision is what the joins of all members lead to (docs/strong.md §7.2).
type decision struct {
	base    wire.Base
	holder  ids.Node           // of the whole base; self when the base is empty or merged
	sides   []historySource    // what the base is made of, by ballot; more than one: merged
	owed    []wire.KnownBallot // that the base does not contain
	dropped int                // staged bases that were never active
	tooOld  int                // histories beyond the limit of pasts
}

// roundInput is what a decision depends on besides the joins.
type roundInput struct {
	self      ids.Node
	boot      ids.Boot
	members   []wire.Member
	force     bool
	pastLimit int
}

// decide picks the base. It looks at ancestry only: a history whose ballot is in
// another's past is older, and what it has beyond was never committed (I8).
// Histories of which neither is the older went apart, and are merged.
func decide(by roundInput, joins []joined) decision {
	v := decision{holder: by.self}
	cands := withoutContained(historySources(joins, by.pastLimit, &v), by.pastLimit, &v)
	cands, empty := withoutEmpty(by.perBallot(cands))
	v.sides = by.selectSides(cands)
	switch len(v.sides) {
	case 0:
	case 1:
		v.holder = v.sides[0].holder
		v.base.Source, v.base.Length, v.base.Sum = v.sides[0].h.Ballot, v.sides[0].h.Length, v.sides[0].h.Sum
	default:
		for _, c := range v.sides {
			v.base.Sides = append(v.base.Sides, wire.PastBallot{Ballot: c.h.Ballot, Count: c.h.Length})
		}
	}
	v.base.Past, v.base.Attested = by.ancestry(v.sides, empty)
	v.findOwed(joins, by)
	return v
}

// ancestry returns the ballots that a base made of sides was built from, and the
// attestations of the sides.
func (by *roundInput) ancestry(sides, empty []historySource) ([]wire.PastBallot, []wire.Attestation) {
	var past kv.Past
	var attested []wire.Attestation
	for _, c := range sides {
		past = past.Union(c.h.Past, by.pastLimit).With(c.h.Ballot, c.h.Length, by.pastLimit)
		attested = append(attested, c.h.Attested...)
	}
	for _, c := range empty {
		past = past.With(c.h.Ballot, 0, by.pastLimit)
	}
	return past, history.Latest(attested)
}

// perBallot picks one holder of each ballot, ascending by ballot.
func (by *roundInput) perBallot(cands []historySource) []historySource {
	slices.SortFunc(cands, func(a, b historySource) int {
		return cmp.Or(a.h.Ballot.Compare(b.h.Ballot), by.prefer(b, a))
	})
	return slices.CompactFunc(cands, func(a, b historySource) bool { return a.h.Ballot == b.h.Ballot })
}

// selectSides returns all sides, except under the mutants that keep one side only.
func (by *roundInput) selectSides(sides []historySource) []historySource {
	own := slices.IndexFunc(sides, func(c historySource) bool { return c.holder == by.self })
	switch {
	case len(sides) > 1 && mutant.On(mutant.MergeHigherWins):
		return sides[len(sides)-1:]
	case len(sides) > 1 && mutant.On(mutant.MergeOwnWins) && own >= 0:
		return sides[own : own+1]
	}
	return sides
}

// prefer orders histories of one ballot. If this boot was its primary, its own
// is the best: it knows what was committed, and has cut off what was abandoned.
// Otherwise the longest; then the primary's own, then members', which are there as
// long as the round is, before sources'.
func (by *roundInput) prefer(a, b historySource) int {
	led := func(c historySource) int {
		sameBoot := c.h.Ballot.Boot == by.boot || mutant.On(mutant.TruncateAfterRestart)
		if c.holder == by.self && sameBoot && len(c.h.Members) > 0 && c.h.Members[0].ID == by.self {
			return 1
		}
		return 0
	}
	rank := func(c historySource) int {
		switch {
		case c.holder == by.self:
			return 2
		case slices.ContainsFunc(by.members, func(m wire.Member) bool { return m.ID == c.holder }):
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(led(a), led(b)), cmp.Compare(a.h.Length, b.h.Length), cmp.Compare(rank(a), rank(b)), cmp.Compare(b.holder, a.holder))
}

// historySources lists what the joined nodes hold. A staged base counts instead of
// what is beneath it, unless a node that its ballot counts on has joined
// without it: then that ballot never was active, nor ever will be.
func historySources(joins []joined, pastLimit int, v *decision) []historySource {
	var out []historySource
	for _, j := range joins {
		h := j.join.History
		for i := range j.join.Staged {
			if s := &j.join.Staged[i]; !primaryNeverSwapped(s, joins) && !neverActive(s, joins) && !disproved(s, joins, pastLimit) {
				h = s.History
				break
			}
			v.dropped++
		}
		if !h.Ballot.IsZero() {
			out = append(out, historySource{j.node, h})
		}
	}
	return out
}

// primaryNeverSwapped reports whether the primary of a staged base's ballot has joined in
// the boot of that ballot, without having swapped the base in. The primary is the first to
// swap in, so then no member has.
func primaryNeverSwapped(s *wire.StagedSummary, joins []joined) bool {
	h := &s.History
	return len(h.Members) > 0 && slices.ContainsFunc(joins, func(j joined) bool {
		return j.node == h.Members[0].ID && j.boot == h.Ballot.Boot && !history.Contains(&j.join.History, h.Ballot)
	})
}

func neverActive(s *wire.StagedSummary, joins []joined) bool {
	b := s.History.Ballot
	for _, j := range joins {
		bound := slices.ContainsFunc(s.Bound, func(x wire.Sighting) bool {
			return x.Node == j.node && x.Inc == j.inc
		})
		has := history.Contains(&j.join.History, b) || slices.ContainsFunc(j.join.Staged, func(o wire.StagedSummary) bool {
			return history.Contains(&o.History, b)
		})
		if bound && !has {
			return true
		}
	}
	return false
}

// disproved reports whether a history shows that a staged base was never active. Then
// incarnations that the base counts on have promised a later ballot and reported all they
// had, and the base was not among that. These nodes need not be reachable any more.
func disproved(s *wire.StagedSummary, joins []joined, pastLimit int) bool {
	for _, j := range joins {
		if contradicts(&j.join.History, s, pastLimit) {
			return true
		}
		for i := range j.join.Staged {
			if contradicts(&j.join.Staged[i].History, s, pastLimit) {
				return true
			}
		}
	}
	return false
}

func contradicts(h *wire.HistorySummary, s *wire.StagedSummary, pastLimit int) bool {
	b := s.History.Ballot
	if history.Contains(h, b) || kv.Past(h.Past).Forgot(b, pastLimit) {
		return false
	}
	return slices.ContainsFunc(h.Attested, func(a wire.Attestation) bool {
		return b.Compare(a.Ballot) < 0 && slices.ContainsFunc(s.Bound, func(x wire.Sighting) bool {
			return x.Node == a.Node && x.Inc == a.Inc
		})
	})
}

// withoutContained drops the histories that another one contains. It also drops those so
// old that the others may have forgotten whether they contain them.
func withoutContained(cands []historySource, pastLimit int, v *decision) []historySource {
	var out []historySource
	for _, c := range cands {
		older, strange := false, false
		for _, o := range cands {
			if o.h.Ballot == c.h.Ballot {
				continue
			}
			older = older || history.Contains(&o.h, c.h.Ballot)
			strange = strange || kv.Past(o.h.Past).Forgot(c.h.Ballot, pastLimit)
		}
		if strange && !older {
			v.tooOld++
		}
		if !older && !strange {
			out = append(out, c)
		}
	}
	return out
}

// withoutEmpty drops histories of ballots in which nothing was written and whose
// base another history contains in full: rounds that came to nothing. Nothing
// was or will be committed in them, because their holder has promised something
// later. It returns what is left and what was dropped.
func withoutEmpty(cands []historySource) (left, empty []historySource) {
	for _, c := range cands {
		redundant := slices.ContainsFunc(cands, func(o historySource) bool {
			if o.h.Ballot == c.h.Ballot || !containsAll(&o.h, &c.h) {
				return false
			}
			return !containsAll(&c.h, &o.h) || c.h.Ballot.Compare(o.h.Ballot) < 0
		})
		if redundant {
			empty = append(empty, c)
		} else {
			left = append(left, c)
		}
	}
	return left, empty
}

// containsAll reports whether h has no entry of its own and all that it was built
// from is in o.
func containsAll(o, h *wire.HistorySummary) bool {
	if h.Length > 0 {
		return false
	}
	for _, p := range h.Past {
		n, ok := kv.Past(o.Past).Count(p.Ballot)
		if p.Ballot == o.Ballot {
			n, ok = o.Length, true
		}
		if !ok || n < p.Count {
			return false
		}
	}
	return true
}

// findOwed finds the ballots that a member owes and the base lacks (I24).
func (v *decision) findOwed(joins []joined, by roundInput) {
	base := wire.HistorySummary{Past: v.base.Past}
	for _, j := range joins {
		for _, k := range j.join.Owed {
			listed := slices.ContainsFunc(v.owed, func(o wire.KnownBallot) bool { return o.Ballot == k.Ballot })
			if listed || history.Contains(&base, k.Ballot) || kv.Past(base.Past).Forgot(k.Ballot, by.pastLimit) {
				continue
			}
			v.owed = append(v.owed, k)
		}
	}
	if by.force {
		for _, k := range v.owed {
			v.base.GivenUp = append(v.base.GivenUp, k.Ballot)
		}
		v.owed = nil
	}
}
