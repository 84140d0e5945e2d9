package sim

import (
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// client asks one thing after another of a node, and of another one when it is
// turned away there, if it roams.
type client struct {
	all  *clients
	w    *world
	id   int
	plan *ClientPlan
	at   int // node
	next int // in the plan
	open *op
	seen [16]wire.Version // by key: what it last read or wrote, for If-Match
}

// clients are those of strong buckets.
type clients struct {
	w       *world
	witness *witness
	members func() nodes // of the list last commanded
	all     []*client
	ended   int // of them
}

func newClients(w *world, witness *witness) *clients {
	cs := &clients{w: w, witness: witness}
	w.on.gone = append(w.on.gone, cs.nodeGone)
	return cs
}

// begin begins all clients.
func (cs *clients) begin(members func() nodes) {
	w := cs.w
	cs.members = members
	for id := range w.sched.Clients {
		c := &client{all: cs, w: w, id: id, plan: &w.sched.Clients[id]}
		c.at = c.plan.Node % w.sched.Nodes
		cs.all = append(cs.all, c)
		c.think()
	}
}

// think waits before the next operation, or ends.
func (c *client) think() {
	if c.next >= len(c.plan.Ops) {
		c.all.ended++
		return
	}
	c.w.after(c.plan.Ops[c.next].Think+1, c.issue)
}

// retry asks for the same thing once more, in a new operation: the last one was
// turned away, or never got there.
func (c *client) retry() {
	c.roam()
	c.w.after(50*wire.Millisecond+c.w.upTo(300*wire.Millisecond), c.issue)
}

func (c *client) roam() {
	switch {
	case c.w.calm:
		c.at, _ = c.all.members().any(c.w.rng)
	case c.plan.Roams:
		c.at = c.w.rng.IntN(c.w.sched.Nodes)
	}
}

func (c *client) issue() {
	n := c.w.nodes[c.at]
	if !n.up {
		c.retry()
		return
	}
	o := &op{
		client: c.id, plan: &c.plan.Ops[c.next], node: n.id, boot: n.boot,
		bootCount: n.bootCount, begun: c.w.now,
	}
	c.all.witness.asked(o)
	c.open = o
	c.w.counts.add("client", o.plan.Kind.String())
	if c.w.trace != nil {
		c.w.note("client %d asks %s", c.id, o)
	}
	if o.plan.Leave > 0 && !c.w.calm {
		c.w.after(o.plan.Leave, func() { c.leave(o) })
	}
	if !c.w.sched.garbled() {
		c.all.watchReadiness(o, c.w.now)
	}
	if o.plan.Kind.reads() {
		n.deliver(&core.SubmitRead{Token: ids.Token(o.token)})
		return
	}
	o.write = c.writeOf(o)
	n.deliver(&core.Submit{Token: ids.Token(o.token), Op: o.write})
}

func (c *client) writeOf(o *op) wire.Op {
	x := wire.Op{Kind: wire.OpDelete, Key: o.key(), ContentType: tagOf(o.token), Condition: o.plan.Condition}
	if o.plan.Kind == Put {
		x.Kind = wire.OpPut
		x.Value = []byte("v" + strconv.FormatUint(o.token, 10) + strings.Repeat(".", o.plan.Size))
	}
	if x.Condition == wire.IfVersion {
		x.Match = c.seen[o.plan.Key]
	}
	return x
}

// leave gives up; the node is told that the client is gone.
func (c *client) leave(o *op) {
	if o.state != open {
		return
	}
	o.state = left
	c.w.counts.add("client", "left")
	if n := c.w.nodes[o.node]; n.bootCount == o.bootCount {
		n.deliver(&core.Abandon{Token: ids.Token(o.token)})
	}
	c.ended()
}

func (c *client) ended() {
	c.open = nil
	c.next++
	c.think()
}

// nodeGone ends what was open at a node that crashed.
func (cs *clients) nodeGone(n *node) {
	for _, c := range cs.all {
		if o := c.open; o != nil && o.node == n.id {
			o.state = lost
			cs.w.counts.add("client", "lost")
			c.roam()
			c.ended()
		}
	}
}

// answered takes a node's answer.
func (cs *clients) answered(n *node, r core.Reply) {
	w := cs.w
	o := cs.witness.opFor(n, r.Token)
	if o == nil {
		return
	}
	if w.trace != nil {
		w.note("node %d answers %s: outcome %d %+v", n.id, o, r.Outcome, r.Result)
	}
	switch r.Outcome {
	case core.Done:
		if !kv.Fits(&o.write, r.Result.Status) {
			w.fail("answer", "%s was answered with the status %d", o, r.Result.Status)
		}
		cs.witness.answered(o, r.Result)
		o.state, n.answered = done, w.now
		w.counts.add("client", "answered")
		cs.all[o.client].seen[o.plan.Key] = r.Result.Version
		cs.all[o.client].ended()
	case core.NotInView:
		cs.witness.turnedAway(o)
		o.state = refused
		w.counts.add("client", "turned away")
		cs.all[o.client].open = nil
		cs.all[o.client].retry()
	default:
		w.fail("answer", "%s got the outcome %d", o, r.Outcome)
	}
}

// readable lets the client of a token read the state of its node, now.
func (cs *clients) readable(n *node, token ids.Token) {
	w := cs.w
	o := cs.witness.opFor(n, token)
	if o == nil {
		return
	}
	var num uint64
	if o.plan.Kind == List {
		num = cs.witness.list(n)
	} else {
		rec, found, next := n.store.Get(o.key())
		num = next
		cs.witness.compareRecord(n, o.key(), rec, found)
		cs.all[o.client].seen[o.plan.Key] = rec.Version
	}
	cs.witness.read(n, o, num)
	if w.trace != nil {
		w.note("node %d lets %s read before number %d", n.id, o, num)
	}
	o.state, n.answered = done, w.now
	w.counts.add("client", "read")
	cs.all[o.client].ended()
}

// leaveRemovedNode ends the client's request at a node that the last list does not name.
// Such a node may never answer.
func (c *client) leaveRemovedNode() {
	if o := c.open; o != nil && !c.all.members().has(int(o.node)) {
		c.leave(o)
	}
	c.roam()
}

// lastRound lets a client write and read once more.
func (c *client) lastRound() {
	c.plan = &ClientPlan{Node: c.plan.Node, Roams: true, Ops: []OpPlan{{Kind: Put, Key: 0}, {Kind: List}, {Kind: Get, Key: 0}}}
	c.next = 0
	c.roam()
	c.think()
}
