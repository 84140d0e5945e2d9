package strong

import (
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

// decide picks the base. It looks at ancestry only: a history whose ballot is in
// another's past is older, and what it has beyond was never committed (I8).
func decide(self wire.NodeID, joins []joined, force bool, pastLimit int) verdict {
	var v verdict
	cands := candidates(joins, &v)
	cands = youngest(cands, pastLimit, &v)
	if len(cands) == 0 {
		v.holder = self
		v.settleOwed(joins, force, pastLimit)
		return v
	}
	first := cands[0].h.Ballot
	if slices.ContainsFunc(cands, func(c candidate) bool { return c.h.Ballot != first }) {
		v.diverged = cands
		return v
	}
	best := cands[0]
	for _, c := range cands[1:] {
		longer := c.h.Length > best.h.Length
		if longer || c.h.Length == best.h.Length && c.holder == self {
			best = c
		}
	}
	v.holder, v.members = best.holder, best.h.Members
	v.base = wire.Base{
		Source: first, Length: best.h.Length,
		Past: kv.Past(best.h.Past).With(first, best.h.Length, pastLimit),
	}
	v.settleOwed(joins, force, pastLimit)
	return v
}

// candidates lists what the joined nodes hold. A staged base counts instead of
// its holder's history, unless a node that its ballot counts on has joined
// without it: then that ballot never was active, nor ever will be.
func candidates(joins []joined, v *verdict) []candidate {
	var out []candidate
	for _, j := range joins {
		h := j.join.History
		if s := j.join.Staged; s.Present {
			if neverActive(&s, joins) {
				v.dropped++
			} else {
				h = s.History
			}
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
		has := j.join.Staged.Present && j.join.Staged.History.Ballot == b || contains(&j.join.History, b)
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

func contains(h *wire.HistorySummary, b wire.Ballot) bool {
	if b == h.Ballot {
		return true
	}
	_, ok := kv.Past(h.Past).Count(b)
	return ok
}

// settleOwed finds the ballots that some member owes and the base lacks (I24).
func (v *verdict) settleOwed(joins []joined, force bool, pastLimit int) {
	base := wire.HistorySummary{Ballot: v.base.Source, Past: v.base.Past}
	for _, j := range joins {
		for _, k := range j.join.Owed {
			listed := slices.ContainsFunc(v.owed, func(o wire.KnownBallot) bool { return o.Ballot == k.Ballot })
			if listed || contains(&base, k.Ballot) || kv.Past(base.Past).Forgot(k.Ballot, pastLimit) {
				continue
			}
			v.owed = append(v.owed, k)
		}
	}
	if force {
		for _, k := range v.owed {
			v.base.GivenUp = append(v.base.GivenUp, k.Ballot)
		}
		v.owed = nil
	}
}
