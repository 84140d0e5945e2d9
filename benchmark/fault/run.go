package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Target is the cluster that faults happen to. A node is named by its index.
type Target interface {
	Processes
	Network
	Operator
}

// Processes are the abilities of a Target to end and pause nodes.
type Processes interface {
	Kill(node int) error
	Restart(ctx context.Context, node int) error // returns when the node answers
	Pause(node int) error
	Resume(node int) error
}

// Network is the ability of a Target to cut directions between nodes.
type Network interface {
	Size() int // number of nodes
	Cut(from, to int) error
	Heal(from, to int) error
}

// Operator is the ability of a Target to put views.
type Operator interface {
	Members() []int // of the view that was put last
	PutView(ctx context.Context, members ...int) error
	PutShards(ctx context.Context, shards ...[]int) error
}

// viewPatience ends a run whose view never becomes ready, because its nodes cannot reach
// one another and no cut will end.
const viewPatience = time.Minute

// step is one action at one time.
type step struct {
	at   time.Duration
	text string
	do   func() error
}

// run is the state that the steps of a run share.
type run struct {
	target Target
	paused map[int]bool
	cuts   map[[2]int]int // by direction: how many faults cut it now
}

// Run makes the faults happen at their times, counted from the call. It returns an error at
// the first step that fails. Pauses and cuts begin and end on time. Operator actions happen
// one after another. A view that waits for the end of a cut delays the next one: putting a
// view before the last one was ready would be another experiment.
//
// note is called before each step, by any goroutine; the function that it returns is called
// after the step. When Run returns, nodes that it paused run again and directions that it
// cut are healed.
func Run(ctx context.Context, faults []Fault, target Target, note func(text string) (done func())) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &run{target: target, paused: map[int]bool{}, cuts: map[[2]int]int{}}
	nature, operator := r.plan(ctx, faults)
	start := time.Now()
	var playing sync.WaitGroup
	for _, lane := range [][]step{nature, operator} {
		playing.Go(func() {
			if err := play(ctx, lane, start, note); err != nil {
				cancel(err)
			}
		})
	}
	playing.Wait()
	return errors.Join(context.Cause(ctx), r.undo())
}

// play executes one step after another, none before its time.
func play(ctx context.Context, steps []step, start time.Time, note func(string) func()) error {
	for _, s := range steps {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(s.at - time.Since(start)):
		}
		done := note(s.text)
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.text, err)
		}
		done()
	}
	return nil
}

// plan splits the faults into steps of nature and steps of the operator.
func (r *run) plan(ctx context.Context, faults []Fault) (nature, operator []step) {
	for _, f := range faults {
		if begin, end, text := r.spell(f); begin != nil {
			nature = append(nature, step{f.At, f.String(), begin}, step{f.At + f.For, text, end})
			continue
		}
		operator = append(operator, step{f.At, f.String(), func() error { return r.operate(ctx, f) }})
	}
	for _, steps := range [][]step{nature, operator} {
		slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	}
	return nature, operator
}

// spell returns the begin and the end of a fault with a length.
func (r *run) spell(f Fault) (begin, end func() error, endText string) {
	switch f.Action {
	case Pause:
		node := f.Nodes[0]
		return func() error { r.paused[node] = true; return r.target.Pause(node) },
			func() error { delete(r.paused, node); return r.target.Resume(node) },
			fmt.Sprintf("resume=%d", node)
	case Cut, CutOneWay:
		ways := f.ways(r.target.Size())
		return func() error { return r.cut(ways) }, func() error { return r.heal(ways) }, "heal " + f.what()
	}
	return nil, nil, ""
}

// ways returns the directions that a fault cuts in a cluster of so many nodes.
func (f Fault) ways(size int) (ways [][2]int) {
	if f.Action == CutOneWay {
		return [][2]int{{f.Nodes[0], f.Nodes[1]}}
	}
	for _, inside := range f.Nodes {
		for outside := range size {
			if !slices.Contains(f.Nodes, outside) {
				ways = append(ways, [2]int{inside, outside}, [2]int{outside, inside})
			}
		}
	}
	return ways
}

func (r *run) cut(ways [][2]int) error {
	var errs []error
	for _, way := range ways {
		if r.cuts[way]++; r.cuts[way] == 1 {
			errs = append(errs, r.target.Cut(way[0], way[1]))
		}
	}
	return errors.Join(errs...)
}

// heal ends the cuts of a fault. A direction that another fault also cuts stays cut.
func (r *run) heal(ways [][2]int) error {
	var errs []error
	for _, way := range ways {
		if r.cuts[way]--; r.cuts[way] == 0 {
			delete(r.cuts, way)
			errs = append(errs, r.target.Heal(way[0], way[1]))
		}
	}
	return errors.Join(errs...)
}

func (r *run) undo() error {
	var errs []error
	for node := range r.paused {
		errs = append(errs, r.target.Resume(node))
	}
	for way := range r.cuts {
		errs = append(errs, r.target.Heal(way[0], way[1]))
	}
	return errors.Join(errs...)
}
