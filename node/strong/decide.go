package strong

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// joined is a promise that a round has received.
type joined struct {
	node wire.NodeID
	inc  wire.Incarnation
	join *wire.Join
}

// candidate is a history that a round may start from, with its holder.
type candidate struct {
	holder wire.NodeID
	h      wire.HistorySummary
}

// verdict is what the joins of all members decide (docs/strong.md §3).
type verdict struct {
	base     wire.Base
	holder   wire.NodeID // of the whole base; self when the base is empty
	members  []wire.Member
	diverged []candidate        // more than one history is left
	owed     []wire.KnownBallot // that the base does not contain
	dropped  int                // staged bases that were never active
	strange  int                // histories older than anybody remembers
}

// electorate is what a decision depends on beside the joins.
type electorate struct {
	self      wire.NodeID
	members   []wire.Member
	force     bool
	pastLimit int
}

// decide picks the base. It looks at ancestry only: a history whose ballot is in
// another's past is older, and what it has beyond was never committed (I8).
func decide(by electorate, joins []joined) verdict {
	v := verdict{holder: by.self}
	cands := youngest(candidates(joins, &v), by.pastLimit, &v)
	cands, empty := withoutEmpty(cands)
	if len(cands) > 0 {
		first := cands[0].h.Ballot
		if slices.ContainsFunc(cands, func(c candidate) bool { return c.h.Ballot != first }) {
			v.diverged = cands
			return v
		}
		best := slices.MaxFunc(cands, by.prefer)
		v.holder, v.members = best.holder, best.h.Members
		past := kv.Past(best.h.Past)
		for _, c := range empty {
			past = past.With(c.h.Ballot, 0, by.pastLimit)
		}
		v.base = wire.Base{Source: first, Length: best.h.Length, Past: past.With(first, best.h.Length, by.pastLimit)}
	}
	v.settleOwed(joins, by)
	return v
}

// prefer orders histories of one ballot: by length; then the primary's own, then
// members', which are there as long as the round is, before sources'.
func (by *electorate) prefer(a, b candidate) int {
	rank := func(c candidate) int {
		switch {
		case c.holder == by.self:
			return 2
		case slices.ContainsFunc(by.members, func(m wire.Member) bool { return m.ID == c.holder }):
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.h.Length, b.h.Length), cmp.Compare(rank(a), rank(b)), cmp.Compare(b.holder, a.holder))
}

// candidates lists what the joined nodes hold. A staged base counts instead of
// what is beneath it, unless a node that its ballot counts on has joined
// without it: then that ballot never was active, nor ever will be.
func candidates(joins []joined, v *verdict) []candidate {
	var out []candidate
	for _, j := range joins {
		h := j.join.History
		for i := range j.join.Staged {
			if s := &j.join.Staged[i]; !neverActive(s, joins) {
				h = s.History
				break
			}
			v.dropped++
		}
		if !h.Ballot.IsZero() {
			out = append(out, candidate{j.node, h})
		}
	}
	return out
}

func neverActive(s *wire.StagedSummary, joins []joined) bool {
	b := s.History.Ballot
	for _, j := range joins {
		bound := slices.ContainsFunc(s.Bound, func(x wire.Sighting) bool {
			return x.Node == j.node && x.Inc == j.inc
		})
		has := contains(&j.join.History, b) || slices.ContainsFunc(j.join.Staged, func(o wire.StagedSummary) bool {
			return contains(&o.History, b)
		})
		if bound && !has {
			return true
		}
	}
	return false
}

// youngest drops the histories that another one contains, and those so old that
// the others may have forgotten that they do.
func youngest(cands []candidate, pastLimit int, v *verdict) []candidate {
	var out []candidate
	for _, c := range cands {
		older, strange := false, false
		for _, o := range cands {
			if o.h.Ballot == c.h.Ballot {
				continue
			}
			older = older || contains(&o.h, c.h.Ballot)
			strange = strange || kv.Past(o.h.Past).Forgot(c.h.Ballot, pastLimit)
		}
		if strange && !older {
			v.strange++
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
func withoutEmpty(cands []candidate) (left, empty []candidate) {
	for _, c := range cands {
		redundant := slices.ContainsFunc(cands, func(o candidate) bool {
			if o.h.Ballot == c.h.Ballot || !covers(&o.h, &c.h) {
				return false
			}
			return !covers(&c.h, &o.h) || c.h.Ballot.Compare(o.h.Ballot) < 0
		})
		if redundant {
			empty = append(empty, c)
		} else {
			left = append(left, c)
		}
	}
	return left, empty
}

// covers reports whether h has no entry of its own and all that it was built
// from is in o.
func covers(o, h *wire.HistorySummary) bool {
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

func contains(h *wire.HistorySummary, b wire.Ballot) bool {
	if b == h.Ballot {
		return true
	}
	_, ok := kv.Past(h.Past).Count(b)
	return ok
}

// settleOwed finds the ballots that some member owes and the base lacks (I24).
func (v *verdict) settleOwed(joins []joined, by electorate) {
	base := wire.HistorySummary{Ballot: v.base.Source, Past: v.base.Past}
	for _, j := range joins {
		for _, k := range j.join.Owed {
			listed := slices.ContainsFunc(v.owed, func(o wire.KnownBallot) bool { return o.Ballot == k.Ballot })
			if listed || contains(&base, k.Ballot) || kv.Past(base.Past).Forgot(k.Ballot, by.pastLimit) {
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
