package causal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/benchmark/history"
)

func drawModel(t *rapid.T, maxOps int) model {
	return model{
		replicas: rapid.IntRange(1, 3).Draw(t, "replicas"),
		sessions: rapid.IntRange(1, 4).Draw(t, "sessions"),
		keys:     rapid.IntRange(1, 3).Draw(t, "keys"),
		ops:      rapid.IntRange(1, maxOps).Draw(t, "ops"),
		lost:     rapid.SampledFrom([]float64{0, 0.1, 0.4}).Draw(t, "lost"),
		fresh:    rapid.SampledFrom([]float64{0, 0.1, 0.5}).Draw(t, "fresh"),
		crash:    rapid.SampledFrom([]float64{0, 0, 0.1}).Draw(t, "crash"),
		end:      rapid.Bool().Draw(t, "end"),
		seed:     rapid.Uint64().Draw(t, "seed"),
	}
}

func dump(h *History) string {
	var b strings.Builder
	for i, o := range h.Ops {
		fmt.Fprintf(&b, "#%d %v", i, o)
		if h.Lost != nil && h.Lost(OpID(i)) {
			b.WriteString(" lost")
		}
		b.WriteString("\n")
	}
	for _, f := range h.Final {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

func TestHistoriesOfARealCausalStoreAreAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawModel(t, 200).history()
		for _, h := range []*History{h, blind(h), half(h)} {
			if r := Check(h); len(r.Violations) > 0 {
				t.Fatalf("%v\n%s", r.Violations, dump(h))
			}
		}
	})
}

// half removes some of the versions of a history.
func half(h *History) *History {
	b := blind(h)
	for i := range b.Ops {
		if i%5 > 1 {
			b.Ops[i].Version = h.Ops[i].Version
		}
	}
	for i := range b.Final {
		if i%4 > 0 {
			b.Final[i].Version = h.Final[i].Version
		}
	}
	return b
}

// mutate changes one operation, or the final state of one replica, as a bug would.
func mutate(rng *rand.Rand, h *History) {
	o, other := &h.Ops[rng.IntN(len(h.Ops))], h.Ops[rng.IntN(len(h.Ops))]
	read := o.Kind == Get && o.Outcome == history.OK
	switch rng.IntN(11) {
	case 0:
		if read && other.Value != 0 {
			o.Status, o.Value, o.Version = 200, other.Value, other.Version
		}
	case 1:
		if read {
			o.Status, o.Value = 404, 0
		}
	case 2:
		if read {
			o.Status, o.Value, o.Version = 404, 0, Version{}
		}
	case 3:
		if n := len(o.Parents); n > 0 {
			i := rng.IntN(n)
			o.Parents = slices.Delete(slices.Clone(o.Parents), i, i+1)
		}
	case 4:
		if i := rng.IntN(len(h.Ops)); h.Ops[i].Outcome == history.OK && h.Ops[i].End <= o.Start {
			o.Parents = append(slices.Clone(o.Parents), OpID(i))
		}
	case 5:
		if !o.Version.None() && rng.IntN(2) == 0 {
			o.Version.Counter = max(1, o.Version.Counter+uint64(rng.IntN(3))-1)
		} else {
			o.Version.Node ^= 1
		}
	case 6:
		if o.Kind != Join {
			o.Version = other.Version
		}
	case 7:
		if o.Write() && o.Outcome == history.OK && len(children(h, o)) == 0 {
			o.Outcome, o.Status, o.Version = history.Unknown, 0, Version{}
		}
	case 8:
		if o.Write() && o.Outcome == history.Unknown {
			o.Outcome = history.NotApplied
		}
	default:
		mutateEnd(rng, h, other)
	}
	if o.Version.Counter == 0 {
		o.Version = Version{}
	}
}

func mutateEnd(rng *rand.Rand, h *History, other Op) {
	if len(h.Final) == 0 {
		return
	}
	f := &h.Final[rng.IntN(len(h.Final))]
	was := f.Value
	f.Value, f.Version = 0, Version{}
	switch rng.IntN(3) {
	case 0:
		f.Value, f.Version = other.Value, other.Version
	case 1:
		if other.Kind == Delete {
			f.Version = other.Version
		}
	}
	if rng.IntN(2) == 0 {
		for i := range h.Final {
			if g := &h.Final[i]; g.Key == f.Key && g.Value == was {
				g.Value, g.Version = f.Value, f.Version
			}
		}
	}
}

func children(h *History, o *Op) []OpID {
	var list []OpID
	for i := range h.Ops {
		if slices.ContainsFunc(h.Ops[i].Parents, func(p OpID) bool { return &h.Ops[p] == o }) {
			list = append(list, OpID(i))
		}
	}
	return list
}

// agree compares the judge with the definition. On a small history, the judge must say
// exactly what brute says. If deletes cannot be distinguished, the judge may accept a wrong
// history.
func agree(t *testing.T, verdicts map[string]int, seed uint64, h *History) {
	t.Helper()
	for _, variant := range []struct {
		name string
		h    *History
	}{{"with versions", h}, {"blind", blind(h)}, {"half blind", half(h)}} {
		b := &brute{h: variant.h}
		want, v := b.accepts(), Check(variant.h).Violations
		if got := len(v) == 0; got != want && !(got && b.ambiguous()) {
			t.Fatalf("seed %d, %s: acceptable: %v, but the judge says %v\n%s", seed, variant.name, want, v, dump(variant.h))
		}
		verdict := variant.name
		if len(v) > 0 {
			verdict += ": " + string(v[0].Rule)
		}
		verdicts[verdict]++
	}
}

