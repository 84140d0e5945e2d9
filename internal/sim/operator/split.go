package operator

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/internal/sim/schedule"
)

// split parts a group in two. Each part is complete by the rules that held for the group,
// and only its own members are told. It returns false if the group cannot be parted.
func (o *Operator) split(g *group, plan *schedule.Command, then func()) bool {
	here, there, ok := o.halves(g, plan)
	if !ok {
		return false
	}
	o.w.Counts.Add("operator", "group split")
	o.w.Note("operator: splits into %s and %s", here, there)
	o.Groups = slices.DeleteFunc(o.Groups, func(x *group) bool { return x == g })
	for id := range o.w.Nodes {
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
	for _, part := range []schedule.Nodes{here, there} {
		p := &group{o: o, commands: slices.Clone(g.commands), last: slices.Clone(g.last), past: maps.Clone(g.past)}
		o.Groups = append(o.Groups, p)
		for _, id := range part.List() {
			o.home[id] = p
		}
	}
	parts := o.Groups[len(o.Groups)-2:]
	for i, part := range []schedule.Nodes{here, there} {
		list, spared := o.makeSane(part, false, parts[i])
		o.give(parts[i], plan.ToldTo(part), list, spared, ended)
	}
	return true
}

// halves returns the two lists of a split: those of the plan, changed so that each contains
// a node of every set that the group needs.
func (o *Operator) halves(g *group, plan *schedule.Command) (here, there schedule.Nodes, ok bool) {
	mine, _ := g.nodes()
	if plan.Avoid {
		mine = mine.Without(o.unreachable())
	}
	here, there = mine&plan.List, mine.Without(plan.List)
	needs := g.needs()
	for range 4 { // a change for one need may break another
		ok = here != 0 && there != 0
		for _, need := range needs {
			if len((need & (here | there)).List()) < 2 {
				return 0, 0, false
			}
			if here&need == 0 {
				id, _ := (there & need).Any(o.w.Rng)
				here, there, ok = here.With(id), there.Without(schedule.One(id)), false
			}
			if there&need == 0 {
				id, _ := (here & need).Any(o.w.Rng)
				here, there, ok = here.Without(schedule.One(id)), there.With(id), false
			}
		}
		if ok {
			break
		}
	}
	return here, there, ok
}

// Join makes one group of several. Its list contains what each of them needs. Join returns
// false if there is no such list.
func (o *Operator) Join(plan *schedule.Command, then func(), groups ...*group) bool {
	var all schedule.Nodes
	for _, g := range groups {
		mine, free := g.nodes()
		all |= mine | free
	}
	list, spared := o.makeSane(plan.List&all, plan.Avoid, groups...)
	g := groups[0]
	if len(groups) > 1 && list != 0 {
		o.w.Counts.Add("operator", "groups joined")
		g = o.united(groups)
	}
	return o.give(g, plan, list, spared, then)
}

// united replaces several groups with one.
func (o *Operator) united(groups []*group) *group {
	u := &group{o: o, past: map[*command]bool{}}
	for _, g := range groups {
		u.commands = append(u.commands, without(g.commands, u.commands)...)
		u.last = append(u.last, without(g.last, u.last)...)
		maps.Copy(u.past, g.past)
		for id := range o.w.Nodes {
			if o.home[id] == g {
				o.home[id] = u
			}
		}
	}
	o.Groups = slices.DeleteFunc(o.Groups, func(g *group) bool { return slices.Contains(groups, g) })
	o.Groups = append(o.Groups, u)
	return u
}

// without returns the elements of list that are not in other.
func without[T comparable](list, other []T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return slices.Contains(other, x) })
}
