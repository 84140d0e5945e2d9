package sim

// needs are the sets of which a sane list contains one node each: those that are
// complete for the last active view, and those of every list commanded since. Causal
// buckets need none: what is lost with all its holders is lost.
func (g *group) needs() []nodes {
	var sets []nodes
	if !g.o.w.sched.Model.strong() {
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

// stateHolders are the nodes of a list that have not lost their state since it was
// commanded.
func (g *group) stateHolders(c *command) nodes {
	var s nodes
	for _, id := range c.list.list() {
		if n := g.o.w.nodes[id]; n.up && n.inc == c.incs[id] && g.has(id) {
			s = s.with(id)
		}
	}
	return s
}

// complete are the nodes that have swapped in a base of a view, in this boot.
// Where there are none, because a group took none of them along when it was split,
// or because one that restarted had not made that durable, those that have staged it
// count: they have all that is in it.
func (g *group) complete(v activeView) nodes {
	var swapped, staged nodes
	for id, n := range g.o.w.nodes {
		if !n.up || !g.has(id) {
			continue
		}
		has := g.o.witness.of(n)
		if has.complete == v.ballot.View {
			swapped = swapped.with(id)
		}
		if has.hasStaged(v.ballot) {
			staged = staged.with(id)
		}
	}
	if swapped == 0 {
		return staged
	}
	return swapped
}

// makeSane makes a planned list sane for groups, and says which nodes must keep their
// state.
func (o *operator) makeSane(list nodes, avoid bool, groups ...*group) (sane, spared nodes) {
	if avoid {
		list = list.without(o.unreachable())
	}
	needs := 0
	for _, g := range groups {
		for _, need := range g.needs() {
			if need == 0 {
				return 0, 0
			}
			needs++
			if list&need == 0 {
				id, _ := need.any(o.w.rng)
				list = list.with(id)
				o.w.counts.add("operator", "list made sane")
			}
			if spared&need == 0 {
				id, _ := (list & need).any(o.w.rng)
				spared = spared.with(id)
			}
		}
	}
	if list != 0 && needs == 0 {
		id, _ := list.any(o.w.rng)
		spared = one(id)
	}
	return list, spared
}

// unreachable are the nodes that the operator knows to be away: down, or cut off
// from another node.
func (o *operator) unreachable() nodes {
	var s nodes
	for id, n := range o.w.nodes {
		cut := 0
		for _, m := range o.w.nodes {
			if o.w.net.isCut(n, m) || o.w.net.isCut(m, n) {
				cut++
			}
		}
		if !n.up || 2*cut > len(o.w.nodes) {
			s = s.with(id)
		}
	}
	return s
}

// mayCrash reports whether a node may lose its state: it is not spared, and what
// the next list needs is left.
func (o *operator) mayCrash(id int) bool {
	if o.w.sched.ruledBy() == Adversarial {
		return true
	}
	for _, g := range o.groups {
		for _, c := range g.commands {
			if c.spared.has(id) {
				return false
			}
		}
		for _, need := range g.needs() {
			if need.without(one(id)) == 0 {
				return false
			}
		}
	}
	return true
}