// TestTheJudgeAgreesWithTheDefinition compares the judge with brute on many small
// histories, right and wrong.
func TestTheJudgeAgreesWithTheDefinition(t *testing.T) {
	n := uint64(4000)
	if env := os.Getenv("COHORT_CAUSAL_HISTORIES"); env != "" {
		n, _ = strconv.ParseUint(env, 10, 64)
	}
	t.Run("on histories of a real store, with and without bugs", func(t *testing.T) {
		verdicts := map[string]int{}
		for seed := range n {
			rng := rand.New(rand.NewPCG(seed, 2))
			h := smallModel(rng, seed).history()
			for range rng.IntN(4) {
				mutate(rng, h)
			}
			agree(t, verdicts, seed, h)
		}
		guilty(t, verdicts, ThinAir, BadVersion, CausalCycle, ReadYourWrites, MonotonicReads, Divergence, LostWrite)
	})
	t.Run("on junk", func(t *testing.T) {
		verdicts := map[string]int{}
		for seed := range n {
			agree(t, verdicts, seed, newJunk(rand.New(rand.NewPCG(seed, 3))))
		}
		guilty(t, verdicts, ThinAir, CausalCycle, ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads, Resurrected, LostWrite)
	})
}

// guilty fails the test unless each of some rules was broken at least once. Otherwise the
// test would not have tried that rule.
func guilty(t *testing.T, verdicts map[string]int, rules ...Rule) {
	t.Helper()
	t.Log(verdicts)
	for _, rule := range rules {
		if verdicts["with versions: "+string(rule)] == 0 {
			t.Errorf("no history breaks %q", rule)
		}
	}
	if verdicts["with versions"] == 0 || verdicts["blind"] == 0 {
		t.Error("no history is correct")
	}
}

// dilute puts other writes between the operations of a history, to other keys and by other
// sessions. It joins some of their contexts to those of the history. There are then many
// lines and many keys, and the verdict must stay the same.
func dilute(rng *rand.Rand, h *History) *History {
	d := &History{Final: slices.Clone(h.Final)}
	perKey := 1 + rng.IntN(3)
	moved := make([]OpID, len(h.Ops))
	old := map[OpID]OpID{}
	var pads []OpID
	pad := func() {
		n := len(pads)
		op := Op{Kind: Put, Outcome: history.OK, Status: 200, Key: fmt.Sprint("pad", n/perKey), Value: history.NewValue(9, uint32(n+1))}
		op.Version = Version{Counter: uint64(n + 1)}
		pads = append(pads, d.Add(op))
		if d.Final != nil && n%perKey == 0 {
			d.Final = append(d.Final, Held{Key: op.Key})
		}
		if d.Final != nil {
			d.Final[len(d.Final)-1].Value, d.Final[len(d.Final)-1].Version = op.Value, op.Version
		}
	}
	for i, o := range h.Ops {
		for range rng.IntN(50) {
			pad()
		}
		var parents []OpID
		for _, p := range o.Parents {
			parents = append(parents, moved[p])
		}
		if len(pads) > 0 && rng.IntN(2) == 0 {
			parents = append(parents, pads[rng.IntN(len(pads))])
		}
		moved[i] = d.Add(o, parents...)
		old[moved[i]] = OpID(i)
	}
	d.Lost = func(id OpID) bool {
		i, ours := old[id]
		return ours && h.Lost != nil && h.Lost(i)
	}
	return d
}

func TestUnrelatedOperationsDoNotChangeTheVerdict(t *testing.T) {
	lines := 0
	for seed := range uint64(1500) {
		rng := rand.New(rand.NewPCG(seed, 4))
		h := newJunk(rng)
		if seed%2 == 0 {
			h = smallModel(rng, seed).history()
			mutate(rng, h)
		}
		for _, h := range []*History{h, blind(h), half(h)} {
			want, got := Check(h), Check(dilute(rng, h))
			lines = max(lines, got.Lines)
			if len(want.Violations) != len(got.Violations) || len(want.Violations) > 0 && want.Violations[0].Rule != got.Violations[0].Rule {
				t.Fatalf("seed %d: alone %v, among others %v\n%s", seed, want.Violations, got.Violations, dump(h))
			}
		}
	}
	if lines < 3*width {
		t.Errorf("%d lines are not enough to see anything", lines)
	}
}

func smallModel(rng *rand.Rand, seed uint64) model {
	pick := func(of ...float64) float64 { return of[rng.IntN(len(of))] }
	return model{
		replicas: 1 + rng.IntN(3), sessions: 1 + rng.IntN(4), keys: 1 + rng.IntN(2), ops: 1 + rng.IntN(9),
		lost: pick(0, 0.1, 0.4), fresh: pick(0, 0.1, 0.5), crash: pick(0, 0, 0.1), end: rng.IntN(2) == 0, seed: seed,
	}
}
