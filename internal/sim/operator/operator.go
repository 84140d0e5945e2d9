// Package operator puts the views of a simulated run. The operator of a schedule is sane,
// splitting or adversarial (docs/views.md §5). Its commands come from the schedule; package
// witness tells it which nodes hold the data. The package also checks that every PUT is
// answered in time, and that every view comes from a PUT.
//
// New adds the operator to a world that has no nodes yet. Command executes one command of
// the schedule.
package operator

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Operator puts views in the way of its kind (docs/views.md §5). A sane operator has one
// group of nodes and follows these rules whatever the schedule says. It corrects a list
// when its time comes, and spares the nodes that must keep their state.
//
//	(a) A command begins when every PUT of the last one was answered or given up.
//	(b) Its list contains a node that is complete for the last active view, and a
//	    node of every list commanded since that has not lost its state since then.
//	(c) Those nodes keep their state until the new view is active.
//
// A splitting operator keeps several groups, each by these rules. It parts groups and joins
// them again (split.go). An adversarial operator has no rules (adversarial.go).
type Operator struct {
	w       *world.World
	witness *witness.Witness // knows which nodes hold which data
	done    func()           // called when a command of the schedule has ended
	Groups  []*group
	home    [schedule.MaxNodes]*group // by node: its group, if the operator splits
	waiting []*schedule.Command       // commands of the schedule that wait for an open one
	All     []*command                // every command that has begun
	views   map[ids.View]*command     // by view: the command that made it
	List    schedule.Nodes            // the list commanded last
	layout  wire.Layout               // of List
	puts    []*put                    // by token, from schedule.PutTokens
}

// command is one list while the operator carries it out.
type command struct {
	*schedule.Command
	number int               // from 1, in the order of begin
	group  *group            // nil for an adversarial operator
	past   map[*command]bool // commands of its group before this one
	list   schedule.Nodes
	layout wire.Layout
	incs   []ids.Incarnation // of all nodes when the command began; a node with another one has lost its state since
	spared schedule.Nodes    // nodes that must keep their state until the view is active
	next   int               // index of the next tell, if they go one by one
	Open   int               // PUTs that have not ended
	then   func()            // called when all PUTs have ended
}

// put is one request PUT /view.
type put struct {
	cmd       *command
	node      *world.Node
	bootCount int // of the node, so that answers of an earlier boot do not count
	token     ids.Token
	begun     wire.Instant // when the PUT was sent
	empty     bool         // the PUT carried the empty list
	ended     bool         // it was answered or given up, and its node knows
}

// PutBound bounds the time until a PUT is answered: the 8 s that the API promises, and the
// lateness of timers.
const PutBound = 8200 * wire.Millisecond

// New adds the operator of a schedule to a world that has no nodes yet. done is called when
// a command of the schedule has ended.
func New(w *world.World, witness *witness.Witness, done func()) *Operator {
	o := &Operator{w: w, witness: witness, done: done, views: map[ids.View]*command{}}
	o.Groups = []*group{{o: o, past: map[*command]bool{}}}
	w.On.Told = append(w.On.Told, o.told)
	w.On.Gone = append(w.On.Gone, o.nodeGone)
	return o
}

// Members returns the nodes of the list that was commanded last.
func (o *Operator) Members() schedule.Nodes { return o.List }

// Command executes the next command of the schedule, or queues it.
func (o *Operator) Command(c *schedule.Command) {
	if o.w.Sched.Operator == schedule.Adversarial {
		o.ExecuteUnchecked(c, o.done)
		return
	}
	o.waiting = append(o.waiting, c)
	o.proceed()
}

// proceed starts queued commands whose groups have no open command, in order.
func (o *Operator) proceed() {
	for i := 0; i < len(o.waiting) && o.w.Failure == nil; i++ {
		if c := o.waiting[i]; o.begin(c, o.done) {
			o.waiting = append(o.waiting[:i:i], o.waiting[i+1:]...)
			i = -1
		}
	}
}

// Busy reports whether a PUT is open.
func (o *Operator) Busy() bool {
	for _, c := range o.All {
		if c.Open > 0 {
			return true
		}
	}
	return false
}

