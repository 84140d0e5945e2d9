package causal_test

import (
	"fmt"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// cluster is a few nodes, and the messages between them. Nodes step in turn, so a run is the same
// each time.
type cluster struct {
	t     testing.TB
	now   wire.Instant
	nodes []*driven
	queue []parcel
	buf   []byte
	ended int                                    // requests that were answered
	twist func(from, to *driven, m wire.Message) // changes a message on its way; nil: messages stay as they are
	last  wire.Context
}

type driven struct {
	c     *cluster
	id    ids.Node
	m     *machine.Machine
	store *store.Memory
	todo  []core.Input
	cut   bool // no message leaves the node or reaches it

	events map[*core.EventKind]int
	sent   int // bytes of messages
}

type parcel struct {
	to *driven
	in *core.Received
}

// newCluster brings up nodes that replicate one shard.
func newCluster(t testing.TB, n int) *cluster { return newLimited(t, n, machine.CausalLimits{}) }

// newLimited is newCluster under limits.
func newLimited(t testing.TB, n int, limits machine.CausalLimits) *cluster {
	c := &cluster{t: t, now: wire.Second}
	l := wire.Layout{Flat: true, Shards: []wire.Shard{{}}}
	for i := range n {
		id := ids.Node(i)
		l.Shards[0].Members = append(l.Shards[0].Members, wire.Member{ID: id, Address: fmt.Sprintf("node%d:8081", i)})
		c.nodes = append(c.nodes, &driven{c: c, id: id, store: store.NewMemory(), events: map[*core.EventKind]int{}, m: machine.New(machine.Config{
			ID: id, Inc: ids.Incarnation(i + 1), Boot: ids.Boot(i + 1), Now: c.now, Gate: machine.GateCausal, Causal: limits,
		})})
	}
	c.nodes[0].step(&core.PutView{Layout: l.Canonical()})
	c.deliver()
	for range 30 {
		c.pass(100 * wire.Millisecond)
	}
	if c.ended != 1 {
		t.Fatal("the view did not come about")
	}
	return c
}

// fill writes keys.
func (c *cluster) fill(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("key-%08d", i)
		c.write(keys[i], wire.Context{})
		if i%1000 == 0 {
			c.pass(10 * wire.Millisecond) // no node may count as silent
		}
	}
	return keys
}

// step brings a node one input, and carries out its output.
func (n *driven) step(in core.Input) {
	n.todo = append(n.todo, in)
	for len(n.todo) > 0 {
		in := n.todo[0]
		n.todo = n.todo[1:]
		n.store.Annotate(in)
		n.carryOut(n.m.Step(n.c.now, in))
	}
	n.todo = nil
}

func (n *driven) carryOut(out *core.Output) {
	n.store.Write(out.Writes)
	for i := range out.Events {
		n.events[out.Events[i].Kind]++
	}
	for _, e := range out.Messages {
		n.c.send(n, e)
	}
	for _, r := range out.Reads {
		switch r.Kind {
		case core.ReadKey:
			n.todo = append(n.todo, n.store.Key(r))
		case core.ReadSlots:
			n.todo = append(n.todo, n.store.Slots(r))
		}
	}
	for _, r := range out.Replies {
		n.c.ended++
		if r.Causal != nil {
			n.c.last = r.Causal.Context
		}
	}
	if k := len(out.Writes); k > 0 {
		n.todo = append(n.todo, &core.Durable{Seq: out.Writes[k-1].Seq})
	}
}

func (c *cluster) send(from *driven, e core.Envelope) {
	c.buf = wire.AppendMessage(c.buf[:0], from.m.Header(), e.Message)
	h, m, err := wire.DecodeMessage(append([]byte(nil), c.buf...))
	if err != nil {
		c.t.Fatal(err)
	}
	from.sent += len(c.buf)
	if int(e.To) >= len(c.nodes) {
		return // to a node that does not exist
	}
	if c.twist != nil {
		c.twist(from, c.nodes[e.To], m)
	}
	if from.cut || c.nodes[e.To].cut {
		return
	}
	in := &core.Received{Header: h, Message: m}
	if e.Answer != "" {
		if _, err := fmt.Sscan(string(e.Answer), &in.Request); err != nil {
			c.t.Fatal(err)
		}
	} else if e.Request != 0 {
		in.ReplyTo = ids.ReplyTo(fmt.Sprint(e.Request))
	}
	c.queue = append(c.queue, parcel{c.nodes[e.To], in})
}

func (c *cluster) deliver() {
	for i := 0; i < len(c.queue); i++ {
		c.queue[i].to.step(c.queue[i].in)
	}
	clear(c.queue)
	c.queue = c.queue[:0]
}

// pass lets a time go by at once. Each node whose time has come takes a step.
func (c *cluster) pass(d wire.Instant) {
	c.now += d
	for _, n := range c.nodes {
		for n.m.Deadline() <= c.now {
			n.step(&core.Tick{})
		}
	}
	c.deliver()
}

var value = []byte("a value of a few bytes")

// write writes a key at node 0, and returns when the client is answered.
func (c *cluster) write(key string, context wire.Context) {
	before := c.ended
	c.nodes[0].step(&core.CausalSubmit{Op: wire.Op{Kind: wire.OpPut, Key: key, Value: value}, Context: context})
	c.deliver()
	if c.ended != before+1 {
		c.t.Fatalf("a write of %s has %d answers", key, c.ended-before)
	}
}

func (c *cluster) read(key string, context wire.Context) {
	before := c.ended
	c.nodes[0].step(&core.CausalRead{Key: key, Context: context})
	if c.ended != before+1 {
		c.t.Fatalf("a read of %s has %d answers", key, c.ended-before)
	}
}
