package node

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// logged is the output of a reporter for the events that do reports, without times.
func logged(level slog.Level, do func(*reporter)) string {
	var out bytes.Buffer
	r := newReporter(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})), newMeters())
	do(r)
	r.drain()
	return strings.TrimSpace(regexp.MustCompile(`time=\S+ `).ReplaceAllString(out.String(), ""))
}

func TestEventsAreLoggedAsLoudAsTheyAre(t *testing.T) {
	ballot := ids.Ballot{View: ids.View{Number: 7}, Round: 2}
	all := func(r *reporter) {
		r.event(&core.Event{Kind: kind("view_adopted"), View: ids.View{Number: 7}})
		r.event(&core.Event{Kind: kind("ballot_active"), Ballot: ballot, Count: 12})
		r.event(&core.Event{Kind: kind("prepare_resent"), Peer: 0, Ballot: ballot})
		r.event(&core.Event{Kind: kind("member_stranger"), Peer: 3, Note: "why"})
		r.unreachable(wire.Member{ID: 4, Address: "x"}, errors.New("no port"))
	}
	want := `level=INFO msg=view_adopted view=7 round=0
level=INFO msg=ballot_active view=7 round=2 count=12
level=WARN msg=member_stranger view=0 round=0 peer=3 note=why
level=WARN msg="member without a bus address" peer=4 address=x err="no port"`
	if got := logged(slog.LevelInfo, all); got != want {
		t.Errorf("at INFO:\n%s", got)
	}
	if got := logged(slog.LevelDebug, all); !strings.Contains(got, "level=DEBUG msg=prepare_resent view=7 round=2 peer=0\n") {
		t.Errorf("at DEBUG:\n%s", got)
	}
}

func TestARepeatedEventIsLoggedOnceInAView(t *testing.T) {
	got := logged(slog.LevelInfo, func(r *reporter) {
		for range 3 {
			r.event(&core.Event{Kind: kind("causal_apart"), Peer: 4})
			r.event(&core.Event{Kind: kind("causal_apart"), Peer: 5})
		}
		r.event(&core.Event{Kind: kind("view_adopted"), View: ids.View{Number: 8}})
		r.event(&core.Event{Kind: kind("causal_apart"), Peer: 4})
	})
	want := `level=INFO msg=causal_apart view=0 round=0 peer=4
level=INFO msg=causal_apart view=0 round=0 peer=5
level=INFO msg=view_adopted view=8 round=0
level=INFO msg=causal_apart view=0 round=0 peer=4`
	if got != want {
		t.Error(got)
	}
}

func TestCausalEventsAreLoggedOnlyWhenStateChanges(t *testing.T) {
	all := func(r *reporter) {
		for _, kind := range machine.Events() {
			if strings.HasPrefix(kind.Name, "causal_") {
				r.event(&core.Event{Kind: kind})
			}
		}
	}
	var got []string
	for _, line := range strings.Split(logged(slog.LevelInfo, all), "\n") {
		got = append(got, regexp.MustCompile(`level=(\w+) msg=causal_(\w+) .*`).ReplaceAllString(line, "$2 $1"))
	}
	slices.Sort(got)
	want := []string{
		"apart INFO", "boot_ended INFO", "former_drained INFO", "forward_forgotten WARN", "incredible WARN", "node_forgotten WARN", "ready INFO", "ready_unproven WARN", "slots_released INFO", "synced INFO", "two_contents WARN",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestTheLogSaysWhenANodeBeginsAndCeasesToServe(t *testing.T) {
	serving := &core.NodeStatus{Serving: true, Primary: 1}
	serving.View.ID.Number = 7
	silent := &core.NodeStatus{Reason: "waiting for n2"}
	got := logged(slog.LevelInfo, func(r *reporter) {
		r.status(&core.NodeStatus{}, serving)
		r.status(serving, serving)
		r.status(serving, silent)
		r.status(silent, silent)
	})
	want := `level=INFO msg=serving view=7 primary=1
level=INFO msg="not serving" view=0 reason="waiting for n2"`
	if got != want {
		t.Error(got)
	}
}

func TestALogThatIsNotReadLosesLinesAndBlocksNothing(t *testing.T) {
	m := newMeters()
	r := newReporter(slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil)), m) // run was not started
	for range maxLines + 7 {
		r.event(&core.Event{Kind: kind("view_adopted")})
	}
	if lost := m.linesLost.Load(); lost != 7 {
		t.Errorf("%v lines were counted as lost, not 7", lost)
	}
	if events := counted(t, m, "cohort_events_total"); events != maxLines+7 {
		t.Errorf("%v events were counted", events)
	}
}

// reporting is a bus that counts.
type reporting struct{ recorder }

func (*reporting) Stats() bus.Stats {
	return bus.Stats{Sent: 5, Peers: []bus.Link{{Peer: bus.Peer{ID: 3}, Connected: true, Backlog: 9}}}
}

func TestTheCountersOfTheBusAreMetrics(t *testing.T) {
	families, err := newMeters().register(nil, &reporting{}).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "cohort_bus") {
			got.WriteString(f.String() + "\n")
		}
	}
	for _, want := range []string{`"sent"} counter:{value:5}`, `"3"} gauge:{value:9}`, `"3"} gauge:{value:1}`} {
		if !strings.Contains(strings.ReplaceAll(got.String(), "  ", " "), want) {
			t.Errorf("no %s in\n%s", want, got.String())
		}
	}
}

// The tables of docs/operations.md §8 repeat the definitions: a row for each event with its level
// and meaning, and for events at DEBUG, in a table of their own, one with the meaning alone.
func TestTheHandbookHasEachEventWithItsLevelAndMeaning(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range machine.Events() {
		row := fmt.Sprintf("| `%s` | %s | %s |", kind.Name, slog.Level(kind.Level), kind.Meaning)
		if kind.Level == core.Debug {
			row = fmt.Sprintf("| `%s` | %s |", kind.Name, kind.Meaning)
		}
		if strings.Count(string(text), "\n"+row) != 1 {
			t.Errorf("docs/operations.md lacks the row of an event, or has it twice:\n%s", row)
		}
	}
}

// An event that is defined and not listed would have no row, without an error.
func TestTheMachineListsEveryEventOnce(t *testing.T) {
	var defined []string
	err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`\bevents\.(?:Debug|Info|Warn)\("(\w+)"`).FindAllSubmatch(source, -1) {
			defined = append(defined, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, kind := range machine.Events() {
		listed = append(listed, kind.Name)
	}
	slices.Sort(defined)
	slices.Sort(listed)
	if !slices.Equal(defined, listed) {
		t.Errorf("defined: %q\nlisted: %q", defined, listed)
	}
}

// kind is the kind of event with a name.
func kind(name string) *core.EventKind {
	all := machine.Events()
	return all[slices.IndexFunc(all, func(k *core.EventKind) bool { return k.Name == name })]
}