// newCommand makes a command of a plan. then is called when all its PUTs have ended.
func (o *Operator) newCommand(plan *schedule.Command, list, spared schedule.Nodes, then func()) *command {
	c := &command{Command: plan, number: len(o.All) + 1, list: list, spared: spared, then: then}
	for _, n := range o.w.Nodes {
		c.incs = append(c.incs, n.Inc)
	}
	if plan.All {
		c.Command = plan.ToldTo(list)
	}
	c.layout = o.layoutOf(list, plan)
	o.All = append(o.All, c)
	if list != o.List && o.List != 0 {
		o.w.Counts.Add("operator", "members changed")
	}
	o.countLayout(&c.layout)
	o.List, o.layout = list, c.layout
	o.w.Counts.Add("operator", "command")
	return c
}

// countLayout counts how a layout differs from the one that was commanded before.
func (o *Operator) countLayout(l *wire.Layout) {
	full := func(l *wire.Layout) (n int) {
		for _, s := range l.Shards {
			n += min(len(s.Members), 1)
		}
		return n
	}
	switch before, now := full(&o.layout), full(l); {
	case before == 0:
	case before < now:
		o.w.Counts.Add("operator", "shards split")
	case before > now:
		o.w.Counts.Add("operator", "shards merged")
	case before > 1 && !o.layout.Equal(*l):
		o.w.Counts.Add("operator", "replicas moved")
	}
	if full(l) < len(l.Shards) {
		o.w.Counts.Add("operator", "shard without members")
	}
}

// carryOut sends the PUTs of a command.
func (o *Operator) carryOut(c *command) {
	c.Open = 1
	if c.OneByOne {
		o.tellNext(c)
	} else {
		for i := range c.Tells {
			c.Open++
			o.w.After(c.Tells[i].After, func() { o.Tell(c, &c.Tells[i]) })
		}
	}
	o.putEnded(c)
}

// tellNext sends the next PUT, after the one before was answered.
func (o *Operator) tellNext(c *command) {
	if c.next < len(c.Tells) {
		t := &c.Tells[c.next]
		c.next++
		c.Open++
		o.w.After(t.After, func() { o.Tell(c, t) })
	}
}

// Tell sends one PUT. A node that is down refuses the connection. A node of another group
// is not told.
func (o *Operator) Tell(c *command, t *schedule.Tell) {
	w := o.w
	n := w.Nodes[t.Node]
	if !n.Up || c.group != nil && !c.group.has(t.Node) && o.home[t.Node] != nil {
		o.putEnded(c)
		return
	}
	p := &put{cmd: c, node: n, bootCount: n.BootCount, token: schedule.PutTokens + ids.Token(len(o.puts)), begun: w.Now}
	o.puts = append(o.puts, p)
	layout := c.layout
	if t.Empty && (c.group == nil || !c.list.Has(t.Node)) {
		layout = wire.Layout{Flat: true}
		p.empty = true
		w.Counts.Add("operator", "told []")
	} else if !c.list.Has(t.Node) {
		w.Counts.Add("operator", "told a node outside")
	}
	w.Disturb()
	w.Note("operator: PUT %d to node %d", p.token-schedule.PutTokens, n.ID)
	if t.Leave > 0 {
		w.After(t.Leave, func() { o.leave(p) })
	}
	w.After(PutBound, func() { o.checkBound(p) })
	n.Deliver(&core.PutView{Token: p.token, Layout: layout, Force: c.Force})
}

// leave gives a PUT up. The PUT has ended only when its node knows that the client is gone:
// a node that is paused may still process the PUT. So the operator waits for that.
func (o *Operator) leave(p *put) {
	if p.ended {
		return
	}
	o.w.Counts.Add("operator", "PUT given up")
	o.w.Note("operator: gives PUT %d up", p.token-schedule.PutTokens)
	p.node.Deliver(&core.Abandon{Token: p.token})
}

// LeaveAll gives up the PUTs that are open at a node.
func (o *Operator) LeaveAll(n *world.Node) {
	for _, p := range o.puts {
		if p.node == n && p.bootCount == n.BootCount {
			o.leave(p)
		}
	}
}

// told notes that a node was told that the client of a PUT is gone.
func (o *Operator) told(n *world.Node, in core.Input) {
	a, ok := in.(*core.Abandon)
	if !ok || a.Token < schedule.PutTokens || a.Token >= schedule.CausalTokens {
		return
	}
	if p := o.puts[a.Token-schedule.PutTokens]; !p.ended {
		p.ended = true
		o.putEnded(p.cmd)
	}
}

