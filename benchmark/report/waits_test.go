package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/benchmark/history"
)

const ms = int64(time.Millisecond)

// spans returns operations with the given starts and ends in milliseconds.
func spans(kind history.Kind, outcome history.Outcome, fromTo ...int64) (all []history.Op) {
	for i := 0; i < len(fromTo); i += 2 {
		all = append(all, history.Op{Kind: kind, Outcome: outcome, Start: fromTo[i] * ms, End: fromTo[i+1] * ms})
	}
	return all
}

func change(text string, from, to int64) Change { return Change{text, from * ms, to * ms} }

// in milliseconds: longest, gap, resumed, before, during, after; -1 is none
func figures(w Wait) [6]int64 {
	var f [6]int64
	for i, d := range []time.Duration{w.Longest, w.Gap, w.Resumed, w.Before, w.During, w.After} {
		f[i] = -1
		if d >= 0 {
			f[i] = int64(d.Round(time.Millisecond) / time.Millisecond)
		}
	}
	return f
}

func TestTheCostOfAChange(t *testing.T) {
	for name, test := range map[string]struct {
		writes  []int64
		changes []Change
		want    [][6]int64
		end     int64 // of the measurement; 0: with the last write
	}{
		"a stop within one change": {
			[]int64{0, 10, 10, 20, 95, 300, 300, 310},
			[]Change{change("kill", 100, 100)},
			[][6]int64{{205, 280, 200, 10, 205, -1}}, 0, // operations that began at the very end were still in flight
		},
		"a change that goes on while answers come": {
			[]int64{95, 105, 105, 130, 131, 136, 150, 190},
			[]Change{change("view", 100, 140)},
			[][6]int64{{40, 54, 90, -1, 40, -1}}, 0,
		},
		"calm after the end": {
			[]int64{95, 105, 105, 130, 131, 136, 141, 143, 144, 150, 160, 164},
			[]Change{change("view", 100, 140)},
			[][6]int64{{25, 25, 30, -1, 25, 6}}, 0,
		},
		"a stop that began with a change and ended in the next belongs to both": {
			[]int64{80, 90, 90, 250, 250, 255, 256, 258},
			[]Change{change("cut", 100, 100), change("view", 200, 220)},
			[][6]int64{{160, 160, 150, 10, 160, -1}, {160, 160, 50, 10, 160, 2}}, 0,
		},
		"nothing is answered any more": {
			[]int64{80, 90},
			[]Change{change("cut", 100, 100)},
			[][6]int64{{0, -1, -1, 10, -1, -1}}, 400,
		},
		"quiet long after a change is not its doing": {
			[]int64{90, 105, 1200, 1210, 5000, 5010, 9000, 9010},
			[]Change{change("heal", 100, 100)},
			[][6]int64{{15, 1105, 1110, -1, 15, 10}}, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			end := test.end
			if end == 0 {
				end = test.writes[len(test.writes)-1]
			}
			var got [][6]int64
			for _, w := range Waits(spans(history.Put, history.OK, test.writes...), test.changes, 0, end*ms) {
				got = append(got, figures(w))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadsAndWritesWaitApartAndOutcomesAreCounted(t *testing.T) {
	all := spans(history.Get, history.OK, 90, 105, 105, 120, 120, 130)
	all = append(all, spans(history.Delete, history.OK, 90, 200)...)
	all = append(all, spans(history.Put, history.Unknown, 10, 50, 90, 150, 95, 390)...)
	all = append(all, spans(history.Get, history.NotApplied, 110, 150, 290, 301)...)
	waits := Waits(all, []Change{change("second", 300, 310), change("first", 100, 110)}, 50*ms, 400*ms)
	var got []string
	for _, w := range waits {
		got = append(got, w.Change.Text)
	}
	if len(waits) != 4 || waits[0].Change.Text != "first" || !waits[0].Writes || waits[1].Writes || waits[2].Change.Text != "second" {
		t.Fatalf("order: %v", got)
	}
	w, r := waits[0], waits[1]
	if w.At != 50*time.Millisecond || w.Longest != 110*time.Millisecond || w.Unknown != 1 || w.Refused != 0 {
		t.Errorf("writes: %+v", w)
	}
	if r.Longest != 15*time.Millisecond || r.Refused != 1 || r.Unknown != 0 {
		t.Errorf("reads: %+v", r)
	}
	if waits[2].Unknown != 1 || waits[3].Refused != 1 {
		t.Errorf("later: %+v %+v", waits[2], waits[3])
	}
}

func TestTheTableOfChanges(t *testing.T) {
	all := append(spans(history.Put, history.OK, 40, 50, 60, 80, 95, 1400), spans(history.Get, history.OK, 60, 70)...)
	var out strings.Builder
	if err := PrintWaits(&out, Waits(all, []Change{change("cut=1@100ms+1s", 100, 102)}, 0, 2000*ms)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"what each change cost",
		"at change took ops longest wait no answer for until p99 before during after refused unknown",
		"100.0ms cut=1@100ms+1s 2.0ms writes 1.30s 1.32s +1.30s 20.0ms 1.31s - 0 0",
		"reads 0.0ms - the end 10.0ms - - 0 0",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); !strings.HasPrefix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
