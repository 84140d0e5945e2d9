package causal

import (
	"math"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// brute decides from the definition, by trying every possibility: which delete a version
// belongs to, which unknown writes took effect, and every order of the writes to each key.
// It checks the judge, for histories of a dozen operations. It does not check the form of a
// history.
type brute struct {
	h       *History
	source  []OpID
	shown   []OpID
	version []Version
	took    []bool
	before  [][]bool
}

// accepts reports whether some choice explains the history.
func (b *brute) accepts() bool {
	n := len(b.h.Ops)
	b.source, b.shown = slices.Repeat([]OpID{none}, n), slices.Repeat([]OpID{none}, len(b.h.Final))
	b.version, b.took = make([]Version, n), make([]bool, n)
	for i, o := range b.h.Ops {
		if o.Write() && o.Outcome != history.NotApplied {
			b.version[i], b.took[i] = o.Version, o.Outcome == history.OK
		}
	}
	return b.values() && b.names(b.tombstones())
}

// sight is one observation of a value or of a version.
type sight struct {
	key     string
	value   history.Value
	version Version
	end     int64
	source  *OpID
}

func (b *brute) sights() []sight {
	var list []sight
	for i, o := range b.h.Ops {
		if o.Kind == Get && o.Outcome == history.OK {
			list = append(list, sight{o.Key, o.Value, o.Version, o.End, &b.source[i]})
		}
	}
	for i, f := range b.h.Final {
		list = append(list, sight{f.Key, f.Value, f.Version, math.MaxInt64, &b.shown[i]})
	}
	return list
}

func (b *brute) values() bool {
	for _, s := range b.sights() {
		if s.value == 0 {
			continue
		}
		w := OpID(slices.IndexFunc(b.h.Ops, func(o Op) bool {
			return o.Kind == Put && o.Value == s.value && o.Key == s.key && o.Outcome != history.NotApplied && o.Start <= s.end
		}))
		if w < 0 || !b.read(s, w) {
			return false
		}
	}
	return true
}

// read records that a sight is of a write.
func (b *brute) read(s sight, w OpID) bool {
	if b.version[w].None() {
		b.version[w] = s.version
	}
	*s.source, b.took[w] = w, true
	return s.version.None() || s.version == b.version[w]
}

// tombstones returns the sights of deletes, by version.
func (b *brute) tombstones() [][]sight {
	var groups [][]sight
	for _, s := range b.sights() {
		if s.value != 0 || s.version.None() {
			continue
		}
		i := slices.IndexFunc(groups, func(g []sight) bool { return g[0].key == s.key && g[0].version == s.version })
		if i < 0 {
			groups = append(groups, []sight{s})
		} else {
			groups[i] = append(groups[i], s)
		}
	}
	return groups
}

// names tries every assignment of deletes to the versions of tombstones.
func (b *brute) names(groups [][]sight) bool {
	if len(groups) == 0 {
		return b.unique() && b.ordered()
	}
	g := groups[0]
	var candidates []OpID
	for i, o := range b.h.Ops {
		switch {
		case o.Kind != Delete || o.Key != g[0].key || o.Outcome == history.NotApplied:
		case b.version[i] == g[0].version, b.version[i].None():
			candidates = append(candidates, OpID(i))
		}
	}
	for _, d := range candidates {
		was := *b
		b.version, b.took = slices.Clone(b.version), slices.Clone(b.took)
		b.source, b.shown = slices.Clone(b.source), slices.Clone(b.shown)
		ok := true
		for _, s := range b.sights() {
			if s.value == 0 && s.key == g[0].key && s.version == g[0].version {
				ok = ok && b.h.Ops[d].Start <= s.end && b.read(s, d)
			}
		}
		if ok && b.names(groups[1:]) {
			return true
		}
		*b = was
	}
	return false
}

// ambiguous reports whether a version was seen that may belong to several deletes of a key.
func (b *brute) ambiguous() bool {
	return slices.ContainsFunc(b.tombstones(), func(g []sight) bool {
		unnamed := 0
		for _, o := range b.h.Ops {
			switch {
			case o.Kind != Delete || o.Key != g[0].key || o.Outcome == history.NotApplied:
			case o.Version == g[0].version:
				return false
			case o.Version.None():
				unnamed++
			}
		}
		return unnamed > 1
	})
}

// unique reports whether no two writes have one version or dot (I16).
func (b *brute) unique() bool {
	for i, v := range b.version {
		for k, u := range b.version[:i] {
			same := b.h.Ops[i].Key == b.h.Ops[k].Key
			if !v.None() && !u.None() && (same && u == v || v.Dot != "" && v.Dot == u.Dot) {
				return false
			}
		}
	}
	return true
}

// ordered computes the transitive closure of causal order, and checks each key.
func (b *brute) ordered() bool {
	n := len(b.h.Ops)
	b.before = make([][]bool, n)
	for i, o := range b.h.Ops {
		b.before[i] = make([]bool, n)
		for _, p := range o.Parents {
			b.before[i][p] = true
		}
		if s := b.source[i]; s != none {
			b.before[i][s] = true
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				b.before[i][j] = b.before[i][j] || b.before[i][k] && b.before[k][j]
			}
		}
	}
	var keys []string
	for i, o := range b.h.Ops {
		if b.before[i][i] {
			return false
		}
		if o.Kind != Join && !slices.Contains(keys, o.Key) {
			keys = append(keys, o.Key)
		}
	}
	return !slices.ContainsFunc(keys, func(key string) bool { return !b.key(key) })
}