// checkBound fails the run if a PUT was not answered within its bound. Pauses of the node
// do not count.
func (o *Operator) checkBound(p *put) {
	if p.ended || p.node.BootCount != p.bootCount {
		return
	}
	asleep := p.node.PausedTime()
	if over := o.w.Now - p.begun - asleep - PutBound; over < 0 {
		o.w.After(-over, func() { o.checkBound(p) })
		return
	}
	if p.node.Pauses == 0 {
		o.w.Fail("PUT bound", "node %d has not answered PUT %d after %s", p.node.ID, p.token-schedule.PutTokens, schedule.Seconds(o.w.Now-p.begun))
	}
}

// Answered takes the answer to a PUT.
func (o *Operator) Answered(n *world.Node, r core.Reply) {
	p := o.puts[r.Token-schedule.PutTokens]
	if p.ended || p.node != n || p.bootCount != n.BootCount {
		o.w.Fail("answer", "node %d answers PUT %d again, or too late", n.ID, r.Token-schedule.PutTokens)
		return
	}
	name, ok := putOutcomes[r.Outcome]
	if !ok {
		o.w.Fail("answer", "node %d answers a PUT with the outcome %d", n.ID, r.Outcome)
		return
	}
	o.w.Counts.Add("operator", name)
	o.w.Note("node %d answers PUT %d: %s", n.ID, p.token-schedule.PutTokens, name)
	if r.Outcome == core.ViewServed && !o.w.Sched.Garbled() && !p.empty && p.cmd.list.Has(int(n.ID)) && !o.witness.MemberInStep(n) {
		o.w.Fail("view", "node %d says that it serves and is in no view", n.ID)
	}
	p.ended = true
	o.putEnded(p.cmd)
}

var putOutcomes = map[core.Outcome]string{
	core.ViewServed: "PUT: served", core.ViewUnready: "PUT: not ready in time", core.ViewOvertaken: "PUT: overtaken",
}

// ToldList reports whether the operator put a list to this boot of a node.
func (o *Operator) ToldList(n *world.Node, l wire.Layout) bool {
	return slices.ContainsFunc(o.puts, func(p *put) bool {
		return p.node == n && p.bootCount == n.BootCount && !p.empty && p.cmd.layout.Equal(l)
	})
}

// nodeGone ends the PUTs that were open at a node when it crashed.
func (o *Operator) nodeGone(n *world.Node) {
	for _, p := range o.puts {
		if !p.ended && p.node == n {
			p.ended = true
			o.putEnded(p.cmd)
		}
	}
}

// putEnded counts a PUT of a command as ended. The last one ends the command.
func (o *Operator) putEnded(c *command) {
	c.Open--
	if c.OneByOne {
		o.tellNextAfter(c)
	}
	if c.Open > 0 {
		return
	}
	if g := c.group; g != nil && g.now == c {
		g.now = nil
	}
	o.w.After(0, func() {
		c.then()
		o.proceed()
	})
}

// tellNextAfter sends the next PUT once none is open. The first PUT is sent when the
// command begins.
func (o *Operator) tellNextAfter(c *command) {
	if c.Open == 0 {
		o.tellNext(c)
	}
}

// layoutOf returns a list in the form that an operator sends. If the plan is stale, it has
// the addresses that the nodes do not have now.
func (o *Operator) layoutOf(list schedule.Nodes, plan *schedule.Command) wire.Layout {
	l := wire.Layout{Flat: plan.Shards == 0}
	for i := range max(plan.Shards, 1) {
		s := wire.Shard{}
		if plan.Shards > 0 {
			s.Name = fmt.Sprintf("shard%d", i)
		}
		l.Shards = append(l.Shards, s)
	}
	for i, id := range list.List() {
		if id < len(plan.Place) {
			i = int(plan.Place[id])
		}
		s := &l.Shards[i%len(l.Shards)]
		moved := o.w.Nodes[id].Moved != plan.Stale
		s.Members = append(s.Members, wire.Member{ID: ids.Node(id), Address: world.Address(id, moved)})
	}
	return l.Canonical()
}
