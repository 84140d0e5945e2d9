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

// Target is what faults happen to. Nodes are named by index.
type Target interface {
	Processes
	Network
	Operator
}

// Processes are the nodes as processes.
type Processes interface {
	Kill(node int) error
	Restart(ctx context.Context, node int) error // returns when the node answers
	Pause(node int) error
	Resume(node int) error
}

// Network is what the nodes reach one another by.
type Network interface {
	Size() int // how many nodes there are
	Cut(from, to int) error
	Heal(from, to int) error
}

// Operator puts views.
type Operator interface {
	Members() []int // of the view that was put last
	PutView(ctx context.Context, members ...int) error
	PutShards(ctx context.Context, shards ...[]int) error
}

// viewPatience ends a run whose view never becomes ready: it was put to nodes
// that cannot get together, and no cut ends that is in their way.
const viewPatience = time.Minute

// step is one thing to do at one moment.
type step struct {
	at   time.Duration
	text string
	do   func() error
}

// run is what the steps of a run share.
type run struct {
	target Target
	paused map[int]bool
	cuts   map[[2]int]int // how many faults cut this way at the moment
}

// Run makes the faults happen at their times since the call, and returns at the
// first thing that cannot be done. Pauses and cuts begin and end on time. What
// an operator would do, with nodes and views, is done one thing after another:
// a view that waits for the end of a cut delays what comes after it, because
// views that are put before the last one was ready are another experiment.
//
// note is called, by one goroutine or another, before each thing is done; what
// it returns is called after. Nodes that Run paused go on and ways that it cut
// are healed when it returns.
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

// play does one step after another, none before its time.
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

// plan takes the faults apart: what happens to the nodes, and what is done with
// them.
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

// spell is how a fault with a length begins and ends.
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

// ways are the directions that a fault cuts among so many nodes.
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

// heal leaves a way cut that another fault still cuts.
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
