package sim

import (
	"maps"
	"slices"
)

// split parts a group in two. Each part is complete by the rules that held for the
// group, and only its own members are told. False: the group has too little left
// to be parted.
func (o *operator) split(g *group, plan *Command, then func()) bool {
	here, there, ok := o.halves(g, plan)
	if !ok {
		return false
	}
	o.w.counts.add("operator", "group split")
	o.w.note("operator: splits into %s and %s", here, there)
	o.groups = slices.DeleteFunc(o.groups, func(x *group) bool { return x == g })
	for id := range o.w.nodes {
		if o.home[id] == g {
			o.home[id] = nil
		}
	}
	open := 2
	ended := func() {
		if open--; open == 0 {
			then()
		}
	}
	for _, part := range []nodes{here, there} {
		p := &group{o: o, commands: slices.Clone(g.commands), last: slices.Clone(g.last), past: maps.Clone(g.past)}
		o.groups = append(o.groups, p)
		for _, id := range part.list() {
			o.home[id] = p
		}
	}
	parts := o.groups[len(o.groups)-2:]
	for i, part := range []nodes{here, there} {
		list, spared := o.makeSane(part, false, parts[i])
		o.give(parts[i], plan.toldTo(part), list, spared, ended)
	}
	return true
}

// halves are the two lists of a split: what the plan says, corrected so that each has
// a node of everything that the group needs.
func (o *operator) halves(g *group, plan *Command) (here, there nodes, ok bool) {
	mine, _ := g.nodes()
	if plan.Avoid {
		mine = mine.without(o.unreachable())
	}
	here, there = mine&plan.List, mine.without(plan.List)
	needs := g.needs()
	for range 4 { // mending one need may take from another
		ok = here != 0 && there != 0
		for _, need := range needs {
			if len((need & (here | there)).list()) < 2 {
				return 0, 0, false
			}
			if here&need == 0 {
				id, _ := (there & need).any(o.w.rng)
				here, there, ok = here.with(id), there.without(one(id)), false
			}
			if there&need == 0 {
				id, _ := (here & need).any(o.w.rng)
				here, there, ok = here.without(one(id)), there.with(id), false
			}
		}
		if ok {
			break
		}
	}
	return here, there, ok
}

// toldTo is a plan that every node of a list is told, as far as the plan has no
// other orders for one, and for no other node.
func (c *Command) toldTo(list nodes) *Command {
	part := *c
	part.List, part.Tells = list, nil
	for _, id := range list.list() {
		t := Tell{Node: id}
		if i := slices.IndexFunc(c.Tells, func(t Tell) bool { return t.Node == id }); i >= 0 {
			t = c.Tells[i]
		}
		t.Empty = false
		part.Tells = append(part.Tells, t)
	}
	return &part
}

// join makes one group of several. Its list has what each of them needs; false:
// there is no such list.
func (o *operator) join(plan *Command, then func(), groups ...*group) bool {
	var all nodes
	for _, g := range groups {
		mine, free := g.nodes()
		all |= mine | free
	}
	list, spared := o.makeSane(plan.List&all, plan.Avoid, groups...)
	g := groups[0]
	if len(groups) > 1 && list != 0 {
		o.w.counts.add("operator", "groups joined")
		g = o.united(groups)
	}
	return o.give(g, plan, list, spared, then)
}

// united is one group in place of several.
func (o *operator) united(groups []*group) *group {
	u := &group{o: o, past: map[*command]bool{}}
	for _, g := range groups {
		u.commands = append(u.commands, without(g.commands, u.commands)...)
		u.last = append(u.last, without(g.last, u.last)...)
		maps.Copy(u.past, g.past)
		for id := range o.w.nodes {
			if o.home[id] == g {
				o.home[id] = u
			}
		}
	}
	o.groups = slices.DeleteFunc(o.groups, func(g *group) bool { return slices.Contains(groups, g) })
	o.groups = append(o.groups, u)
	return u
}

// without is a list without what is in another one.
func without[T comparable](list, other []T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return slices.Contains(other, x) })
}
