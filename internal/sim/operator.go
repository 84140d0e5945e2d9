package sim

import (
	"fmt"

	"github.com/cohortkv/cohort/node/wire"
)

// operator carries out commands, one after the other, and stays sane
// (docs/views.md §5) whatever the schedule says: it mends lists when their time comes, and
// spares the nodes that must keep their state.
//
//	(a) A command begins when every PUT of the last one was answered or given up.
//	(b) Its list contains a node that is complete for the last active view, and a
//	    node of every list commanded since that has not lost its state since then.
//	(c) Those nodes keep their state until the new view is active.
type operator struct {
	w        *world
	waiting  []*Command
	now      *command
	commands []*command // after that of the last active view
	count    int        // of all commands so far
	views    map[wire.ViewID]*command
	lastView wire.ViewID // that became active; zero: none
	list     nodes       // last commanded
	puts     []*put
}

// command is one list while it is carried out.
type command struct {
	*Command
	number int
	list   nodes
	layout wire.Layout
	lives  []int // of all nodes when it began: who has crashed since is another
	spared nodes
	next   int // of its tells, when one by one
	open   int
	then   func()
}

// put is one PUT /view.
type put struct {
	cmd   *command
	node  *node
	life  int
	token wire.Token
	begun wire.Instant
	empty bool
	ended bool
}

// putTokens is the first token of PUTs: far above those of clients.
const putTokens = 1 << 32

// putBound is when a PUT must have been answered: the 8 s of API §1.2, and the
// lateness of timers.
const putBound = 8200 * wire.Millisecond

func (o *operator) init(w *world) {
	o.w = w
	o.views = map[wire.ViewID]*command{}
}

// command takes the next command of the schedule.
func (o *operator) command(c *Command) {
	o.waiting = append(o.waiting, c)
	o.proceed()
}

func (o *operator) proceed() {
	if o.now != nil || len(o.waiting) == 0 || o.w.failure != nil {
		return
	}
	c := o.waiting[0]
	o.waiting = o.waiting[1:]
	o.begin(c, o.w.stepDone)
}

// begin starts a command; then runs when its PUTs have ended.
func (o *operator) begin(plan *Command, then func()) {
	w := o.w
	c := &command{Command: plan, number: o.count + 1, then: then}
	c.list, c.spared = o.mend(plan)
	if c.list == 0 {
		w.counts.add("operator", "command dropped: no sane list")
		then()
		return
	}
	for _, n := range w.nodes {
		c.lives = append(c.lives, n.life)
	}
	c.layout = layoutOf(c.list, plan.Shards, plan.Moved)
	o.now = c
	o.count++
	o.commands = append(o.commands, c)
	if c.list != o.list && o.list != 0 {
		w.counts.add("operator", "members changed")
	}
	o.list = c.list
	w.counts.add("operator", "command")
	w.note("operator: %s mended to %s, spares %s", plan, c.list, c.spared)
	c.open = 1
	if plan.OneByOne {
		o.tellNext(c)
	} else {
		for i := range plan.Tells {
			c.open++
			w.after(plan.Tells[i].After, func() { o.tell(c, &plan.Tells[i]) })
		}
	}
	o.putEnded(c)
}

// tellNext tells the next node, after the one before has answered.
func (o *operator) tellNext(c *command) {
	if c.next < len(c.Tells) {
		t := &c.Tells[c.next]
		c.next++
		c.open++
		o.w.after(t.After, func() { o.tell(c, t) })
	}
}

// tell sends one PUT. A node that is down refuses the connection.
func (o *operator) tell(c *command, t *Tell) {
	w := o.w
	n := w.nodes[t.Node]
	if !n.up {
		o.putEnded(c)
		return
	}
	p := &put{cmd: c, node: n, life: n.life, token: wire.Token(putTokens + len(o.puts)), begun: w.now}
	o.puts = append(o.puts, p)
	layout := c.layout
	if t.Empty && !c.list.has(t.Node) {
		layout = wire.Layout{Flat: true}
		p.empty = true
		w.counts.add("operator", "told []")
	} else if !c.list.has(t.Node) {
		w.counts.add("operator", "told a node outside")
	}
	w.note("operator: PUT %d to node %d", p.token-putTokens, n.id)
	if t.Leave > 0 {
		w.after(t.Leave, func() { o.leave(p) })
	}
	w.after(putBound, func() { o.checkBound(p) })
	n.deliver(&wire.PutView{Token: p.token, Layout: layout})
}

