package sim

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// operator puts views, in the way of its kind (docs/views.md §5). A sane one has
// one group of nodes and follows the rules whatever the schedule says: it corrects
// lists when their time comes, and spares the nodes that must keep their state.
//
//	(a) A command begins when every PUT of the last one was answered or given up.
//	(b) Its list contains a node that is complete for the last active view, and a
//	    node of every list commanded since that has not lost its state since then.
//	(c) Those nodes keep their state until the new view is active.
//
// One that splits keeps several groups, each by these rules, parts them and joins
// them again (split.go). An adversarial one has no rules (adversarial.go).
type operator struct {
	w       *world
	witness *witness // of what nodes have
	done    func()   // a command of the schedule has ended
	groups  []*group
	home    [maxNodes]*group // the group that a node belongs to, if the operator splits
	waiting []*Command
	all     []*command
	views   map[ids.View]*command
	list    nodes       // last commanded
	layout  wire.Layout // of it
	puts    []*put
}

// command is one list while it is carried out.
type command struct {
	*Command
	number int
	group  *group            // nil: an adversarial operator's
	past   map[*command]bool // what its group had commanded before
	list   nodes
	layout wire.Layout
	incs   []ids.Incarnation // of all nodes when it began: who has lost its state since is another
	spared nodes
	next   int // of its tells, when one by one
	open   int
	then   func()
}

// put is one PUT /view.
type put struct {
	cmd       *command
	node      *node
	bootCount int
	token     ids.Token
	begun     wire.Instant
	empty     bool
	ended     bool
}

// putBound is when a PUT must have been answered: the 8 s that the API promises, and the
// lateness of timers.
const putBound = 8200 * wire.Millisecond

func newOperator(w *world, witness *witness, done func()) *operator {
	o := &operator{w: w, witness: witness, done: done, views: map[ids.View]*command{}}
	o.groups = []*group{{o: o, past: map[*command]bool{}}}
	w.on.told = append(w.on.told, o.told)
	w.on.gone = append(w.on.gone, o.nodeGone)
	return o
}

// members are the nodes of the list last commanded.
func (o *operator) members() nodes { return o.list }

// command takes the next command of the schedule.
func (o *operator) command(c *Command) {
	if o.w.sched.Operator == Adversarial {
		o.executeUnchecked(c, o.done)
		return
	}
	o.waiting = append(o.waiting, c)
	o.proceed()
}

// proceed begins the commands whose groups are free, in their order.
func (o *operator) proceed() {
	for i := 0; i < len(o.waiting) && o.w.failure == nil; i++ {
		if c := o.waiting[i]; o.begin(c, o.done) {
			o.waiting = append(o.waiting[:i:i], o.waiting[i+1:]...)
			i = -1
		}
	}
}

// busy reports that a PUT is open.
func (o *operator) busy() bool {
	for _, c := range o.all {
		if c.open > 0 {
			return true
		}
	}
	return false
}

// newCommand makes a command of a plan; then runs when its PUTs have ended.
func (o *operator) newCommand(plan *Command, list, spared nodes, then func()) *command {
	c := &command{Command: plan, number: len(o.all) + 1, list: list, spared: spared, then: then}
	for _, n := range o.w.nodes {
		c.incs = append(c.incs, n.inc)
	}
	if plan.All {
		c.Command = plan.toldTo(list)
	}
	c.layout = o.layoutOf(list, plan)
	o.all = append(o.all, c)
	if list != o.list && o.list != 0 {
		o.w.counts.add("operator", "members changed")
	}
	o.countLayout(&c.layout)
	o.list, o.layout = list, c.layout
	o.w.counts.add("operator", "command")
	return c
}

// countLayout counts how a layout differs from the one commanded before.
func (o *operator) countLayout(l *wire.Layout) {
	full := func(l *wire.Layout) (n int) {
		for _, s := range l.Shards {
			n += min(len(s.Members), 1)
		}
		return n
	}
	switch before, now := full(&o.layout), full(l); {
	case before == 0:
	case before < now:
		o.w.counts.add("operator", "shards split")
	case before > now:
		o.w.counts.add("operator", "shards merged")
	case before > 1 && !o.layout.Equal(*l):
		o.w.counts.add("operator", "replicas moved")
	}
	if full(l) < len(l.Shards) {
		o.w.counts.add("operator", "shard without members")
	}
}

