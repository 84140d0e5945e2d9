package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Meter holds what causal buckets cost in a run: the sizes of contexts and of stored
// dependencies, and the bytes written and sent. Sizes are those of encoded messages, except
// for Context.
type Meter struct {
	Context int            // bytes of the largest context, as text
	Deps    int            // bytes of the largest dependencies of a stored item
	Writes  int            // writes of clients
	Stored  int            // bytes written to disk, at all nodes
	Sent    int            // bytes of messages that concern causal buckets
	Kinds   map[string]int // by kind of message: its part of Sent
	scratch []byte
}

// meterOf adds a meter to a world. It returns nil if the schedule asks for no measurement.
func meterOf(w *world.World) *Meter {
	if !w.Sched.Measure {
		return nil
	}
	m := &Meter{Kinds: map[string]int{}}
	w.On.Sent = append(w.On.Sent, m.sent)
	w.On.Wrote = append(w.On.Wrote, m.wrote)
	return m
}

// sent counts a message. Hellos are left out: nodes send them without any causal bucket
// too.
func (m *Meter) sent(n *world.Node, e *core.Envelope) {
	if e.Message.Kind() < wire.KindBatch {
		return
	}
	m.scratch = wire.AppendMessage(m.scratch[:0], n.Machine.Header(), e.Message)
	m.Sent += len(m.scratch)
	m.Kinds[trace.KindName(e.Message)] += len(m.scratch)
}

// wrote counts what a node writes of causal buckets, in the size of a log record.
func (m *Meter) wrote(n *world.Node, x *wire.Write) {
	c := x.Causal
	if x.Kind != wire.WriteCausal {
		return
	}
	m.scratch = wire.AppendLogRecord(m.scratch[:0], []wire.Write{*x})
	m.Stored += len(m.scratch)
	size := func(x wire.Message) int {
		m.scratch = wire.AppendMessage(m.scratch[:0], wire.Header{}, x)
		return len(m.scratch)
	}
	for i := range c.Put {
		it := &c.Put[i]
		if it.Version.Dot.Stream.Node != n.ID {
			continue
		}
		bare := *it
		bare.Deps = wire.Context{}
		m.Deps = max(m.Deps, size(&wire.Items{Items: []wire.Item{*it}})-size(&wire.Items{Items: []wire.Item{bare}}))
	}
}

func (m *Meter) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "context ≤ %d B as text, dependencies ≤ %d B; %d writes: %.0f B stored, %.0f B sent each, at all nodes together; sent:",
		m.Context, m.Deps, m.Writes, float64(m.Stored)/float64(max(m.Writes, 1)), float64(m.Sent)/float64(max(m.Writes, 1)))
	var kinds []string
	for k := range m.Kinds {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int { return m.Kinds[b] - m.Kinds[a] })
	for _, k := range kinds {
		fmt.Fprintf(&b, " %s %d", k, m.Kinds[k])
	}
	return b.String()
}
