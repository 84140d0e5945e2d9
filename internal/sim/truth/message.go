package truth

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Sent holds a message against what its sender may say: what depends on a write only
// when that is durable, and of K no more than is true.
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
		t.claims(l, l.durable, "answers DigestRequest", t.stillHeld(l, &m.Held))
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

// items checks that what is sent is what was written, and durable where it is sent,
// or was before it was given up.
func (t *Truth) items(l *Incarnation, what string, items []wire.Item) {
	for i := range items {
		if w := t.find(l, &items[i]); w != nil && !l.durable.has(t, w) && exceeds(w, l.ever[w.Key]) {
			t.fail("durability", "node %d %s %s, which is not durable there; that has %v", l.Node, what, w, l.durable.items[w.Key])
			return
		}
	}
}

// shows is items for an answer, which has the version of a write without its value.
func (t *Truth) shows(l *Incarnation, item *wire.Item) {
	if w := t.writeOf(item); w == nil {
		t.find(l, item)
	} else if !l.durable.has(t, w) && exceeds(w, l.ever[w.Key]) {
		t.fail("durability", "node %d shows %s, which is not durable there", l.Node, w)
	}
}

// batch checks that a broadcast has the sender's own writes, in their order.
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

// greets checks that a hello tells of no write that is not durable. (One that was made
// before a view was adopted in the same step tells of the stream before.)
func (t *Truth) greets(l *Incarnation, m *wire.Hello) {
	told := m.Stream == 0 || slices.ContainsFunc(t.order, func(s *stream) bool {
		return s.id.Node == l.Node && s.id.Boot == l.boot && m.Stream <= uint64(len(s.writes)) && s.writes[m.Stream-1].durable
	})
	if !told {
		t.fail("durability", "node %d greets with position %d of its stream, which is not durable", l.Node, m.Stream)
	}
}

// acknowledges checks that all that a broadcast brought so far is here, if the sender
// is ready for all its slots: only then does an acknowledgement count. Which incarnation of
// the receiver is meant the message does not say; the sender knows.
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

// lacks is a write of a stream up to a number that an owner of its slot has not got.
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
