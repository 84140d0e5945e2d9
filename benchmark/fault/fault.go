// Package fault describes, as data, what goes wrong during a run, and makes it
// happen to whatever implements Target. A description has a text form, so that
// a command line can give it and a report can repeat it.
package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Action is a kind of fault.
type Action string

// The actions.
const (
	KillPrimary Action = "kill-primary" // SIGKILL for the primary, then the view of the survivors to them
	Pause       Action = "pause"        // SIGSTOP for one node, SIGCONT after For
)

// Fault is one fault of a run.
type Fault struct {
	Action Action
	Node   int           // Pause: index of the node
	At     time.Duration // since the beginning of the measurement
	For    time.Duration // Pause
}

// String is the text that Parse reads: kill-primary@10s or pause=1@10s+5s.
func (f Fault) String() string {
	if f.Action == Pause {
		return fmt.Sprintf("%s=%d@%v+%v", f.Action, f.Node, f.At, f.For)
	}
	return fmt.Sprintf("%s@%v", f.Action, f.At)
}

// Parse reads one fault.
func Parse(text string) (Fault, error) {
	bad := func(err error) (Fault, error) {
		return Fault{}, fmt.Errorf("fault %q: %w; write kill-primary@10s or pause=1@10s+5s", text, err)
	}
	what, when, ok := strings.Cut(text, "@")
	if !ok {
		return bad(errors.New("no @ with a time"))
	}
	action, node, named := strings.Cut(what, "=")
	at, span, lasts := strings.Cut(when, "+")
	f := Fault{Action: Action(action)}
	var errs [3]error
	f.At, errs[0] = time.ParseDuration(at)
	if named {
		f.Node, errs[1] = strconv.Atoi(node)
	}
	if lasts {
		f.For, errs[2] = time.ParseDuration(span)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return bad(err)
	}
	isPause := f.Action == Pause
	switch {
	case !isPause && f.Action != KillPrimary:
		return bad(errors.New("unknown action"))
	case isPause != named || isPause != lasts:
		return bad(errors.New("a pause, and only that, has a node and a length"))
	case f.At < 0 || f.Node < 0 || isPause && f.For <= 0:
		return bad(errors.New("negative"))
	}
	return f, nil
}

// Target is what faults happen to. Nodes are named by index.
type Target interface {
	Members() []int // of the view in force
	Kill(node int) error
	Pause(node int) error
	Resume(node int) error
	PutView(ctx context.Context, members ...int) error
}

// step is one thing to do at one moment.
type step struct {
	at   time.Duration
	text string
	do   func() error
}

// Run makes the faults happen, one thing after another, in order of their times
// since the call. It tells note what it does, and returns at the first thing
// that cannot be done. Nodes that it paused run again when it returns.
func Run(ctx context.Context, faults []Fault, target Target, note func(string)) error {
	paused := map[int]bool{}
	steps := plan(ctx, faults, target, paused)
	start := time.Now()
	err := func() error {
		for _, s := range steps {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(s.at - time.Since(start)):
			}
			note(s.text)
			if err := s.do(); err != nil {
				return fmt.Errorf("%s: %w", s.text, err)
			}
		}
		return nil
	}()
	for node := range paused {
		err = errors.Join(err, target.Resume(node))
	}
	return err
}

func plan(ctx context.Context, faults []Fault, target Target, paused map[int]bool) []step {
	var steps []step
	for _, f := range faults {
		switch f.Action {
		case KillPrimary:
			steps = append(steps, step{f.At, f.String(), func() error { return killPrimary(ctx, target) }})
		case Pause:
			steps = append(steps,
				step{f.At, f.String(), func() error { paused[f.Node] = true; return target.Pause(f.Node) }},
				step{f.At + f.For, fmt.Sprintf("resume=%d", f.Node), func() error { delete(paused, f.Node); return target.Resume(f.Node) }})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return steps
}

// killPrimary kills the lowest id of the view and gives the others a view of
// their own.
func killPrimary(ctx context.Context, target Target) error {
	members := target.Members()
	if len(members) < 2 {
		return fmt.Errorf("the view %v has no survivors", members)
	}
	primary := slices.Min(members)
	if err := target.Kill(primary); err != nil {
		return err
	}
	survivors := slices.DeleteFunc(members, func(n int) bool { return n == primary })
	return target.PutView(ctx, survivors...)
}
