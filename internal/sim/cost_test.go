package sim

import (
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/node/wire"
)

// costs is a schedule of three clients. The first writes every key once within span. The
// second reads each key a little later. The third writes other keys, at a node that may be
// cut off.
func costs(nodes, keys int, span wire.Instant) *schedule.Schedule {
	s := &schedule.Schedule{
		Seed: 1, Model: schedule.Causal, Nodes: nodes, Measure: true, Network: schedule.NetworkConditions{Delay: wire.Millisecond},
		Last: schedule.Command{List: 1<<nodes - 1, All: true},
	}
	s.Causal.Space, s.Causal.Exact, s.Causal.Deps, s.Causal.Keys = hashing.Space(8), 128, 16, 2*keys
	s.Steps = []schedule.Step{
		{At: 10 * wire.Millisecond, Command: &schedule.Command{List: 1<<nodes - 1, All: true}},
		{At: span, Fault: &schedule.Fault{Kind: schedule.Pause}},
	}
	for i := range 3 {
		c := schedule.ClientPlan{Node: i}
		for k := range keys {
			op := schedule.OpPlan{Think: span / wire.Instant(keys), Kind: schedule.Put, Key: k, Size: 32}
			switch i {
			case 1:
				op.Kind = schedule.Get
			case 2:
				op.Key += keys
			}
			c.Ops = append(c.Ops, op)
		}
		s.Sessions = append(s.Sessions, c)
	}
	s.Sessions[1].Ops[0].Think += 2 * wire.Second
	return s
}

const hour = 3600 * wire.Second

// TestContextsStaySmall measures what contexts, dependencies, writes and messages
// cost over an hour, healthy, with a replica gone, and with many views, and holds the
// bounds that clients are promised.
func TestContextsStaySmall(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("simulates hours")
	}
	healthy, gone, views := costs(3, 10_000, hour), costs(3, 10_000, hour), costs(5, 1_000, hour/6)
	gone.Steps = append(gone.Steps[:1:1], schedule.Step{At: 2 * wire.Second, Fault: &schedule.Fault{Kind: schedule.Cut, Side: schedule.One(2), For: hour}}, gone.Steps[1])
	steps := views.Steps[:1:1]
	for i := range 100 {
		steps = append(steps, schedule.Step{At: wire.Instant(1+i) * hour / 6 / 101, Command: &schedule.Command{
			List: 31, All: true, Shards: 2 + i%3, Place: []uint8{0, 0, 1, uint8(i % 2), uint8(i % 3)},
		}})
	}
	views.Steps = append(steps, views.Steps[1])
	for _, c := range []struct {
		name  string
		sched *schedule.Schedule
	}{
		{"healthy", healthy}, {"a replica gone for an hour", gone}, {"a hundred views", views},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := Run(c.sched, nil)
			if r.Failure != nil {
				t.Fatal(r.Failure)
			}
			t.Log(r.Meter)
			if r.Meter.Context >= 4096 || r.Meter.Deps >= 410 {
				t.Errorf("a context of %d B, dependencies of %d B", r.Meter.Context, r.Meter.Deps)
			}
		})
	}
}