func (b *brute) lost(id OpID) bool { return b.h.Lost != nil && b.h.Lost(id) }

// key tries every set of unknown writes, and every order of the writes.
func (b *brute) key(key string) bool {
	k := bruteKey{brute: b, key: key, ranked: true}
	for i, o := range b.h.Ops {
		if !o.Write() || o.Key != key || o.Outcome == history.NotApplied {
			continue
		}
		if !b.took[i] {
			k.maybe = append(k.maybe, OpID(i))
			continue
		}
		k.ranked = k.ranked && !b.version[i].None()
		k.sure = append(k.sure, OpID(i))
	}
	if k.ranked && !k.above() {
		return false
	}
	for set := range 1 << len(k.maybe) {
		k.left = slices.Clone(k.sure)
		for i, id := range k.maybe {
			if set>>i&1 == 1 {
				k.left = append(k.left, id)
			}
		}
		if k.permute() {
			return true
		}
	}
	return false
}

type bruteKey struct {
	*brute
	key         string
	ranked      bool
	sure, maybe []OpID
	left        []OpID // not placed yet
	order       []OpID // placed, lowest first
}

// above checks that each write with a version is above the versions in its past.
func (k *bruteKey) above() bool {
	for _, w := range slices.Concat(k.sure, k.maybe) {
		for _, m := range k.sure {
			if k.before[w][m] && !k.lost(m) && !k.version[w].None() && k.version[m].Compare(k.version[w]) > 0 {
				return false
			}
		}
	}
	return true
}

func (k *bruteKey) permute() bool {
	if len(k.left) == 0 {
		return k.explains()
	}
	for i, id := range k.left {
		k.left = slices.Delete(k.left, i, i+1)
		k.order = append(k.order, id)
		ok := k.permute()
		k.order = k.order[:len(k.order)-1]
		k.left = slices.Insert(k.left, i, id)
		if ok {
			return true
		}
	}
	return false
}

// counts reports whether a write has a place in the order. Without versions, a lost write
// has none.
func (k *bruteKey) counts(id OpID) bool { return k.ranked || !k.lost(id) }

func (k *bruteKey) explains() bool {
	for i, a := range k.order {
		for _, c := range k.order[i+1:] { // c is above a
			switch {
			case !k.counts(a) || !k.counts(c):
			case k.before[a][c] && !k.lost(c):
				return false
			case k.ranked && !k.version[a].None() && !k.version[c].None() && k.version[a].Compare(k.version[c]) > 0:
				return false
			}
		}
	}
	for i, o := range k.h.Ops {
		if o.Kind == Get && o.Outcome == history.OK && o.Key == k.key && !k.read(OpID(i)) {
			return false
		}
	}
	return k.final()
}

// read reports whether the order explains a get.
func (k *bruteKey) read(id OpID) bool {
	o := &k.h.Ops[id]
	past := func(m OpID) bool {
		return slices.ContainsFunc(o.Parents, func(p OpID) bool { return p == m || k.before[p][m] })
	}
	if s := k.source[id]; s != none {
		return k.covers(s, past)
	}
	may := func(d OpID) bool { return k.h.Ops[d].Start <= o.End && !k.before[d][id] }
	return k.deleted(past, may)
}

// covers reports whether no wanted write is above a write.
func (k *bruteKey) covers(s OpID, wanted func(OpID) bool) bool {
	at := slices.Index(k.order, s)
	return !k.counts(s) || !slices.ContainsFunc(k.order[at+1:], func(m OpID) bool { return wanted(m) && !k.lost(m) })
}

// deleted reports whether no write is wanted, or a delete that may explain the absence is
// above it.
func (k *bruteKey) deleted(wanted, may func(OpID) bool) bool {
	if !slices.ContainsFunc(k.order, func(m OpID) bool { return wanted(m) && !k.lost(m) }) {
		return true
	}
	return slices.ContainsFunc(k.order, func(d OpID) bool {
		return k.h.Ops[d].Kind == Delete && may(d) && k.covers(d, wanted)
	})
}

func (k *bruteKey) final() bool {
	all := func(OpID) bool { return true }
	for i, f := range k.h.Final {
		switch s := k.shown[i]; {
		case f.Key != k.key:
		case k.h.Final[slices.IndexFunc(k.h.Final, func(f Held) bool { return f.Key == k.key })].Value != f.Value:
			return false
		case s != none && !k.covers(s, all), s == none && !k.deleted(all, all):
			return false
		}
	}
	return k.h.Final == nil || slices.ContainsFunc(k.h.Final, func(f Held) bool { return f.Key == k.key }) ||
		!slices.ContainsFunc(k.sure, func(m OpID) bool { return !k.lost(m) })
}
