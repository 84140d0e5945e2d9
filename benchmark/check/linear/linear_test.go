package linear

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/benchmark/history"
)

func drawWorld(t *rapid.T, maxOps int) world {
	return world{
		clients: rapid.IntRange(1, 6).Draw(t, "clients"),
		keys:    rapid.IntRange(1, 3).Draw(t, "keys"),
		ops:     rapid.IntRange(1, maxOps).Draw(t, "ops"),
		lost:    rapid.SampledFrom([]float64{0, 0.02, 0.2}).Draw(t, "lost"),
		refused: rapid.SampledFrom([]float64{0, 0.1}).Draw(t, "refused"),
		v1:      rapid.Bool().Draw(t, "v1"),
		seed:    rapid.Uint64().Draw(t, "seed"),
	}
}

func dump(ops []history.Op) string {
	var b strings.Builder
	for _, o := range ops {
		b.WriteString(o.String() + "\n")
	}
	return b.String()
}

func TestHistoriesOfARealRegisterAreAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 300)
		w.lost = min(w.lost, 0.02)
		ops := w.history()
		if v := Witness(ops, 1); len(v) > 0 {
			t.Fatalf("witness: %v\n%s", v, dump(ops))
		}
		for _, key := range ByKey(ops) {
			if r := sliced(key, 40); len(r.Violations) > 0 {
				t.Fatalf("porcupine: %v\n%s", r.Violations, dump(key))
			}
		}
	})
}

// mutate changes one operation as a bug of the cluster would.
func mutate(rng *rand.Rand, ops []history.Op) {
	o, other := &ops[rng.IntN(len(ops))], ops[rng.IntN(len(ops))]
	switch rng.IntN(6) {
	case 0:
		o.Num += uint64(rng.IntN(4)) - 1
	case 1:
		o.Status = []uint16{200, 201, 204, 404}[rng.IntN(4)]
	case 2:
		if o.Kind == history.Get && o.Outcome == history.OK {
			o.Value, o.Status = other.Value, 200
		}
	case 3:
		if o.Kind == history.Get && o.Outcome == history.OK {
			o.Value, o.Status = 0, 404
		}
	case 4:
		shift := rng.Int64N(400) - 200
		o.Start, o.End = o.Start+shift, o.End+shift
	case 5:
		if o.Outcome == history.OK && o.Write() {
			o.Outcome, o.Status, o.Num = history.NotApplied, 503, 0
		}
	}
}

// TestBothJudgesAgreeWithTheDefinition compares both judges with the definition. The
// histories are small; some are linearizable, others have a few bugs. Each judge must
// decide as brute does.
func TestBothJudgesAgreeWithTheDefinition(t *testing.T) {
	var guilty, innocent int
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 9)
		w.lost = rapid.SampledFrom([]float64{0, 0.2, 0.5}).Draw(t, "lost more")
		ops := w.history()
		rng := rand.New(rand.NewPCG(w.seed, 2))
		for range rapid.IntRange(0, 3).Draw(t, "bugs") {
			mutate(rng, ops)
		}
		want := (&brute{ops: ops, numbers: true}).linearizable()
		if v := Witness(ops, 1); (len(v) == 0) != want {
			t.Fatalf("linearizable with these numbers: %v; witness: %v\n%s", want, v, dump(ops))
		}
		for _, key := range ByKey(ops) {
			want := (&brute{ops: key}).linearizable()
			if want {
				innocent++
			} else {
				guilty++
			}
			for size := 1; size <= len(key); size++ {
				if r := sliced(key, size); (len(r.Violations) == 0) != want {
					t.Fatalf("linearizable: %v; in slices of %d: %v\n%s", want, size, r.Violations, dump(key))
				}
			}
		}
	})
	t.Logf("%d keys linearizable, %d not", innocent, guilty)
	if guilty == 0 || innocent == 0 {
		t.Fatal("only one verdict was ever tried")
	}
}

// TestOneBugInALongHistoryIsFound changes one answer of a long linearizable history
// to one that cannot be true.
func TestOneBugInALongHistoryIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := world{clients: 5, keys: 1, ops: 400, seed: rapid.Uint64().Draw(t, "seed")}
		ops := w.history()
		i := rapid.IntRange(0, len(ops)-1).Draw(t, "operation")
		o := &ops[i]
		switch {
		case o.Kind == history.Get:
			o.Value, o.Status = history.NewValue(1000, 1), 200
		case o.Status == 200:
			o.Status = map[history.Kind]uint16{history.Put: 201, history.Delete: 404}[o.Kind]
		default:
			o.Status = 200
		}
		if len(Witness(ops, 1)) == 0 {
			t.Fatalf("the witness accepts %v", o)
		}
		// In another order the status alone may be possible. A value that was never
		// written is impossible in every order.
		if o.Kind == history.Get && len(sliced(ops, 50).Violations) == 0 {
			t.Fatalf("porcupine accepts %v", o)
		}
	})
}

