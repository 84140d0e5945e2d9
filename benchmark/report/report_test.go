package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/benchmark/check/linear"
	"github.com/cohortkv/cohort/benchmark/history"
)

// ops are n operations of one kind that take 1 ms, 2 ms, …, one after another.
func ops(kind history.Kind, n int) []history.Op {
	var all []history.Op
	at := int64(0)
	for i := range n {
		took := int64(i+1) * int64(time.Millisecond)
		all = append(all, history.Op{Kind: kind, Outcome: history.OK, Start: at, End: at + took})
		at += took
	}
	return all
}

func TestOnlyOperationsInTheWindowAreMeasured(t *testing.T) {
	all := ops(history.Put, 4) // ends at 1, 3, 6 and 10 ms
	all = append(all,
		history.Op{Kind: history.Get, Outcome: history.Unknown, Start: 2e6, End: 3e6},
		history.Op{Kind: history.Get, Outcome: history.NotApplied, Start: 2e6, End: 3e6})
	r := Measure("x", all, 1e6, 6e6, 10*time.Millisecond)
	want := Run{Name: "x", Window: 5 * time.Millisecond, Done: 2, NotApplied: 1, Unknown: 1, CPU: 10 * time.Millisecond,
		Kinds: map[history.Kind]Latency{history.Put: {Count: 2, PerSecond: 400,
			P50: 2001 * time.Microsecond, P90: 3001 * time.Microsecond, P99: 3001 * time.Microsecond,
			P999: 3001 * time.Microsecond, Max: 3001 * time.Microsecond}}}
	near := cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() <= 2*time.Microsecond })
	if diff := cmp.Diff(want, r, near); diff != "" {
		t.Fatal(diff)
	}
	if per, known := r.CPUPerOp(); !known || per != 5*time.Millisecond {
		t.Errorf("%v %v", per, known)
	}
}

func TestARunIsOneLineAKind(t *testing.T) {
	var out strings.Builder
	known := Measure("known", append(ops(history.Put, 100), ops(history.Get, 1)...), 0, 1e10, 101*time.Microsecond)
	idle := Measure("idle", nil, 0, 1e9, -1)
	if err := Print(&out, known, idle); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, want := range []string{"run op op/s p50", "known put 10", "known get 0", "idle none 0 - - - - - - 0 0"} {
		if got := strings.Join(strings.Fields(lines[i]), " "); !strings.HasPrefix(got, want) {
			t.Errorf("line %d: %q, want %q", i, got, want)
		}
	}
	if !strings.Contains(lines[1], "1.0µs") {
		t.Errorf("no processor time in %q", lines[1])
	}
}

// run has n operations in a second.
func run(n int64, cpu time.Duration) Run { return Run{Window: time.Second, Done: n, CPU: cpu} }

func TestAComparisonShowsTheRatiosOfNeighbours(t *testing.T) {
	var out strings.Builder
	err := PrintComparison(&out, "bare", "cohort", []Pair{
		{Scenario: "puts", Base: []Run{run(100, -1), run(200, -1), run(400, -1)}, Other: []Run{run(90, time.Millisecond), run(100, time.Millisecond), run(100, time.Millisecond)}},
		{Scenario: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"scenario bare op/s cohort op/s ratio min…max bare CPU/op cohort CPU/op",
		"puts 200 100 0.50× 0.25…0.90 - 10.0µs",
		"none NaN NaN NaN× - - -",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestTheVerdictIsOneLineOrTheEvidence(t *testing.T) {
	good := Verdict{Operations: 12, Slices: 3}
	if got, want := good.String(), "verdict: linearizable (witness 12 operations, porcupine 3 slices)"; got != want || !good.Clean() {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	bad := Verdict{Violations: []fmt.Stringer{linear.Violation{Rule: linear.BadValue, Text: "stale", Ops: ops(history.Get, 1)}}}
	if got := bad.String(); !strings.HasPrefix(got, "verdict: NOT linearizable: value: stale\n  value: stale\n    c0 get") || bad.Clean() {
		t.Error(got)
	}
}
