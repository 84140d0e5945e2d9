package truth

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Sent checks a message against what its sender may say. A write that it depends on must be
// durable, and its claims of K must be true (I15).
func (t *Truth) Sent(l *Incarnation, e *core.Envelope) {
	switch m := e.Message.(type) {
	case *wire.Batch:
		t.batch(l, m)
	case *wire.BatchAck:
		t.acknowledges(l, e.To, m)
	case *wire.Hello:
		t.greets(l, m)
	case *wire.DigestRequest:
		t.collecting = max(t.collecting, m.Collecting)
	case *wire.Digest:
		held := t.stillHeld(l, &m.Held)
		t.claims(l, l.durable, "answers DigestRequest", held)
		l.tell(held)
		if l.behind && m.Frozen && m.View == l.view.id {
			l.frozenIn = l.view
		}
	case *wire.Items:
		t.items(l, "sends", m.Items)
	case *wire.KeyReply:
		if m.Present {
			t.items(l, "tells", []wire.Item{m.Item})
		}
	case *wire.CausalForward:
		t.forwards(l, e.To, m)
	case *wire.CausalForwardReply:
		if m.Fate == wire.ForwardDone && m.Present {
			t.shows(l, &m.Item)
		}
	case *wire.ViewInfo:
		for i := range m.Views {
			t.published(l, &m.Views[i])
		}
	}
}

// items checks that the items of a message are as they were written, and durable at the
// sender. Items that the sender gave up count as durable.
func (t *Truth) items(l *Incarnation, what string, items []wire.Item) {
	for i := range items {
		if w := t.find(l, &items[i]); w != nil && !l.durable.has(t, w) && exceeds(w, l.ever[w.Key]) {
			t.fail("durability", "node %d %s %s, which is not durable there; that has %v", l.Node, what, w, l.durable.items[w.Key])
			return
		}
	}
}

// shows checks an item that an answer shows. The answer has the version of a write without
// its value.
func (t *Truth) shows(l *Incarnation, item *wire.Item) {
	if w := t.writeOf(item); w == nil {
		t.find(l, item)
	} else if !l.durable.has(t, w) && exceeds(w, l.ever[w.Key]) {
		t.fail("durability", "node %d shows %s, which is not durable there", l.Node, w)
	}
}

// batch checks that a broadcast holds the sender's own writes, in their order.
func (t *Truth) batch(l *Incarnation, m *wire.Batch) {
	for i := range m.Items {
		d := m.Items[i].Version.Dot
		if d.Stream != (wire.Stream{View: m.View, Node: l.Node, Boot: l.boot}) || d.N != m.First+uint64(i) {
			t.fail("I16", "node %d broadcasts %s as number %d of view %v", l.Node, VersionString(m.Items[i].Version), m.First+uint64(i), m.View)
			return
		}
	}
	t.items(l, "broadcasts", m.Items)
}

// greets checks that a hello tells of no write that is not durable. A hello that was made
// before a view was adopted in the same step tells of the stream before.
func (t *Truth) greets(l *Incarnation, m *wire.Hello) {
	told := m.Stream == 0 || slices.ContainsFunc(t.order, func(s *stream) bool {
		return s.id.Node == l.Node && s.id.Boot == l.boot && m.Stream <= uint64(len(s.writes)) && s.writes[m.Stream-1].durable
	})
	if !told {
		t.fail("durability", "node %d greets with position %d of its stream, which is not durable", l.Node, m.Stream)
	}
}

// acknowledges checks that the sender of an acknowledgement holds all that a broadcast
// brought so far. The acknowledgement counts only if the sender is ready for all its slots.
// It does not say which incarnation of the receiver it is for; the sender knows.
func (t *Truth) acknowledges(l *Incarnation, to ids.Node, m *wire.BatchAck) {
	if m.N == 0 || !l.ready {
		return
	}
	var lie *Write
	for _, s := range t.order {
		if s.id.View != m.View || s.id.Node != to {
			continue
		}
		missing, ok := t.lacks(l, s, m.N)
		if ok {
			return
		}
		lie = missing
	}
	t.fail("acknowledgement", "node %d acknowledges %d writes of node %d in view %v, it lacks %v", l.Node, m.N, to, m.View, lie)
}

// lacks returns a write of a stream, up to number n, that an owner of its slot does not
// hold.
func (t *Truth) lacks(l *Incarnation, s *stream, n uint64) (*Write, bool) {
	if n > uint64(len(s.writes)) {
		return nil, false
	}
	v := t.views[s.id.View]
	if l.view != v {
		return nil, true
	}
	for ; l.acked[s] < n; l.acked[s]++ {
		if w := s.writes[l.acked[s]]; v.owns(l.Node, t.keys[w.Key].slot) && !l.written.has(t, w) {
			return w, false
		}
	}
	return nil, true
}