// put, get, del make answered operations of client 1 on key k for the table.
func put(n uint32, status uint16, num uint64, start, end int64) history.Op {
	return history.Op{Client: 1, Kind: history.Put, Outcome: history.OK, Status: status, Key: "k", Value: history.NewValue(1, n), Num: num, Start: start, End: end}
}

func get(n uint32, num uint64, start, end int64) history.Op {
	o := history.Op{Client: 2, Kind: history.Get, Outcome: history.OK, Status: 404, Key: "k", Num: num, Start: start, End: end}
	if n != 0 {
		o.Status, o.Value = 200, history.NewValue(1, n)
	}
	return o
}

func del(status uint16, num uint64, start, end int64) history.Op {
	return history.Op{Client: 3, Kind: history.Delete, Outcome: history.OK, Status: status, Key: "k", Num: num, Start: start, End: end}
}

func lost(o history.Op) history.Op {
	o.Outcome, o.Status, o.Num = history.Unknown, 0, 0
	return o
}

func refused(o history.Op) history.Op {
	o.Outcome, o.Status, o.Num = history.NotApplied, 503, 0
	return o
}

func at(key string, o history.Op) history.Op {
	o.Key = key
	return o
}

func TestEveryRuleHasAHistoryThatBreaksIt(t *testing.T) {
	for name, c := range map[string]struct {
		ops     []history.Op
		witness Rule   // the rule that Witness reports; "": none
		says    string // part of its message
		search  Rule   // the rule that Key reports; "": none
	}{
		"a stale read": {
			[]history.Op{put(1, 201, 1, 0, 1), put(2, 200, 2, 2, 3), get(1, 3, 4, 5)}, BadValue, "1.1 was read, but the writes before leave 1.2", NoOrder},
		"a stale read with a stale number": {
			[]history.Op{put(1, 201, 1, 0, 1), put(2, 200, 2, 2, 3), get(1, 2, 4, 5)}, RealTime, "its number puts it behind", NoOrder},
		"a lost write": {
			[]history.Op{put(1, 201, 1, 0, 1), get(0, 2, 2, 3)}, BadValue, "had no value, but the writes before leave 1.1", NoOrder},
		"two writes with one number": {
			[]history.Op{put(1, 201, 1, 0, 1), put(2, 200, 1, 2, 3)}, BadNumber, "two writes own number 1", ""},
		"a number that nobody owns": {
			[]history.Op{put(1, 201, 1, 0, 1), put(2, 200, 3, 2, 3)}, BadNumber, "numbers 2 are given to no write", ""},
		"a read with a number that nobody owns": {
			[]history.Op{put(1, 201, 1, 0, 1), get(1, 3, 2, 3)}, BadNumber, "numbers 2 are given", ""},
		"a number below the first": {
			[]history.Op{put(1, 201, 0, 0, 1)}, BadNumber, "numbers start at 1", ""},
		"numbers against real time": {
			[]history.Op{at("x", put(1, 201, 2, 0, 1)), put(2, 201, 1, 2, 3)}, RealTime, "its number puts it behind", ""},
		"created twice": {
			[]history.Op{put(1, 201, 1, 0, 1), put(2, 201, 2, 2, 3)}, BadValue, "201 says that the key had no value", NoOrder},
		"replaced what was not there": {
			[]history.Op{put(1, 200, 1, 0, 1)}, BadValue, "200 says that the key had a value", NoOrder},
		"deleted what was not there": {
			[]history.Op{del(200, 1, 0, 1)}, BadValue, "had a value", NoOrder},
		"deleted, but nothing there": {
			[]history.Op{put(1, 201, 1, 0, 1), del(404, 2, 2, 3)}, BadValue, "had no value", NoOrder},
		"a status of another kind": {
			[]history.Op{del(201, 1, 0, 1)}, BadStatus, "no delete that took effect answers 201", BadStatus},
		"a resurrected delete": {
			[]history.Op{put(1, 201, 1, 0, 1), del(200, 2, 2, 3), get(1, 3, 4, 5)}, BadValue, "1.1 was read, but the writes before leave nothing", NoOrder},
		"a read from the future": {
			[]history.Op{get(1, 1, 0, 1), put(1, 201, 1, 2, 3)}, BadValue, "before it was written", NoOrder},
		"a value out of nowhere": {
			[]history.Op{get(9, 1, 0, 1)}, BadValue, "which nobody wrote", NoOrder},
		"a value of another key": {
			[]history.Op{at("x", put(1, 201, 1, 0, 1)), get(1, 2, 2, 3)}, BadValue, `written to "x"`, NoOrder},
		"a value that was refused": {
			[]history.Op{refused(put(1, 0, 0, 0, 1)), get(1, 1, 2, 3)}, BadValue, "whose put was refused", NoOrder},
		"an unknown write that was read before it began": {
			[]history.Op{get(1, 2, 0, 1), lost(put(1, 0, 0, 2, 3))}, BadValue, "only a write with an unknown outcome", NoOrder},
		"an unknown write that came back": {
			[]history.Op{lost(put(1, 0, 0, 0, 1)), get(1, 2, 2, 3), del(200, 2, 4, 5), get(1, 3, 6, 7)}, BadValue, "1.1 was read", NoOrder},
		"two answers that need one unknown delete": {
			[]history.Op{lost(del(0, 0, 0, 1)), put(1, 201, 1, 0, 1), put(2, 201, 3, 2, 3), put(3, 201, 4, 4, 5)}, BadValue, "none had a free number", NoOrder},
		"an unknown write that cannot have taken the free number": {
			[]history.Op{lost(put(1, 0, 0, 0, 1)), put(2, 201, 1, 0, 1), get(2, 3, 2, 3)}, Unexplained, "[2] are free", ""},
		"two puts of one value": {
			[]history.Op{put(1, 201, 1, 0, 1), put(1, 200, 2, 2, 3)}, Malformed, "same value", Malformed},
		"an end before a start": {
			[]history.Op{put(1, 201, 1, 5, 1)}, Malformed, "ends before", Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, "witness", Witness(c.ops, 1), c.witness)
			if v := Witness(c.ops, 1); len(v) > 0 && !strings.Contains(v[0].String(), c.says) {
				t.Errorf("witness says %q, want %q in it", v[0], c.says)
			}
			i := slices.IndexFunc(ByKey(c.ops), func(ops []history.Op) bool { return ops[0].Key == "k" })
			expect(t, "porcupine", Key(ByKey(c.ops)[i]).Violations, c.search)
		})
	}
}

