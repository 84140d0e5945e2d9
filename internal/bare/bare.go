// Package bare makes the lower parts of a causal replica, for tests of the parts above them.
package bare

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/broadcast"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/results"
	"github.com/cohortkv/cohort/node/causal/satisfied"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Node has the parts of node 0 in boot 1. There are eight slots.
type Node struct {
	Step      *step.Step
	View      *membership.View
	Catalog   *catalog.Catalog
	Streams   *broadcast.Streams
	Slots     *slots.Table
	Peers     *peers.List
	Boots     *loss.Boots
	Collector *gc.Collector
	Items     *items.Items
	Results   *results.Results
	Satisfied *satisfied.Checker
	Guard     *plausible.Guard
}

// New returns a node that holds no view, one second after its start.
func New() *Node {
	known := catalog.New(3)
	streams := broadcast.New(broadcast.Limits{BatchOps: 8, BatchBytes: 1 << 20, WindowBytes: 1 << 20})
	n := &Node{Catalog: &known, Streams: &streams, Collector: &gc.Collector{}}
	table := slots.New(3, &streams, func(s wire.Stream) bool { return n.Boots.StreamEnded(s) })
	n.Slots = &table
	n.Step = step.New(wire.NodeBoot{Node: 0, Boot: 1}, &core.Outbox{})
	n.Step.SetNow(wire.Second)
	n.Boots = loss.New(n.Step, n.Slots)
	n.View = membership.New(0, n.Catalog, func() bool { return false })
	n.Peers = peers.New(n.Step, n.View, views{}, n.Boots.Forgotten)
	n.Results = results.New(n.Step, n.Boots.Ended, 100, 10)
	n.Items = items.New(n.Step, n.Slots, n.Collector, n.Results, func(string) {}, 1<<20)
	n.Satisfied = satisfied.New(n.Slots, n.Catalog, n.Boots, n.View)
	n.Guard = plausible.NewGuard(plausible.New(plausible.FewestWrites, n.Step.Self, &streams.Own, table.Len()), n.Step)
	return n
}

// views are those of a node that dials nobody.
type views struct{}

func (views) Silence(ids.Node) wire.Instant { return peers.Silence }
func (views) Reach()                        {}

// In returns a node in view 5, which has two shards of members.
func In(ready bool, a, b []ids.Node) *Node {
	n := New()
	n.Adopt(5, ready, a, b)
	return n
}

// Adopt makes a view with two shards that of the node. The view replaces the one before. With
// ready all owned slots are ready. Each other member has just said hello, in ten times its id as
// boot.
func (n *Node) Adopt(number uint64, ready bool, a, b []ids.Node) {
	v := &wire.View{ID: ids.View{Number: number}}
	if !n.View.None() {
		v.Ancestors = append(slices.Clone(n.View.Held().Ancestors), wire.Ancestor{View: n.View.ID()})
	}
	for i, list := range [][]ids.Node{a, b} {
		s := wire.Shard{Name: string(rune('a' + i))}
		for _, id := range list {
			s.Members = append(s.Members, wire.Member{ID: id})
		}
		v.Layout.Shards = append(v.Layout.Shards, s)
	}
	old := n.View.Held()
	n.View.Adopt(v, n.Step.Now())
	n.Slots.Assign(n.View.Owns, true, ready, 0)
	n.Peers.Meet(old, v)
	n.Streams.Begin(wire.Stream{View: v.ID, Node: 0, Boot: 1}, n.Peers.Replicas())
	n.Hellos()
}

// Hellos lets each other member say hello.
func (n *Node) Hellos() {
	for _, p := range n.Peers.All() {
		if p.Member {
			p.NoteHello(n.Step.Now(), ids.Boot(10*p.ID), true)
		}
	}
}

// From is the header of a message of a node in the view, in the boot of Hellos.
func (n *Node) From(id ids.Node) wire.Header {
	return wire.Header{From: id, Boot: ids.Boot(10 * id), View: n.View.ID()}
}

// Pass lets time pass.
func (n *Node) Pass(d wire.Instant) { n.Step.SetNow(n.Step.Now() + d) }

// Durable makes all writes durable.
func (n *Node) Durable() {
	n.Step.MarkDurable(n.Step.LastWrite())
	n.Step.OnDurable(n.Step.LastWrite())
}

// Sent returns the messages that were sent since the last call.
func (n *Node) Sent() []core.Envelope {
	sent := append([]core.Envelope(nil), n.Step.Output().Messages...)
	n.Step.Outbox.Reset()
	return sent
}

// Told reports whether an event was emitted since the last call of Sent.
func (n *Node) Told(kind *core.EventKind) bool {
	for _, e := range n.Step.Output().Events {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

// Key is a key in a slot.
func (n *Node) Key(at hashing.Slot) string {
	for k := 'a'; ; k++ {
		if n.Slots.Space().Slot(hashing.Hash(string(k))) == at {
			return string(k)
		}
	}
}

// Owned is a slot that the node owns, or does not own.
func (n *Node) Owned(owned bool) hashing.Slot {
	for i := range n.Slots.Len() {
		if n.View.Owns(hashing.Slot(i)) == owned {
			return hashing.Slot(i)
		}
	}
	panic("there is no such slot")
}
