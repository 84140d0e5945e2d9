package causal

import (
	"slices"
	"strings"

	"github.com/cohortkv/cohort/benchmark/history"
)

// ends judges what replicas held at the end.
func (j *judge) ends(judges []keyJudge) {
	if j.h.Final == nil {
		return
	}
	for i, r := range j.registers {
		switch owed := j.owed(r); {
		case j.full():
			return
		case len(r.finals) == 0 && len(owed) > 0:
			j.add(Malformed, j.one(owed[0], ""), "nobody read %q at the end", r.key)
		case len(r.finals) > 0 && !j.diverged(r):
			j.end(r, judges[i], owed)
		}
	}
}

// owed are the writes that took effect and must not be missing.
func (j *judge) owed(r *register) []OpID {
	var owed []OpID
	for _, id := range r.ops {
		if j.took[id] && !j.lost(id) {
			owed = append(owed, id)
		}
	}
	return owed
}

// diverged compares the live keys of the replicas (I18). A tombstone, or none
// any more, makes no difference.
func (j *judge) diverged(r *register) bool {
	first := &j.h.Final[r.finals[0]]
	if !slices.ContainsFunc(r.finals, func(i int) bool { return j.h.Final[i].Value != first.Value }) {
		return false
	}
	var ops []Evidence
	var lines []string
	for _, i := range r.finals {
		lines = append(lines, j.h.Final[i].String())
		if s := j.shown[i]; s != none && !slices.ContainsFunc(ops, func(e Evidence) bool { return e.ID == s }) {
			ops = append(ops, j.one(s, "")...)
		}
	}
	j.add(Divergence, ops, "replicas of %q differ at the end (I18): %s", r.key, strings.Join(lines, "; "))
	return true
}

// end holds every replica against what is owed: nothing may win over what it
// holds (I25), and where it holds nothing, over every delete (I19).
func (j *judge) end(r *register, judge keyJudge, owed []OpID) {
	for _, i := range r.finals {
		s := j.shown[i]
		if s == none && (len(owed) == 0 || j.gone(r, judge, owed)) {
			continue
		}
		winner := none
		for _, m := range owed {
			if (s == none || judge.wins(m, s)) && (winner == none || judge.wins(m, winner)) {
				winner = m
			}
		}
		if winner == none {
			continue
		}
		ops := j.one(winner, "should be held, or what wins over it")
		if s != none {
			ops = append(ops, j.one(s, "is held")...)
		}
		if j.ops[winner].Kind == Delete && j.h.Final[i].Value != 0 {
			j.add(Resurrected, ops, "a deleted key is back at the end (I19): %v", j.h.Final[i])
		} else {
			j.add(LostWrite, ops, "a write that took effect is gone at the end (I25): %v", j.h.Final[i])
		}
		return
	}
}

// gone reports whether a delete explains that a key is not there.
func (j *judge) gone(r *register, judge keyJudge, owed []OpID) bool {
	return slices.ContainsFunc(r.ops, func(d OpID) bool {
		return j.ops[d].Kind == Delete && j.ops[d].Outcome != history.NotApplied &&
			!slices.ContainsFunc(owed, func(m OpID) bool { return judge.wins(m, d) })
	})
}
