package operator

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// group is one line of views: the nodes that the operator keeps together, and its commands
// to them. A sane operator has one group of all nodes.
type group struct {
	o        *Operator
	now      *command          // the command whose PUTs are open
	commands []*command        // commands since the last active view
	last     []activeView      // the views that became active last: one for each group that was joined into this one
	past     map[*command]bool // all commands of the group, and of the groups that it was made from
}

// activeView is a view that became active, with the command that made it.
type activeView struct {
	ballot ids.Ballot
	cmd    *command
}

// has reports whether a node belongs to the group.
func (g *group) has(id int) bool {
	return g.o.w.Sched.Operator != schedule.Splitting || g.o.home[id] == g
}

// nodes returns the nodes of the group, and the nodes that belong to no group.
func (g *group) nodes() (mine, free schedule.Nodes) {
	for id := range g.o.w.Nodes {
		switch {
		case g.has(id):
			mine = mine.With(id)
		case g.o.home[id] == nil:
			free = free.With(id)
		}
	}
	return mine, free
}

// begin starts a command if the groups that it concerns have no open command. A command for
// which there is no sane list is dropped.
func (o *Operator) begin(plan *schedule.Command, then func()) bool {
	g := o.Groups[plan.Group%len(o.Groups)]
	if g.now != nil {
		return false
	}
	switch {
	case plan.Kind == schedule.Split && o.split(g, plan, then):
		return true
	case plan.Kind == schedule.Join && len(o.Groups) > 1:
		other := o.Groups[(plan.Group+1)%len(o.Groups)]
		if other.now != nil {
			return false
		}
		o.Join(plan, then, g, other)
		return true
	}
	mine, free := g.nodes()
	list, spared := o.makeSane(plan.List&(mine|free), plan.Avoid, g)
	o.give(g, plan, list, spared, then)
	return true
}

// give starts a command for a group. It returns false if there is no sane list.
func (o *Operator) give(g *group, plan *schedule.Command, list, spared schedule.Nodes, then func()) bool {
	if list == 0 {
		o.w.Counts.Add("operator", "command dropped: no sane list")
		o.w.After(0, then)
		return false
	}
	c := o.newCommand(plan, list, spared, then)
	c.group, c.past = g, maps.Clone(g.past)
	g.now = c
	g.commands = append(g.commands, c)
	g.past[c] = true
	if !o.w.Sched.Model.Strong() {
		g.commands = []*command{c}
		g.release()
	}
	for _, id := range list.List() {
		o.home[id] = g
	}
	o.w.Note("operator: %s made sane: %s, spares %s", plan, list, spared)
	o.carryOut(c)
	return true
}

// ViewMade records a view when it is first seen. The view must belong to an open command,
// because only open PUTs make views.
func (o *Operator) ViewMade(v *wire.View) {
	if _, known := o.views[v.ID]; known || o.w.Sched.Garbled() {
		return
	}
	if len(v.Layout.Members()) == 0 {
		o.views[v.ID] = nil
		return
	}
	open := false
	for _, c := range o.All {
		open = open || c.Open > 0
		if c.Open > 0 && v.Layout.Equal(c.layout) {
			o.views[v.ID] = c
			return
		}
	}
	if c := o.sameBefore(v); c != nil {
		o.views[v.ID] = c
		return
	}
	if !open {
		o.w.Fail("view", "view %v was made while no PUT was open", v.ID)
		return
	}
	o.w.Fail("view", "view %v was made of a list that nobody has put", v.ID)
}

// sameBefore returns the command of the view that v replaces, if both have the same list. A
// primary may give its list a higher id for a node that could not follow it otherwise.
func (o *Operator) sameBefore(v *wire.View) *command {
	for _, a := range v.Ancestors {
		if c := o.views[a.View]; c != nil && c.layout.Equal(v.Layout) {
			return c
		}
	}
	return nil
}

// BallotActive records that a ballot became active, in every group in which its view was
// commanded.
func (o *Operator) BallotActive(b ids.Ballot) {
	if o.w.Sched.RuledBy() == schedule.Adversarial {
		return
	}
	c := o.views[b.View]
	if c == nil {
		o.w.Fail("view", "view %v is active and was never commanded", b.View)
		return
	}
	for _, g := range o.Groups {
		if g.past[c] {
			g.active(b, c)
		}
	}
}

// active records that a view of the group is active. The nodes that were spared for it, or
// for an earlier command, may lose their state again.
func (g *group) active(b ids.Ballot, c *command) {
	for _, k := range g.commands { // of a list that was put twice, the view with the higher id stands
		if k.past[c] && k.layout.Equal(c.layout) && g.o.wasTold(k) {
			c = k
		}
	}
	renewed := false
	for _, v := range g.last {
		renewed = renewed || v.ballot.View == b.View
		switch {
		case !v.cmd.past[c]:
		case v.cmd.layout.Equal(c.layout):
			c = v.cmd
		default:
			g.o.w.Fail("view", "the view of command %d is active after that of command %d", c.number, v.cmd.number)
			return
		}
	}
	if !renewed {
		g.o.w.Counts.Add("world", "view active")
	}
	g.replace(activeView{b, c})
	g.release()
}

// wasTold reports that a node may have received a PUT of a command. Otherwise no node knows
// that the list was put again.
func (o *Operator) wasTold(c *command) bool {
	return slices.ContainsFunc(o.puts, func(p *put) bool {
		return p.cmd == c && !p.empty && (p.ended || p.node.BootCount == p.bootCount)
	})
}

// replace makes a view the last active one. It replaces the views that were commanded
// before it.
func (g *group) replace(v activeView) {
	last := []activeView{v}
	for _, x := range g.last {
		if x.cmd != v.cmd && !v.cmd.past[x.cmd] {
			last = append(last, x)
		}
	}
	g.last = last
	var commands []*command
	for _, k := range g.commands {
		if k != v.cmd && !v.cmd.past[k] {
			commands = append(commands, k)
		}
	}
	g.commands = commands
}

// release frees the nodes of the group that no list of it names any more.
func (g *group) release() {
	var named schedule.Nodes
	for _, v := range g.last {
		named |= v.cmd.list
	}
	for _, c := range g.commands {
		named |= c.list
	}
	for id := range g.o.w.Nodes {
		if g.o.home[id] == g && !named.Has(id) {
			g.o.home[id] = nil
		}
	}
}
