package causal

import (
	"strings"
	"testing"
)

// wrong is a history that breaks exactly one rule.
type wrong struct {
	name  string
	story string
	rule  Rule   // with versions
	says  string // part of what is printed
	blind Rule   // without them, "" for nothing
}

func TestEveryRuleHasAHistoryThatBreaksIt(t *testing.T) {
	for _, c := range []wrong{
		{"a session does not see what it wrote", `
			w1 put x 1 1@0
			w2 put x 2 2@0 < w1
			r  get x 1 1@0 < w2`,
			ReadYourWrites, "#1 c1 put", ReadYourWrites},
		{"a session does not see what it wrote, but nothing", `
			w put x 1 1@0
			r get x - < w`,
			ReadYourWrites, "WriteCOInitRead", ReadYourWrites},
		{"a session goes back", `
			w1 put x 1 1@0
			w2 put x 2 2@0 < w1
			r1 get x 2 2@0
			r2 get x 1 1@0 < r1`,
			MonotonicReads, "WriteCORead", MonotonicReads},
		{"a session goes back to a concurrent write", `
			w1 put x 1 1@1
			w2 put x 2 1@0
			r1 get x 2 1@0
			r2 get x 1 1@1 < r1`,
			MonotonicReads, "", ""},
		{"another session's writes come out of order", `
			x1 put x 1 1@0
			x2 put x 2 2@0 < x1
			y  put y 3 1@0 < x2
			r1 get y 3 1@0
			r2 get x 1 1@0 < r1`,
			MonotonicWrites, "", MonotonicWrites},
		{"a session's writes to a key are ordered the other way", `
			w1 put x 1 2@0
			w2 put x 2 1@0 < w1`,
			MonotonicWrites, "I13", ""},
		{"an answer comes before the question", `
			q  put q 1 1@0
			r1 get q 1 1@0
			a  put a 2 1@0 < r1
			r2 get a 2 1@0
			r3 get q - < r2`,
			WritesFollowReads, "", WritesFollowReads},
		{"a write is not above what its session read", `
			w1 put x 1 2@0
			r  get x 1 2@0
			w2 put x 2 1@0 < r`,
			WritesFollowReads, "I13", ""},
		{"a long way to a read", `
			x1 put x 1 1@0
			x2 put x 2 2@0 < x1
			y  put y 3 1@0 < x2
			ry get y 3 1@0
			z  put z 4 1@0 < ry
			rz get z 4 1@0
			rx get x 1 1@0 < rz`,
			CausalRead, "", CausalRead},
		{"a long way to a write", `
			x  put x 1 2@0
			y  put y 3 1@0 < x
			ry get y 3 1@0
			x2 put x 2 1@0 < ry`,
			VersionOrder, "", ""},
		{"a delete is not seen", `
			w put x 1 1@0
			d del x 2@0 < w
			r get x 1 1@0 < d`,
			ReadYourWrites, "", ReadYourWrites},
		{"a 404 below the context", `
			w  put x 1 1@0
			d  del x 2@0 < w
			w2 put x 2 3@0 < d
			r  get x - 2@0 < w2`,
			ReadYourWrites, "", ReadYourWrites},
		{"a value out of nowhere", `
			r get x 1 1@0`,
			ThinAir, "nobody wrote", ThinAir},
		{"a value of another key", `
			w put y 1 1@0
			r get x 1 1@0`,
			ThinAir, "another key", ThinAir},
		{"a value that was refused", `
			w put x 1 !
			r get x 1 1@0`,
			ThinAir, "refused", ThinAir},
		{"a value from the future", `
			r get x 1 1@0
			w put x 1 1@0`,
			ThinAir, "before what it read began", ThinAir},
		{"a tombstone out of nowhere", `
			r get x - 1@0`,
			ThinAir, "nobody can have written", ""},
		{"a circle", `
			rx get x 1 1@0 @0-9
			wy put y 2 1@0 @9-9 < rx
			ry get y 2 1@0 @0-9
			wx put x 1 1@0 @9-9 < ry`,
			CausalCycle, "CyclicCO", CausalCycle},
		{"two writes with one version", `
			w1 put x 1 1@0/a
			w2 put x 2 1@0/a`,
			BadVersion, "two writes", ""},
		{"two writes with one dot", `
			w1 put x 1 1@0/a
			w2 put y 2 2@0/a`,
			BadVersion, "one dot", ""},
		{"one value with two versions", `
			w put x 1 1@0
			r get x 1 2@0`,
			BadVersion, "version 2@0 of what has version 1@0", ""},
		{"an unknown write that was read with two versions", `
			w  put x 1 ?
			r1 get x 1 1@0
			r2 get x 1 2@0`,
			BadVersion, "", ""},
		{"the version of a value without it", `
			w put x 1 1@0
			r get x - 1@0`,
			BadVersion, "", ""},
		{"replicas differ", `
			w1 put x 1 1@0
			w2 put x 2 1@1
			final 0 x 1 1@0
			final 1 x 2 1@1`,
			Divergence, "replica 1", Divergence},
		{"a replica has nothing", `
			w put x 1 1@0
			final 0 x 1 1@0
			final 1 x -`,
			Divergence, "", Divergence},
		{"a deleted key is back", `
			w put x 1 1@0
			d del x 2@0 < w
			final 0 x 1 1@0
			final 1 x 1 1@0`,
			Resurrected, "I19", Resurrected},
		{"an acknowledged write is gone", `
			w1 put x 1 1@0
			w2 put x 2 2@0 < w1
			final 0 x 1 1@0`,
			LostWrite, "I25", LostWrite},
		{"all is gone", `
			w put x 1 1@0
			final 0 x -`,
			LostWrite, "", LostWrite},
		{"a write that was read is gone", `
			w put x 1 ?
			r get x 1 1@0
			final 0 x -`,
			LostWrite, "", LostWrite},
		{"a delete hides a later write at the end", `
			d del x 1@0
			w put x 1 2@0 < d
			final 0 x - 1@0`,
			LostWrite, "", LostWrite},
		{"nobody looked at a key at the end", `
			w put x 1 1@0
			v put y 2 1@0
			final 0 x 1 1@0`,
			Malformed, "", Malformed},
		{"a parent without an answer", `
			w put x 1 ?
			r get x - < w`,
			Malformed, "", Malformed},
		{"a context from the future", `
			w put x 1 1@0 @5-9
			r get x 1 1@0 @6-7 < w`,
			Malformed, "", Malformed},
		{"two puts of one value", `
			w1 put x 1 1@0
			w2 put x 1 2@0`,
			Malformed, "", Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := story(c.story)
			expect(t, Check(h), c.rule, c.says)
			expect(t, Check(blind(h)), c.blind, "")
		})
	}
}

