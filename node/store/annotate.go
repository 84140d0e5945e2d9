package store

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Annotate adds to an input what the state holds for the keys that the input concerns. The
// goroutine that changes the store calls it right before the step, so the state does not change
// between the two.
func (m *Memory) Annotate(in core.Input) {
	switch in := in.(type) {
	case *core.Submit:
		m.mu.RLock()
		in.Stored = m.mu.current.meta(in.Op.Key)
		m.mu.RUnlock()
	case *core.StoredRead:
		in.Stored = m.metas(in.Keys, in.Stored[:0])
	case *core.CausalSubmit:
		in.Stored = m.Item(in.Op.Key)
	case *core.CausalRead:
		in.Stored = m.Item(in.Key)
	case *core.Received:
		m.annotateReceived(in)
	}
}

func (m *Memory) annotateReceived(in *core.Received) {
	switch msg := in.Message.(type) {
	case *wire.Forward:
		in.Stored = m.annotateForward(msg, in.Stored[:0])
	case *wire.Batch:
		in.Items = m.annotateItems(msg.Items, in.Items[:0])
	case *wire.Items:
		in.Items = m.annotateItems(msg.Items, in.Items[:0])
	case *wire.CausalForward:
		in.Items = append(in.Items[:0], m.Item(msg.Op.Key))
	case *wire.KeyRequest:
		in.Items = append(in.Items[:0], m.Item(msg.Key))
	case *wire.KeyReply:
		in.Items = append(in.Items[:0], m.Item(msg.Key))
	}
}

func (m *Memory) metas(keys []string, stored []wire.Meta) []wire.Meta {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, key := range keys {
		stored = append(stored, m.mu.current.meta(key))
	}
	return stored
}

func (m *Memory) annotateForward(f *wire.Forward, stored []wire.Meta) []wire.Meta {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i := range f.Ops {
		stored = append(stored, m.mu.current.meta(f.Ops[i].Op.Key))
	}
	return stored
}

func (m *Memory) annotateItems(items []wire.Item, stored []*wire.Item) []*wire.Item {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i := range items {
		stored = append(stored, m.mu.causal.find(items[i].Key))
	}
	return stored
}