func expect(t *testing.T, judge string, got []Violation, want Rule) {
	t.Helper()
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("%s finds %v, want nothing", judge, got)
	case want != "" && (len(got) == 0 || got[0].Rule != want):
		t.Errorf("%s finds %v, want rule %q", judge, got, want)
	}
}

func TestUnknownWritesMayTakeEffectLateOrNever(t *testing.T) {
	for name, ops := range map[string][]history.Op{
		"never":                        {put(1, 201, 1, 0, 1), lost(put(2, 0, 0, 2, 3)), get(1, 2, 4, 5)},
		"unseen":                       {put(1, 201, 1, 0, 1), lost(put(2, 0, 0, 2, 3)), put(3, 200, 3, 4, 5)},
		"later than an answered write": {put(1, 201, 1, 0, 1), lost(put(2, 0, 0, 2, 3)), put(3, 200, 2, 4, 5), get(2, 4, 6, 7)},
		"a delete that explains 201":   {put(1, 201, 1, 0, 1), lost(del(0, 0, 2, 3)), put(3, 201, 3, 4, 5)},
		"one hidden by another":        {lost(put(1, 0, 0, 0, 1)), lost(del(0, 0, 0, 1)), get(0, 3, 2, 3), put(2, 201, 3, 4, 5)},
		"on another key":               {lost(at("x", put(1, 0, 0, 0, 1))), put(2, 201, 2, 2, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, "witness", Witness(ops, 1), "")
			for _, key := range ByKey(ops) {
				expect(t, "porcupine", Key(key).Violations, "")
			}
		})
	}
}

func TestNumbersGoOnWhereTheClusterWas(t *testing.T) {
	ops := []history.Op{get(0, 41, 0, 1), put(1, 201, 41, 2, 3)}
	expect(t, "witness", Witness(ops, 41), "")
	expect(t, "witness", Witness(ops, 40), BadNumber)
}

func TestAnAbsurdNumberCostsNothing(t *testing.T) {
	expect(t, "witness", Witness([]history.Op{put(1, 201, 1<<62, 0, 1)}, 1), BadNumber)
}

func TestManyClientsOnOneKeyAreDecidedInSlices(t *testing.T) {
	ops := world{clients: 5, keys: 1, ops: 4_000, seed: 7}.history()
	r := Key(ops)
	if len(r.Violations) > 0 || r.Slices < 4 || r.Operations != len(ops) {
		t.Fatalf("%d slices, %d of %d operations, %v", r.Slices, r.Operations, len(ops), r.Violations)
	}
}

func TestAnUndecidedHistoryIsNotAccepted(t *testing.T) {
	ops := []history.Op{put(1, 201, 1, 0, 1)}
	for i := range int64(maxOpen + 4) { // all are open at once, so no cut has few open operations
		ops = append(ops, get(1, 2, 2+i, 1000))
	}
	expect(t, "porcupine", sliced(ops, 4).Violations, Undecided)
	expect(t, "porcupine", sliced(ops, maxSlice).Violations, "")
}

func TestUnknownWritesAreAssumedOnlyWhereTheyAreNeeded(t *testing.T) {
	ops := []history.Op{put(1, 201, 1, 0, 1), put(2, 201, 3, 2, 3)} // one of many deletes explains number 2
	for range 3 * maxOpen {
		ops = append(ops, lost(del(0, 0, 0, 1)))
	}
	ops = append(ops, get(2, 4, 4, 5), put(3, 201, 5, 6, 7)) // and another of them explains number 4
	for i := range int64(40) {
		ops = append(ops, get(3, 6, 8+2*i, 9+2*i))
	}
	expect(t, "porcupine", sliced(ops, 4).Violations, "")
}
