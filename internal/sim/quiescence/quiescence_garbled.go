package quiescence

import (
	"bytes"
	"fmt"

	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/wire"
)

// equalAfterGarbling returns the first difference between replicas after garbled messages.
// A node believes the pieces of a base that another node serves (docs/strong.md §12). A
// fuzzer exploits that at once, so in its runs the check ends with a garbled piece.
func (e *Quiescence) equalAfterGarbling() string {
	w := e.w
	if !w.Sched.Model.Strong() {
		return ""
	}
	var first *world.Node
	for _, id := range e.operator.List.List() {
		n := w.Nodes[id]
		switch {
		case !n.Serving:
			return fmt.Sprintf("node %d does not serve: %s", n.ID, n.Reason)
		case first == nil:
			first = n
		case e.witness.Of(n).Hist != e.witness.Of(first).Hist:
			return fmt.Sprintf("node %d stands in %s, node %d in %s", n.ID, trace.Name(e.witness.Of(n).Hist), first.ID, trace.Name(e.witness.Of(first).Hist))
		case e.ended() && !w.Net.GarbledChunk:
			if what := differ(first, n); what != "" {
				return fmt.Sprintf("nodes %d and %d differ: %s", first.ID, n.ID, what)
			}
		}
	}
	return ""
}

// differ returns the first difference between two nodes in strong buckets.
func differ(a, b *world.Node) string {
	one, two := a.Store.Snapshot(), b.Store.Snapshot()
	if one.Next() != two.Next() {
		return fmt.Sprintf("the next number is %d and %d", one.Next(), two.Next())
	}
	held := map[string]wire.Record{}
	for rec := range one.From(nil) {
		held[rec.Key] = rec
	}
	for rec := range two.From(nil) {
		x, ok := held[rec.Key]
		if !ok || !bytes.Equal(x.Value, rec.Value) || x.Version != rec.Version || x.Stamp != rec.Stamp || x.ContentType != rec.ContentType {
			return fmt.Sprintf("key %q", rec.Key)
		}
		delete(held, rec.Key)
	}
	for key := range held {
		return fmt.Sprintf("key %q", key)
	}
	return ""
}

// leaveWaiting ends the requests of sessions that wait for longer than a second. After
// garbled messages a session may wait for a write that was never made.
func (e *Quiescence) leaveWaiting() {
	w := e.w
	for _, s := range e.sessions.All {
		if r := s.Open; r != nil && w.Now-r.Asked > wire.Second {
			s.Leave(r)
		}
	}
}
