package causal

import (
	"slices"
	"strings"
)

// ends judges the final state of replicas, if it was recorded.
func (j *judge) ends() {
	if j.h.Final == nil {
		return
	}
	for _, r := range j.registers {
		switch owed := j.owed(r); {
		case j.full():
			return
		case len(r.finals) == 0 && len(owed) > 0:
			j.add(Malformed, j.one(owed[0], ""), "nobody read %q at the end", r.key)
		case len(r.finals) == 0:
		case j.diverged(r):
			j.divergence(r)
		case r.ranked && len(owed) > 0: // the others were judged with their reads
			j.endByVersion(r, owed)
		}
	}
}

// owed returns the writes that took effect and must not be missing at the end.
func (j *judge) owed(r *register) []OpID {
	var owed []OpID
	for _, id := range r.ops {
		if j.took[id] && !j.lost(id) {
			owed = append(owed, id)
		}
	}
	return owed
}

// diverged compares the replicas by live keys (I18). A tombstone and an absent key are the
// same.
func (j *judge) diverged(r *register) bool {
	first := j.h.Final[r.finals[0]].Value
	return slices.ContainsFunc(r.finals, func(i int) bool { return j.h.Final[i].Value != first })
}

func (j *judge) divergence(r *register) {
	var ops []Evidence
	var lines []string
	for _, i := range r.finals {
		lines = append(lines, j.h.Final[i].String())
		if s := j.shown[i]; s != none && !slices.ContainsFunc(ops, func(e Evidence) bool { return e.ID == s }) {
			ops = append(ops, j.one(s, "")...)
		}
	}
	j.add(Divergence, ops, "replicas of %q differ at the end (I18): %s", r.key, strings.Join(lines, "; "))
}

// missing reports that a replica holds less than a write at the end.
func (j *judge) missing(final int, write OpID) {
	held := j.h.Final[final]
	ops := j.one(write, "should be held, or what wins over it")
	if s := j.shown[final]; s != none {
		ops = append(ops, j.one(s, "is held")...)
	}
	if j.ops[write].Kind == Delete && held.Value != 0 {
		j.add(Resurrected, ops, "a deleted key is back at the end (I19): %v", held)
	} else {
		j.add(LostWrite, ops, "a write that took effect is gone at the end (I25): %v", held)
	}
}
