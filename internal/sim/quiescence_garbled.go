package sim

import (
	"bytes"
	"fmt"

	"github.com/cohortkv/cohort/node/wire"
)

// equalAfterGarbling reports the first difference between replicas after garbled messages.
// The pieces of a base are taken on the word of the node that serves them (docs/strong.md
// §12). A fuzzer finds that at once, so in its runs the check ends with a garbled piece.
func (e *quiescence) equalAfterGarbling() string {
	w := e.w
	if !w.sched.Model.strong() {
		return ""
	}
	var first *node
	for _, id := range e.operator.list.list() {
		n := w.nodes[id]
		switch {
		case !n.serving:
			return fmt.Sprintf("node %d does not serve: %s", n.id, n.reason)
		case first == nil:
			first = n
		case e.witness.of(n).hist != e.witness.of(first).hist:
			return fmt.Sprintf("node %d stands in %s, node %d in %s", n.id, name(e.witness.of(n).hist), first.id, name(e.witness.of(first).hist))
		case e.ended() && !w.net.garbledChunk:
			if what := differ(first, n); what != "" {
				return fmt.Sprintf("nodes %d and %d differ: %s", first.id, n.id, what)
			}
		}
	}
	return ""
}

// differ is what two nodes hold differently in strong buckets.
func differ(a, b *node) string {
	one, two := a.store.Snapshot(), b.store.Snapshot()
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
func (e *quiescence) leaveWaiting() {
	w := e.w
	for _, s := range e.sessions.all {
		if r := s.open; r != nil && w.now-r.Asked > wire.Second {
			s.leave(r)
		}
	}
}
