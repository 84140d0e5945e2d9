package operator

import "github.com/cohortkv/cohort/internal/sim/schedule"

// needs returns sets of nodes; a sane list contains one node of each. The first sets are
// the nodes that are complete for the last active views. The others are the state holders
// of every list commanded since. Causal buckets have no such need: they may lose data with
// all its holders.
func (g *group) needs() []schedule.Nodes {
	var sets []schedule.Nodes
	if !g.o.w.Sched.Model.Strong() {
		return nil
	}
	for _, v := range g.last {
		sets = append(sets, g.complete(v))
	}
	for _, c := range g.commands {
		sets = append(sets, g.stateHolders(c))
	}
	return sets
}

// stateHolders returns the nodes of a list that have not lost their state since it was
// commanded.
func (g *group) stateHolders(c *command) schedule.Nodes {
	var s schedule.Nodes
	for _, id := range c.list.List() {
		if n := g.o.w.Nodes[id]; n.Up && n.Inc == c.incs[id] && g.has(id) {
			s = s.With(id)
		}
	}
	return s
}

// complete returns the nodes that have swapped in a base of a view in this boot. If there
// are none, it returns the nodes that have staged such a base, which holds the same
// entries. There may be none if a split left them in another group, or if a restarted node
// had not made the swap durable.
func (g *group) complete(v activeView) schedule.Nodes {
	var swapped, staged schedule.Nodes
	for id, n := range g.o.w.Nodes {
		if !n.Up || !g.has(id) {
			continue
		}
		has := g.o.witness.Of(n)
		if has.Complete == v.ballot.View {
			swapped = swapped.With(id)
		}
		if has.HasStaged(v.ballot) {
			staged = staged.With(id)
		}
	}
	if swapped == 0 {
		return staged
	}
	return swapped
}

// makeSane changes a planned list until it is sane for some groups. It also returns the
// nodes that must keep their state.
func (o *Operator) makeSane(list schedule.Nodes, avoid bool, groups ...*group) (sane, spared schedule.Nodes) {
	if avoid {
		list = list.Without(o.unreachable())
	}
	needs := 0
	for _, g := range groups {
		for _, need := range g.needs() {
			if need == 0 {
				return 0, 0
			}
			needs++
			if list&need == 0 {
				id, _ := need.Any(o.w.Rng)
				list = list.With(id)
				o.w.Counts.Add("operator", "list made sane")
			}
			if spared&need == 0 {
				id, _ := (list & need).Any(o.w.Rng)
				spared = spared.With(id)
			}
		}
	}
	if list != 0 && needs == 0 {
		id, _ := list.Any(o.w.Rng)
		spared = schedule.One(id)
	}
	return list, spared
}

// unreachable returns the nodes that the operator knows to be down or cut off.
func (o *Operator) unreachable() schedule.Nodes {
	var s schedule.Nodes
	for id, n := range o.w.Nodes {
		cut := 0
		for _, m := range o.w.Nodes {
			if o.w.Net.IsCut(n, m) || o.w.Net.IsCut(m, n) {
				cut++
			}
		}
		if !n.Up || 2*cut > len(o.w.Nodes) {
			s = s.With(id)
		}
	}
	return s
}

// MayCrash reports whether a node may lose its state: it is not spared, and the next list
// still finds a node of every set that it needs.
func (o *Operator) MayCrash(id int) bool {
	if o.w.Sched.RuledBy() == schedule.Adversarial {
		return true
	}
	for _, g := range o.Groups {
		for _, c := range g.commands {
			if c.spared.Has(id) {
				return false
			}
		}
		for _, need := range g.needs() {
			if need.Without(schedule.One(id)) == 0 {
				return false
			}
		}
	}
	return true
}
