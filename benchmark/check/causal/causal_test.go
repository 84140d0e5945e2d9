package causal

import (
	"strings"
	"testing"

	"github.com/cohortkv/cohort/benchmark/history"
)

func TestEveryRuleHasAHistoryThatBreaksIt(t *testing.T) {
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			h := story(c.story)
			expect(t, Check(h), c.rule, c.says)
			expect(t, Check(blind(h)), c.blind, "")
			if want := (&brute{h: h}).accepts(); want && c.rule != Malformed {
				t.Error("the definition accepts it")
			}
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

var correct = map[string]string{
	"two keys and two sides, cyclic under CCv": `
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
	"a delete begins as a get ends that it explains": `
		w put x 1 1@0
		r get x - @4-6 < w
		d del x 2@0 @6-7 < w`,
	"a delete explains a 404 at whose end another begins": `
		d1 del x 9@0 @0-1
		d2 del x 1@0 @5-5
		w  put x 1 2@0 @5-5 < d2
		r  get x - @5-5 < w`,
	"one of two tombstones at the end was declared lost": `
		w  put x 1
		d1 del x 1@0 < w
		d2 del x 2@0 < d1
		lost d2
		final 0 x - 1@0
		final 1 x - 2@0`,
	"an unknown delete explains a 404, and a later write is there at the end": `
		w put x 1 1@0
		d del x ? < w
		r get x - < w
		v put x 2 3@0 < w
		final 0 x 2 3@0`,
	"a lost delete explains a 404": `
		w put x 1 1@0
		d del x 2@0 < w
		r get x - < w
		lost d
		final 0 x 1 1@0`,
	"a replica keeps a tombstone that others have dropped": `
		d del x 1@0
		final 0 x - 1@0
		final 1 x -`,
	"an unknown write is learnt of before its client gives up": `
		r get x 1 1@0 @4-5
		w put x 1 ? @1-9
		s get x 1 1@0 @10-11 < r`,
	"a read overlaps the write that it reads": `
		r get x 1 1@0 @1-5
		w put x 1 1@0 @2-9
		s get x 1 1@0 @10-11 < r w`,
	"a retried write is one, from its first attempt on": `
		w put x 1 3@0 @1-90
		r get x 1 3@0 @5-6
		s get x 1 3@0 @91-92 < w`,
	"refused operations say nothing": `
		w put x 1 1@0
		v put x 2 ! < w
		d del x ! < w
		r get x 1 1@0 < w
		final 0 x 1 1@0`,
	"sessions disagree on concurrent writes to two keys": `
		x  put x 1 1@0
		y  put y 2 1@1
		a1 get x 1 1@0
		a2 get y - < a1
		b1 get y 2 1@1
		b2 get x - < b1`,
}

func TestCorrectHistoriesAreAccepted(t *testing.T) {
	for name, text := range correct {
		t.Run(name, func(t *testing.T) {
			h := story(text)
			expect(t, Check(h), "", "")
			expect(t, Check(blind(h)), "", "")
			if !(&brute{h: h}).accepts() {
				t.Error("the definition does not accept it")
			}
		})
	}
}

func TestAViolationTellsTheShortestWay(t *testing.T) {
	r := Check(story(`
		q  put q 1 1@0
		r1 get q 1 1@0
		z1 put z 9 1@0 < r1
		z2 put z 8 2@0 < z1
		a  put a 2 1@0/n1.7 < z2
		r2 get a 2 1@0/n1.7
		z3 get w - < r2
		r3 get q - < z3`))
	want := `writes follow reads: a get of "q" finds nothing, but its context has a write, and no delete explains that it is gone (WriteCOInitRead, I14)
    #0 c1 put "q" 0.1 → 200 version 1@0 [0s +1ns]  (is in the context)
    #1 c1 get "q" → 200 0.1 version 1@0 [2ns +1ns]  (read it)
    #4 c1 put "a" 0.2 → 200 version 1@0/n1.7 after #3 [8ns +1ns]  (was sent after that)
    #5 c1 get "a" → 200 0.2 version 1@0/n1.7 [10ns +1ns]  (read it)
    #7 c1 get "q" → 404 after #6 [14ns +1ns]  (does not show it)`
	if len(r.Violations) != 1 || r.Violations[0].String() != want {
		t.Errorf("got  %v\nwant %s", r.Violations, want)
	}
}

func TestAnswersThatNoOperationHasAreFound(t *testing.T) {
	for _, op := range []Op{
		{Kind: Put, Key: "x", Value: 1, Status: 404},
		{Kind: Get, Key: "x", Status: 201},
		{Kind: Get, Key: "x", Status: 200},
		{Kind: Get, Key: "x", Status: 404, Value: 1},
		{Kind: Delete, Key: "x", Status: 503},
	} {
		op.Outcome = history.OK
		h := &History{}
		h.Add(op)
		expect(t, Check(h), BadStatus, "")
	}
}

func TestAnUndecidedHistoryIsNotAccepted(t *testing.T) {
	h := story(`
		w put x 1 1@0
		r get x 1 1@0 < w`)
	expect(t, check(h, 1), Undecided, "too much")
	expect(t, check(blind(h), 1), Undecided, "")
	expect(t, check(h, 2), "", "")
}

func TestAReportIsBounded(t *testing.T) {
	h := story(`w put x 1 1@0`)
	for i := range int64(100) {
		h.Add(Op{Kind: Get, Outcome: history.OK, Status: 404, Key: "x", Start: 10 + i, End: 10 + i}, 0)
	}
	if r := Check(h); len(r.Violations) != maxViolations {
		t.Errorf("%d violations", len(r.Violations))
	}
}
