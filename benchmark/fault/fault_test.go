package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFaultsReadBackAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]Fault{
		"kill-primary@10s": {Action: KillPrimary, At: 10 * time.Second},
		"pause=1@10s+5s":   {Action: Pause, Node: 1, At: 10 * time.Second, For: 5 * time.Second},
		"pause=0@0s+1.5s":  {Action: Pause, For: 1500 * time.Millisecond},
	} {
		got, err := Parse(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v %q, err %v", text, got, got, err)
		}
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	for _, text := range []string{"", "pause", "kill-primary", "kill-primary@", "kill-primary@10", "kill-primary=1@1s", "kill-primary@1s+1s",
		"pause@1s+1s", "pause=1@1s", "pause=x@1s+1s", "pause=-1@1s+1s", "pause=1@-1s+1s", "pause=1@1s+0s", "flood@1s"} {
		if f, err := Parse(text); err == nil || !strings.Contains(err.Error(), "pause=1@10s+5s") {
			t.Errorf("%q: %+v, err %v", text, f, err)
		}
	}
}

// target records what happens to it, and when.
type target struct {
	begin  time.Time
	events []string
	fail   error
}

func (x *target) note(format string, args ...any) error {
	x.events = append(x.events, fmt.Sprintf("%v ", time.Since(x.begin))+fmt.Sprintf(format, args...))
	return x.fail
}

func (x *target) Members() []int                                  { return []int{2, 0, 1} }
func (x *target) Kill(n int) error                                { return x.note("kill %d", n) }
func (x *target) Pause(n int) error                               { return x.note("pause %d", n) }
func (x *target) Resume(n int) error                              { return x.note("resume %d", n) }
func (x *target) PutView(_ context.Context, members ...int) error { return x.note("view %v", members) }

func TestFaultsHappenAtTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &target{begin: time.Now()}
		faults := []Fault{{Action: Pause, Node: 1, At: 2 * time.Second, For: 5 * time.Second}, {Action: KillPrimary, At: 4 * time.Second}}
		var notes []string
		if err := Run(t.Context(), faults, x, func(s string) { notes = append(notes, s) }); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(x.events, "; "), "2s pause 1; 4s kill 0; 4s view [2 1]; 7s resume 1"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got, want := strings.Join(notes, "; "), "pause=1@2s+5s; kill-primary@4s; resume=1"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestAPausedNodeRunsAgainWhenTheFaultsAreCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &target{begin: time.Now()}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := Run(ctx, []Fault{{Action: Pause, Node: 1, At: time.Second, For: time.Hour}}, x, func(string) {})
		if got, want := strings.Join(x.events, "; "), "1s pause 1; 3s resume 1"; got != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, err %v; want %s", got, err, want)
		}
	})
}

func TestAFaultThatCannotHappenIsAnError(t *testing.T) {
	x := &target{fail: errors.New("no such process")}
	if err := Run(t.Context(), []Fault{{Action: KillPrimary}}, x, func(string) {}); !errors.Is(err, x.fail) {
		t.Fatal(err)
	}
}