func expect(t *testing.T, r Result, rule Rule, says string) {
	t.Helper()
	switch {
	case rule == "" && len(r.Violations) > 0:
		t.Errorf("found %v, want nothing", r.Violations)
	case rule != "" && (len(r.Violations) != 1 || r.Violations[0].Rule != rule):
		t.Errorf("found %v, want one violation of rule %q", r.Violations, rule)
	case rule != "" && !strings.Contains(r.Violations[0].String(), says):
		t.Errorf("says %q, want %q in it", r.Violations[0], says)
	}
}

func TestCorrectHistoriesAreAccepted(t *testing.T) {
	for name, text := range map[string]string{
		"the one of CAUSAL.md §1, cyclic under CCv": `
			ya put y 1 1@0
			xa put x 2 1@0 < ya
			x0 put x 3 1@1
			x1 put x 4 2@1 < x0
			yb put y 5 1@1 < x1
			r1 get x 4 2@1 < xa
			r2 get y 1 1@0 < r1
			r3 get y 1 1@0 < yb
			r4 get x 4 2@1 < r3
			final 0 x 4 2@1
			final 1 x 4 2@1
			final 0 y 1 1@0
			final 1 y 1 1@0`,
		"nothing happened": ``,
		"strangers see old values": `
			w1 put x 1 1@0
			w2 put x 2 2@0 < w1
			r1 get x 1 1@0
			r2 get x -`,
		"a context is forked, and each branch goes its own way": `
			w  put x 1 1@0
			a  put x 2 2@0 < w
			b  put x 3 2@1 < w
			ra get x 2 2@0 < a
			rb get x 3 2@1 < b
			r  get x 1 1@0 < w`,
		"a context is handed to another client": `
			w put x 1 1@0
			v put y 2 1@0 < w
			r get x 1 1@0 < v`,
		"a client falls back to an older context": `
			w1 put x 1 1@0
			w2 put x 2 2@0 < w1
			r  get x 1 1@0 < w1
			s  get x -`,
		"a tie goes to the lower node": `
			a put x 1 1@0
			b put x 2 1@1
			j join < a b
			r get x 1 1@0 < j
			final 0 x 1 1@0`,
		"a tie of one node goes to the dot": `
			a put x 1 1@0/a
			b put x 2 1@0/b
			j join < a b
			r get x 2 1@0/b < j`,
		"a deleted key is not found, and its tombstone is brought along": `
			w  put x 1 1@0
			d  del x 2@0 < w
			r1 get x - 2@0 < d
			r2 get x - < r1
			final 0 x - 2@0
			final 1 x -`,
		"a delete of somebody else explains a 404": `
			w put x 1 1@0
			d del x 2@1
			r get x - < w
			final 0 x -`,
		"a delete with an unknown outcome explains a 404": `
			w put x 1 1@0
			d del x ?
			r get x - < w
			final 0 x -`,
		"a put with an unknown outcome may not have happened": `
			w put x 1 1@0
			u put x 2 ? < w
			r get x 1 1@0 < w
			final 0 x 1 1@0`,
		"or may": `
			w put x 1 1@0
			u put x 2 ? < w
			r get x 2 2@0 < w
			final 0 x 2 2@0`,
		"or may be seen at the end only": `
			w put x 1 1@0
			u put x 2 ?
			final 0 x 2 2@0`,
		"a listing": `
			x  put x 1 1@0
			y  put y 2 1@0
			i1 get x 1 1@0 @10-11 < x
			i2 get y 2 1@0 @10-11 < x
			l  join @11-11 < i1 i2
			r  get y 2 1@0 @12-13 < l`,
		"a new write brings a deleted key back": `
			w put x 1 1@0
			d del x 2@0 < w
			v put x 2 3@0 < d
			final 0 x 2 3@0`,
		"what was lost may be missing": `
			w1 put x 1 1@0
			w2 put x 2 2@0 < w1
			r  get x 1 1@0 < w2
			lost w2
			final 0 x 1 1@0`,
		"all was lost": `
			w put x 1 1@0
			r get x - < w
			lost w
			final 0 x -`,
		"a delete is read while it is going on": `
			w put x 1 1@0
			d del x 2@0 @4-9 < w
			r get x - 2@0 @5-6 < w`,
		"one of two unknown deletes is read": `
			w  put x 1 1@0
			d1 del x ? < w
			d2 del x ? < w
			r  get x - 2@0 < w
			final 0 x -`,
	} {
		t.Run(name, func(t *testing.T) {
			h := story(text)
			expect(t, Check(h), "", "")
			expect(t, Check(blind(h)), "", "")
		})
	}
}