// carryOut sends the PUTs of a command.
func (o *operator) carryOut(c *command) {
	c.open = 1
	if c.OneByOne {
		o.tellNext(c)
	} else {
		for i := range c.Tells {
			c.open++
			o.w.after(c.Tells[i].After, func() { o.tell(c, &c.Tells[i]) })
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

// tell sends one PUT. A node that is down refuses the connection, and one that
// belongs to another group is not told.
func (o *operator) tell(c *command, t *Tell) {
	w := o.w
	n := w.nodes[t.Node]
	if !n.up || c.group != nil && !c.group.has(t.Node) && o.home[t.Node] != nil {
		o.putEnded(c)
		return
	}
	p := &put{cmd: c, node: n, bootCount: n.bootCount, token: putTokens + ids.Token(len(o.puts)), begun: w.now}
	o.puts = append(o.puts, p)
	layout := c.layout
	if t.Empty && (c.group == nil || !c.list.has(t.Node)) {
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
	n.deliver(&core.PutView{Token: p.token, Layout: layout, Force: c.Force})
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
	p.node.deliver(&core.Abandon{Token: p.token})
}

// leaveAll gives up the PUTs that are open at a node.
func (o *operator) leaveAll(n *node) {
	for _, p := range o.puts {
		if p.node == n && p.bootCount == n.bootCount {
			o.leave(p)
		}
	}
}

// told takes in that a node is told that a PUT was given up.
func (o *operator) told(n *node, in core.Input) {
	a, ok := in.(*core.Abandon)
	if !ok || a.Token < putTokens || a.Token >= causalTokens {
		return
	}
	if p := o.puts[a.Token-putTokens]; !p.ended {
		p.ended = true
		o.putEnded(p.cmd)
	}
}

// checkBound fails a PUT that was not answered in time, pauses aside.
func (o *operator) checkBound(p *put) {
	if p.ended || p.node.bootCount != p.bootCount {
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

// answered takes the answer to a PUT.
func (o *operator) answered(n *node, r core.Reply) {
	p := o.puts[r.Token-putTokens]
	if p.ended || p.node != n || p.bootCount != n.bootCount {
		o.w.fail("answer", "node %d answers PUT %d again, or too late", n.id, r.Token-putTokens)
		return
	}
	name, ok := putOutcomes[r.Outcome]
	if !ok {
		o.w.fail("answer", "node %d answers a PUT with the outcome %d", n.id, r.Outcome)
		return
	}
	o.w.counts.add("operator", name)
	o.w.note("node %d answers PUT %d: %s", n.id, p.token-putTokens, name)
	if r.Outcome == core.ViewServed && !o.w.sched.garbled() && !p.empty && p.cmd.list.has(int(n.id)) && !o.witness.memberInStep(n) {
		o.w.fail("view", "node %d says that it serves and is in no view", n.id)
	}
	p.ended = true
	o.putEnded(p.cmd)
}

var putOutcomes = map[core.Outcome]string{
	core.ViewServed: "PUT: served", core.ViewUnready: "PUT: not ready in time", core.ViewOvertaken: "PUT: overtaken",
}

// toldList reports whether a list was put to this boot of a node itself.
func (o *operator) toldList(n *node, l wire.Layout) bool {
	return slices.ContainsFunc(o.puts, func(p *put) bool {
		return p.node == n && p.bootCount == n.bootCount && !p.empty && p.cmd.layout.Equal(l)
	})
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
	if g := c.group; g != nil && g.now == c {
		g.now = nil
	}
	o.w.after(0, func() {
		c.then()
		o.proceed()
	})
}

// tellNextAfter goes on with the tells once none is open; the first is begun by
// begin.
func (o *operator) tellNextAfter(c *command) {
	if c.open == 0 {
		o.tellNext(c)
	}
}

// layoutOf writes a list as an operator would; a stale plan: with the addresses that
// the nodes have not got.
func (o *operator) layoutOf(list nodes, plan *Command) wire.Layout {
	l := wire.Layout{Flat: plan.Shards == 0}
	for i := range max(plan.Shards, 1) {
		s := wire.Shard{}
		if plan.Shards > 0 {
			s.Name = fmt.Sprintf("shard%d", i)
		}
		l.Shards = append(l.Shards, s)
	}
	for i, id := range list.list() {
		if id < len(plan.Place) {
			i = int(plan.Place[id])
		}
		s := &l.Shards[i%len(l.Shards)]
		moved := o.w.nodes[id].moved != plan.Stale
		s.Members = append(s.Members, wire.Member{ID: ids.Node(id), Address: address(id, moved)})
	}
	return l.Canonical()
}

// address is where a node can be reached, before it has moved or after.
func address(id int, moved bool) string {
	if moved {
		return fmt.Sprintf("10.2.0.%d:8081", id)
	}
	return fmt.Sprintf("10.1.0.%d:8081", id)
}
