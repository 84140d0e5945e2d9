package causal

import (
	"cmp"
	"math"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// sources finds, for every read, the write that it read: by its value, or for a 404 by the
// version of the delete that explains it. If a write's own answer had no version, the
// version is learnt from its readers.
func (j *judge) sources() {
	j.took = make([]bool, len(j.ops))
	j.source = slices.Repeat([]OpID{none}, len(j.ops))
	j.shown = slices.Repeat([]OpID{none}, len(j.h.Final))
	j.names = names{spent: make([]bool, len(j.ops)), learned: map[OpID]Version{}, lostPhantoms: map[OpID]bool{}}
	writers := j.writers()
	for _, r := range j.registers {
		if j.full() {
			return
		}
		v := versions{judge: j, of: r, byVersion: map[Version]OpID{}}
		v.own()
		v.readValues(writers)
		v.readDeletes()
	}
	j.dots()
}

// names is what was found out about writes without a version in their own answer.
type names struct {
	learned      map[OpID]Version // by write: the version that its readers had
	spent        []bool           // by write: a delete that has a version that was seen, if it took effect
	lostPhantoms map[OpID]bool    // phantoms that stand for a delete that may be lost
}

// writers maps every value to the put that wrote it, refused puts included.
func (j *judge) writers() map[history.Value]OpID {
	writers := make(map[history.Value]OpID, len(j.ops)/2)
	for i := range j.ops {
		o := &j.ops[i]
		if o.Kind != Put {
			continue
		}
		if other, twice := writers[o.Value]; twice {
			j.add(Malformed, j.two(other, "", OpID(i), ""), "two puts write the same value")
		}
		writers[o.Value] = OpID(i)
	}
	return writers
}

// version returns the version of a write, as far as an answer or a read showed it.
func (j *judge) version(id OpID) Version {
	if v := j.ops[id].Version; !v.None() {
		return v
	}
	return j.learned[id]
}

// lost reports whether the judge may ask nothing of a write.
func (j *judge) lost(id OpID) bool {
	if int(id) >= len(j.h.Ops) {
		return j.lostPhantoms[id]
	}
	return j.h.Lost != nil && j.h.Lost(id)
}

// versions matches the writes of one key with the versions that were seen.
type versions struct {
	*judge
	of        *register
	byVersion map[Version]OpID
	unnamed   []reading // reads of deletes whose version belongs to no known write
}

// reading is one observation of a version: by a get, or at a replica at the end.
type reading struct {
	version Version
	get     OpID // none at the end
	final   int  // at the end: the place in History.Final
	end     int64
}

// own takes the versions from the answers of the writes themselves.
func (v *versions) own() {
	for _, id := range v.of.ops {
		if o := &v.ops[id]; o.Write() {
			v.took[id] = o.Outcome == history.OK
			v.claim(id, o.Version)
		}
	}
}

// claim records that a write has a version. No two writes have the same (I16).
func (v *versions) claim(id OpID, version Version) {
	if version.None() {
		return
	}
	if other, taken := v.byVersion[version]; taken && other != id {
		v.add(BadVersion, v.two(other, "", id, ""), "two writes to %q have version %v (I16)", v.of.key, version)
		return
	}
	v.byVersion[version] = id
}

// readings yields the answered gets, and what replicas held at the end.
func (v *versions) readings(yield func(r reading, value history.Value) bool) {
	for _, id := range v.of.ops {
		if o := &v.ops[id]; o.Kind == Get && !yield(reading{o.Version, id, 0, o.End}, o.Value) {
			return
		}
	}
	for _, i := range v.of.finals {
		held := &v.h.Final[i]
		if !yield(reading{held.Version, none, i, math.MaxInt64}, held.Value) {
			return
		}
	}
}

// shows returns the evidence for a reading of a write.
func (v *versions) shows(r reading, write OpID, part string) ([]Evidence, string) {
	var list []Evidence
	if write != none {
		list = v.one(write, part)
	}
	if r.get == none {
		return list, v.h.Final[r.final].String()
	}
	return append(list, v.one(r.get, "the read")...), "a get"
}

// readValues finds the sources of reads that found a value.
func (v *versions) readValues(writers map[history.Value]OpID) {
	for r, value := range v.readings {
		if value == 0 {
			continue
		}
		write, known := writers[value]
		if !known {
			write = none
		}
		ops, who := v.shows(r, write, "the put")
		switch {
		case !known:
			v.add(ThinAir, ops, "%s shows %v, which nobody wrote", who, value)
		case v.ops[write].Key != v.of.key:
			v.add(ThinAir, ops, "%s shows a value of another key", who)
		case v.ops[write].Outcome == history.NotApplied:
			v.add(ThinAir, ops, "%s shows a value whose put was refused", who)
		default:
			v.bind(r, write)
		}
	}
}

// bind records that a reading is of a write. The write took effect, and the version of the
// reading is the write's: one version has one value (I16).
func (v *versions) bind(r reading, write OpID) {
	v.took[write] = true
	if r.get != none {
		v.source[r.get] = write
	} else {
		v.shown[r.final] = write
	}
	known := v.version(write)
	switch {
	case r.version.None() || known == r.version:
	case known.None():
		if v.claim(write, r.version); v.byVersion[r.version] == write {
			v.learned[write] = r.version
		}
	default:
		ops, who := v.shows(r, write, "the write")
		v.add(BadVersion, ops, "%s shows version %v of what has version %v (I16)", who, r.version, known)
	}
}

// readDeletes finds the sources of 404s that carry a version.
func (v *versions) readDeletes() {
	for r, value := range v.readings {
		if value != 0 || r.version.None() {
			continue
		}
		write, known := v.byVersion[r.version]
		switch {
		case !known:
			v.unnamed = append(v.unnamed, r)
		case v.ops[write].Kind != Delete:
			ops, who := v.shows(r, write, "the write")
			v.add(BadVersion, ops, "%s shows nothing under version %v, which has a value (I16)", who, r.version)
		default:
			v.bind(r, write)
		}
	}
	if len(v.unnamed) > 0 {
		v.name()
	}
}

// name finds deletes for versions that belong to no known write, among the deletes without
// a version. If there is only one candidate, the version is its own. Several candidates
// cannot be distinguished. Then the version is given to a phantom delete with nothing in
// its past.
func (v *versions) name() {
	var candidates []OpID // by start
	for _, id := range v.of.ops {
		if v.ops[id].Kind == Delete && v.version(id).None() {
			candidates = append(candidates, id)
		}
	}
	slices.SortStableFunc(candidates, func(a, b OpID) int { return cmp.Compare(v.ops[a].Start, v.ops[b].Start) })
	slices.SortStableFunc(v.unnamed, func(a, b reading) int { return cmp.Compare(a.end, b.end) })
	var ends []int64 // by version: when it was first seen
	for _, r := range v.unnamed {
		write, known := v.byVersion[r.version]
		switch {
		case known:
		case !v.suffice(candidates, append(ends, r.end)):
			ops, who := v.shows(r, none, "")
			v.add(ThinAir, ops, "%s shows a delete with version %v, which nobody can have written", who, r.version)
			continue
		case len(candidates) == 1:
			write = candidates[0]
			ends = append(ends, r.end)
		default:
			write = v.phantomDelete(r.version, candidates)
			ends = append(ends, r.end)
		}
		v.bind(r, write)
	}
	v.spend(candidates, ends)
}

// suffice reports whether there are enough deletes: for each version, in the order in which
// they were seen, one more delete had begun by that time.
func (v *versions) suffice(candidates []OpID, ends []int64) bool {
	for i, end := range ends {
		if i == len(candidates) || v.ops[candidates[i]].Start > end {
			return false
		}
	}
	return true
}

// spend marks the deletes that cannot explain anything else, because without one of them
// there are not enough for the versions that were seen.
func (v *versions) spend(candidates []OpID, ends []int64) {
	for i, id := range candidates {
		if v.suffice(slices.Delete(slices.Clone(candidates), i, i+1), ends) {
			return // the later ones are not needed either
		}
		v.spent[id] = !v.took[id]
	}
}

// phantomDelete adds a delete of which only the version is known, and that it is one of
// some candidates.
func (v *versions) phantomDelete(version Version, candidates []OpID) OpID {
	id, start := OpID(len(v.ops)), v.ops[candidates[0]].Start
	if slices.ContainsFunc(candidates, v.lost) {
		v.lostPhantoms[id] = true
	}
	v.ops = append(v.ops, Op{Kind: Delete, Outcome: history.Unknown, Key: v.of.key, Version: version, Start: start, End: start})
	v.took = append(v.took, true)
	v.spent = append(v.spent, false)
	v.source = append(v.source, none)
	v.of.ops = append(v.of.ops, id)
	v.claim(id, version)
	return id
}

// dots looks for two writes with one dot (I16). Writes of one key with one version are left
// out: claim finds those.
func (j *judge) dots() {
	writes := map[string]OpID{}
	for i := range j.ops {
		id := OpID(i)
		if o := &j.ops[i]; !o.Write() || !counts(o) {
			continue
		}
		dot := j.version(id).Dot
		if dot == "" {
			continue
		}
		if other, taken := writes[dot]; taken && (j.ops[other].Key != j.ops[id].Key || j.version(other) != j.version(id)) {
			j.add(BadVersion, j.two(other, "", id, ""), "two writes have one dot (I16)")
		}
		writes[dot] = id
	}
}
