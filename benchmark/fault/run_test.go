package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// target records the calls with their times. Putting a view takes some time.
type target struct {
	begin time.Time
	view  []int
	slow  time.Duration
	fail  error
	mu    sync.Mutex
	past  []string
}

func newTarget() *target { return &target{begin: time.Now(), view: []int{0, 1, 2}} }

func (x *target) note(format string, args ...any) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.past = append(x.past, fmt.Sprintf("%v ", time.Since(x.begin))+fmt.Sprintf(format, args...))
	return x.fail
}

func (x *target) Kill(n int) error                       { return x.note("kill %d", n) }
func (x *target) Restart(_ context.Context, n int) error { return x.note("restart %d", n) }
func (x *target) Pause(n int) error                      { return x.note("pause %d", n) }
func (x *target) Resume(n int) error                     { return x.note("resume %d", n) }
func (x *target) Size() int                              { return 3 }
func (x *target) Cut(from, to int) error                 { return x.note("cut %d:%d", from, to) }
func (x *target) Heal(from, to int) error                { return x.note("heal %d:%d", from, to) }
func (x *target) Members() []int                         { return append([]int(nil), x.view...) }

func (x *target) PutView(ctx context.Context, members ...int) error {
	x.view = members
	err := x.note("view %v", members)
	select {
	case <-time.After(x.slow):
	case <-ctx.Done():
		return ctx.Err()
	}
	return err
}

func (x *target) PutShards(_ context.Context, shards ...[]int) error {
	x.view = slices.Concat(shards...)
	return x.note("shards %v", shards)
}

// play runs the faults in a bubble of synctest.
func (x *target) play(t *testing.T, texts string) (notes string, err error) {
	t.Helper()
	var faults []Fault
	for text := range strings.FieldsSeq(texts) {
		f, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, f)
	}
	var all []string
	err = Run(t.Context(), faults, x, func(text string) func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		all = append(all, text)
		i := len(all) - 1
		return func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			all[i] += "."
		}
	})
	return strings.Join(all, " "), err
}

func (x *target) happened() string { return strings.Join(x.past, "; ") }

func TestFaultsHappenAtTheirTimes(t *testing.T) {
	for texts, want := range map[string]struct{ happened, notes string }{
		"pause=1@2s+5s kill-primary@4s": {
			"2s pause 1; 4s kill 0; 4s view [1 2]; 7s resume 1",
			"pause=1@2s+5s. kill-primary@4s. resume=1."},
		"kill=1@1s view=2,0@2s restart=1@3s grow=1@4s shrink=0@5s": {
			"1s kill 1; 2s view [2 0]; 3s restart 1; 4s view [0 1 2]; 5s view [1 2]",
			"kill=1@1s. view=2,0@2s. restart=1@3s. grow=1@4s. shrink=0@5s."},
		"cut=2@1s+2s": {
			"1s cut 2:0; 1s cut 0:2; 1s cut 2:1; 1s cut 1:2; 3s heal 2:0; 3s heal 0:2; 3s heal 2:1; 3s heal 1:2",
			"cut=2@1s+2s. heal cut=2."},
		"cut=1,2@1s+1s": {
			"1s cut 1:0; 1s cut 0:1; 1s cut 2:0; 1s cut 0:2; 2s heal 1:0; 2s heal 0:1; 2s heal 2:0; 2s heal 0:2",
			"cut=1,2@1s+1s. heal cut=1,2."},
		"cut-one-way=0:2@1s+3s cut-one-way=0:2@2s+4s": {
			"1s cut 0:2; 6s heal 0:2",
			"cut-one-way=0:2@1s+3s. cut-one-way=0:2@2s+4s. heal cut-one-way=0:2. heal cut-one-way=0:2."},
	} {
		t.Run(texts, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newTarget()
				notes, err := x.play(t, texts)
				if x.happened() != want.happened || notes != want.notes || err != nil {
					t.Errorf("got  %s\nwant %s\nnotes %s\nwant  %s\nerr %v", x.happened(), want.happened, notes, want.notes, err)
				}
			})
		})
	}
}

// A view that waits for a heal must not delay the heal. No view is put before the one
// before it is ready.
func TestViewsAreSlowAndTimeGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTarget()
		x.slow = 10 * time.Second
		_, err := x.play(t, "cut-one-way=1:0@1s+2s view=0,1@2s view=0@4s kill=1@4s")
		if got, want := x.happened(), "1s cut 1:0; 2s view [0 1]; 3s heal 1:0; 12s view [0]; 22s kill 1"; got != want || err != nil {
			t.Errorf("%s, err %v; want %s", got, err, want)
		}
	})
}

func TestAViewThatIsNeverReadyEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTarget()
		x.slow = time.Hour
		notes, err := x.play(t, "pause=1@1s+2h view=0,1@2s")
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "view=0,1@2s: ") {
			t.Errorf("err %v", err)
		}
		if got, want := x.happened(), "1s pause 1; 2s view [0 1]; 1m2s resume 1"; got != want || notes != "pause=1@1s+2h0m0s. view=0,1@2s" {
			t.Errorf("%s; want %s; notes %s", got, want, notes)
		}
	})
}

func TestCancellingAFaultRunEndsOpenFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTarget()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		faults := []Fault{{Action: Pause, Nodes: []int{1}, At: time.Second, For: time.Hour}, {Action: CutOneWay, Nodes: []int{0, 1}, At: 2 * time.Second, For: time.Hour}}
		err := Run(ctx, faults, x, func(string) func() { return func() {} })
		if got, want := x.happened(), "1s pause 1; 2s cut 0:1; 3s resume 1; 3s heal 0:1"; got != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, err %v; want %s", got, err, want)
		}
	})
}

func TestAFaultThatCannotHappenIsAnError(t *testing.T) {
	for _, text := range []string{"kill-primary@0s", "cut=1@0s+1s", "restart=1@0s", "view=0@0s"} {
		x := newTarget()
		x.fail = errors.New("no such process")
		if _, err := x.play(t, text); !errors.Is(err, x.fail) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"shrink=7@0s":                           "the view [0 1 2] has no node 7",
		"grow=1@0s":                             "node 1 is in the view",
		"view=2@0s shrink=2@0s":                 "beside others",
		"view=2@0s kill-primary@0s":             "no survivors",
		"view=0,1@0s shrink=0@0s shrink=0@0s":   "the view [1] has no node 0",
		"view=0,1@0s kill-primary@0s grow=1@0s": "node 1 is in the view [1]",
	} {
		if _, err := newTarget().play(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: err %v, want %q", text, err, want)
		}
	}
}
