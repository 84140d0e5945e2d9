package node

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
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
		r.event(&core.Event{Kind: "view_adopted", View: ids.View{Number: 7}})
		r.event(&core.Event{Kind: "ballot_active", Ballot: ballot, Count: 12})
		r.event(&core.Event{Kind: "prepare_resent", Peer: 0, Ballot: ballot})
		r.event(&core.Event{Kind: "member_stranger", Peer: 3, Note: "why"})
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
			r.event(&core.Event{Kind: "causal_apart", Peer: 4})
			r.event(&core.Event{Kind: "causal_apart", Peer: 5})
		}
		r.event(&core.Event{Kind: "view_adopted", View: ids.View{Number: 8}})
		r.event(&core.Event{Kind: "causal_apart", Peer: 4})
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
		for kind := range eventLogs {
			if strings.HasPrefix(string(kind), "causal_") {
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
		r.event(&core.Event{Kind: "view_adopted"})
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

// Each event at INFO and above has a row in a table of docs/operations.md, with its level, its
// meaning and the remedy. The other events have a row without a level.
func TestTheHandbookHasEachEventWithItsLevel(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| (`\\w+`(?:, `\\w+`)*) \\|(?: (INFO|WARN|ERROR) \\|)?").FindAllStringSubmatch(string(text), -1) {
		for _, name := range strings.Split(m[1], ", ") {
			levels[strings.Trim(name, "`")] = m[2]
		}
	}
	for kind, shown := range eventLogs {
		level, there := levels[string(kind)]
		want := shown.level.String()
		if shown.level == slog.LevelDebug {
			want = ""
		}
		if !there || level != want {
			t.Errorf("docs/operations.md: row of %s: %t, level %q; it is logged at %s", kind, there, level, shown.level)
		}
	}
}
