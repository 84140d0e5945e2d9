// Package script plays scripts: a few machines and clients, joined by a network that the
// script controls. The tests of node/strong and node/causal keep the transcripts in
// testdata, so a reader sees the protocol message by message (docs/testing.md §6).
//
// A transcript contains its own script: the lines that are neither indented nor begin with
// #. commands lists the commands. A Stage says which machines play and what is shown of
// them. Messages arrive in the order, and at the instant, in which they were sent, unless
// the script cuts, loses or holds them. Time passes only where the script says so. Writes
// are durable at once. So the same script gives the same transcript.
//
// The package is for tests: an error in a script ends the test.
package script

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// Stage says which machines a script plays with, and what is shown of them.
type Stage struct {
	gate    machine.Gate
	limits  machine.CausalLimits
	message func(w *world, l *packet) string // empty: the message is not shown
	event   func(w *world, e core.Event) bool
}

// world is a script while it is played.
type world struct {
	t      *testing.T
	stage  Stage
	now    wire.Instant
	nodes  map[ids.Node]*node
	net    network
	out    strings.Builder
	token  ids.Token
	boots  int                     // number of boots that began
	boot   map[ids.Boot]int        // the number of a boot among those of its node, from 0
	begun  map[ids.Node]int        // number of boots of a node so far
	causal map[string]wire.Context // by client: its context
	keys   map[uint64]string       // by hash: the key
	quiet  bool                    // messages are not shown
	hidden map[string]bool         // kinds of messages and events that are not shown
}

// node is a machine with its driver, which does what node/driver.go does, step by step.
type node struct {
	id     ids.Node
	m      *machine.Machine
	store  *store.Memory
	asked  map[ids.Token]asked
	peers  []wire.Member
	status core.NodeStatus
}

func newWorld(t *testing.T, stage Stage) *world {
	return &world{
		t: t, stage: stage, now: wire.Second, nodes: map[ids.Node]*node{}, net: newNetwork(),
		boot: map[ids.Boot]int{}, begun: map[ids.Node]int{}, causal: map[string]wire.Context{},
		keys: map[uint64]string{}, hidden: map[string]bool{},
	}
}

// start starts a new boot of a node, without state.
func (w *world) start(id ids.Node) {
	w.boots++
	boot := ids.Boot(100*w.boots + int(id))
	w.boot[boot] = w.begun[id]
	w.begun[id]++
	w.nodes[id] = &node{
		id: id, store: store.NewMemory(), asked: map[ids.Token]asked{},
		m: machine.New(machine.Config{
			ID: id, Inc: ids.Incarnation(boot), Boot: boot, Now: w.now, Gate: w.stage.gate, Causal: w.stage.limits,
		}),
	}
}

// nodeIDs returns the nodes that run.
func (w *world) nodeIDs() []ids.Node {
	var all []ids.Node
	for id := range w.nodes {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// step gives a node one input, and executes the output in the order of its fields.
func (w *world) step(n *node, in core.Input) {
	n.store.Annotate(in)
	out := n.m.Step(w.now, in)
	before := n.peers
	if out.PeersChanged {
		n.peers = slices.Clone(out.Peers)
	}
	if out.Status != nil {
		n.status = *out.Status
	}
	n.store.Write(out.Writes)
	for _, e := range out.Messages {
		w.post(n, before, e)
	}
	n.store.Apply(out.Applies)
	next := w.read(n, out.Reads)
	for _, r := range out.Replies {
		w.answer(n, r)
	}
	for _, e := range out.Events {
		if w.stage.event(w, e) && !w.hidden[e.Kind.Name] {
			w.say("  %d: %s%s", n.id, e.Kind, note(e))
		}
	}
	if k := len(out.Writes); k > 0 {
		next = append(next, &core.Durable{Seq: out.Writes[k-1].Seq})
	}
	for _, in := range next {
		w.step(n, in)
	}
}

// read executes reads. It answers those of clients, and returns the inputs that result from
// the others.
func (w *world) read(n *node, reads []core.Read) []core.Input {
	var found []core.Input
	for _, r := range reads {
		switch r.Kind {
		case core.ReadChunk:
			found = append(found, n.store.Chunk(r))
		case core.ReadKey:
			found = append(found, n.store.Key(r))
		case core.ReadStored:
			found = append(found, &core.StoredRead{Session: r.Session, Keys: r.Keys})
		case core.ReadSlots:
			found = append(found, n.store.Slots(r))
		case core.ReadItems:
			w.list(n, r)
		default:
			w.answerRead(n, r.Token)
		}
	}
	return found
}

// pass lets time pass, in steps of 10 ms.
func (w *world) pass(d wire.Instant) {
	for end := w.now + d; w.now < end; w.now += 10 * wire.Millisecond {
		for _, id := range w.nodeIDs() {
			if n := w.nodes[id]; n.m.Deadline() <= w.now {
				w.step(n, &core.Tick{})
			}
		}
		w.run()
	}
}

func (w *world) say(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

// node returns the running node of a name.
func (w *world) node(s string) *node {
	n := w.nodes[w.id(s)]
	if n == nil {
		w.t.Fatalf("there is no node %s", s)
	}
	return n
}
