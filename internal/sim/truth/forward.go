package truth

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// sending is a forwarded write, and a node that it was sent to.
type sending struct {
	id ids.Request
	to ids.Node
}

// forwards records when a write was sent to an owner last.
func (t *Truth) forwards(l *Incarnation, to ids.Node, m *wire.CausalForward) {
	if !m.Read {
		t.sent[sending{ids.Request{Node: l.Node, Boot: l.boot, Counter: m.Counter}, to}] = t.world.Now()
	}
}

// Heard records what a message tells a node of its sender's finished writes. A hello counts
// only between members, in the receiver's view.
func (l *Incarnation) Heard(h wire.Header, m wire.Message) {
	lowestOpen := uint64(0)
	switch m := m.(type) {
	case *wire.Hello:
		if l.view != nil && l.view.id == h.View && l.view.has(l.Node) && l.view.has(h.From) {
			lowestOpen = m.LowestOpen
		}
	case *wire.CausalForward:
		if m.Read || m.To == l.boot {
			lowestOpen = m.LowestOpen
		}
	}
	if f := (wire.NodeBoot{Node: h.From, Boot: h.Boot}); lowestOpen > l.finished[f] {
		l.finished[f] = lowestOpen
	}
}

// mayForward checks a write that its client's node has forwarded (docs/forwarding.md §3).
// In this boot, the owner must neither have taken the write before nor have heard that the
// write is finished. The write must have been sent to this boot of the owner. A second
// owner may take the same write, because it may not know of the first.
func (t *Truth) mayForward(l *Incarnation, w *Write) {
	id := w.Item.ID
	for _, first := range w.Op.Writes {
		if l.written.results[first.Item.ID] {
			t.fail("I11", "node %d takes %s again, it had %s", l.Node, w, first)
			return
		}
		t.world.Saw("written twice")
	}
	if id == (ids.Request{}) || id.Node == l.Node && id.Boot == l.boot {
		return
	}
	if lowest := l.finished[wire.NodeBoot{Node: id.Node, Boot: id.Boot}]; id.Counter < lowest {
		t.fail("I11", "node %d takes %s, number %d of node %d, and has heard that all below %d are finished", l.Node, w, id.Counter, id.Node, lowest)
		return
	}
	if at, sent := t.sent[sending{id, l.Node}]; !sent || at < l.booted {
		t.fail("I11", "node %d takes %s, which was not sent to its present boot", l.Node, w)
		return
	}
	if over := w.Op.Over; over != 0 && w.At-over > lateAfter {
		t.world.Saw("written late")
	}
}

// lateAfter is the time after the answer, or after the client left, from which a write
// counts as late.
const lateAfter = 3 * wire.Second