// leave gives a PUT up. It counts as ended when its node knows: a node that is
// stopped may still take in a PUT whose client is gone, so the operator does not
// go on before.
func (o *operator) leave(p *put) {
	if p.ended {
		return
	}
	o.w.counts.add("operator", "PUT given up")
	o.w.note("operator: gives PUT %d up", p.token-putTokens)
	p.node.deliver(&wire.Abandon{Token: p.token})
}

func (o *operator) heardOfLeave(token wire.Token) {
	if p := o.puts[token-putTokens]; !p.ended {
		p.ended = true
		o.putEnded(p.cmd)
	}
}

// checkBound fails a PUT that was not answered in time, pauses aside.
func (o *operator) checkBound(p *put) {
	if p.ended || p.node.life != p.life {
		return
	}
	asleep := p.node.pausedTime()
	if over := o.w.now - p.begun - asleep - putBound; over < 0 {
		o.w.after(-over, func() { o.checkBound(p) })
		return
	}
	if p.node.pauses == 0 {
		o.w.fail("PUT bound", "node %d has not answered PUT %d after %s", p.node.id, p.token-putTokens, seconds(o.w.now-p.begun))
	}
}

// reply takes the answer to a PUT; false when the token is not one.
func (o *operator) reply(n *node, r wire.Reply) bool {
	if r.Token < putTokens {
		return false
	}
	p := o.puts[r.Token-putTokens]
	if p.ended || p.node != n || p.life != n.life {
		o.w.fail("answer", "node %d answers PUT %d again, or too late", n.id, r.Token-putTokens)
		return true
	}
	name, ok := putOutcomes[r.Outcome]
	if !ok {
		o.w.fail("answer", "node %d answers a PUT with the outcome %d", n.id, r.Outcome)
		return true
	}
	o.w.counts.add("operator", name)
	o.w.note("node %d answers PUT %d: %s", n.id, p.token-putTokens, name)
	if r.Outcome == wire.ViewServed && !p.empty && p.cmd.list.has(int(n.id)) && (n.oath.view == nil || !n.oath.view.Has(n.id)) {
		o.w.fail("view", "node %d says that it serves and is in no view", n.id)
	}
	p.ended = true
	o.putEnded(p.cmd)
	return true
}

var putOutcomes = map[wire.Outcome]string{
	wire.ViewServed: "PUT: served", wire.ViewUnready: "PUT: not ready in time", wire.ViewOvertaken: "PUT: overtaken",
}

// nodeGone ends the PUTs that were open at a node that crashed.
func (o *operator) nodeGone(n *node) {
	for _, p := range o.puts {
		if !p.ended && p.node == n {
			p.ended = true
			o.putEnded(p.cmd)
		}
	}
}

// putEnded counts the PUTs of a command, and ends it with the last.
func (o *operator) putEnded(c *command) {
	c.open--
	if c.OneByOne {
		o.tellNextAfter(c)
	}
	if c.open > 0 {
		return
	}
	o.now = nil
	c.then()
	o.proceed()
}

// tellNextAfter goes on with the tells once none is open; the first is begun by
// begin.
func (o *operator) tellNextAfter(c *command) {
	if c.open == 0 {
		o.tellNext(c)
	}
}

// layoutOf writes a list as an operator would.
func layoutOf(list nodes, shards int, moved bool) wire.Layout {
	l := wire.Layout{Flat: shards == 0}
	for i := range max(shards, 1) {
		s := wire.Shard{}
		if shards > 0 {
			s.Name = fmt.Sprintf("shard%d", i)
		}
		l.Shards = append(l.Shards, s)
	}
	for i, id := range list.list() {
		s := &l.Shards[i%len(l.Shards)]
		s.Members = append(s.Members, wire.Member{ID: wire.NodeID(id), Address: address(id, moved)})
	}
	return l.Canonical()
}

// address is where a node can be reached: it has two networks.
func address(id int, moved bool) string {
	if moved {
		return fmt.Sprintf("10.2.0.%d:8081", id)
	}
	return fmt.Sprintf("10.1.0.%d:8081", id)
}
