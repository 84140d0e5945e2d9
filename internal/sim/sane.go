package sim

import "github.com/cohortkv/cohort/node/wire"

// needs are the sets of which a sane list contains one node each: those that are
// complete for the last active view, and those of every list commanded since.
func (o *operator) needs() []nodes {
	var sets []nodes
	if !o.lastView.IsZero() {
		sets = append(sets, o.completeNodes())
	}
	since := 0
	if c := o.views[o.lastView]; c != nil {
		since = c.number
	}
	for _, c := range o.commands {
		if c.number > since {
			sets = append(sets, o.keepers(c))
		}
	}
	return sets
}

// keepers are the nodes of a list that have not lost their state since it was
// commanded.
func (o *operator) keepers(c *command) nodes {
	var s nodes
	for _, id := range c.list.list() {
		if n := o.w.nodes[id]; n.up && n.life == c.lives[id] {
			s = s.with(id)
		}
	}
	return s
}

// completeNodes have swapped in a base of the last active view, in this life.
func (o *operator) completeNodes() nodes {
	var s nodes
	for id, n := range o.w.nodes {
		if n.up && n.oath.complete == o.lastView {
			s = s.with(id)
		}
	}
	return s
}

// mend makes a planned list sane, and says which nodes must keep their state.
func (o *operator) mend(c *Command) (list, spared nodes) {
	list = c.List
	if c.Avoid {
		list = list.without(o.unreachable())
	}
	for _, need := range o.needs() {
		if need == 0 {
			return 0, 0
		}
		if list&need == 0 {
			id, _ := need.any(o.w.rng)
			list = list.with(id)
			o.w.counts.add("operator", "list mended")
		}
		if spared&need == 0 {
			id, _ := (list & need).any(o.w.rng)
			spared = spared.with(id)
		}
	}
	if list == 0 {
		return 0, 0
	}
	if len(o.needs()) == 0 {
		id, _ := list.any(o.w.rng)
		spared = one(id)
	}
	return list, spared
}

// unreachable are the nodes that the operator knows to be away: down, or cut off
// from somebody.
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
	for _, c := range o.commands {
		if c.spared.has(id) {
			return false
		}
	}
	for _, need := range o.needs() {
		if need.without(one(id)) == 0 {
			return false
		}
	}
	return true
}

// minted notes a view when it is first seen: it belongs to the present command,
// because only open PUTs make views.
func (o *operator) minted(v *wire.View) {
	if _, known := o.views[v.ID]; known {
		return
	}
	c := o.now
	switch {
	case c == nil && len(o.commands) > 0:
		o.w.fail("view", "view %v was made while no PUT was open", v.ID)
	case len(v.Layout.Members()) == 0:
		o.views[v.ID] = nil
	case !v.Layout.Equal(c.layout):
		o.w.fail("view", "view %v was made of a list that nobody has put", v.ID)
	default:
		o.views[v.ID] = c
	}
}

// active notes that a view became active; the nodes spared for it, and for what
// was commanded before, may go.
func (o *operator) active(v wire.ViewID) {
	c := o.views[v]
	if c == nil {
		o.w.fail("view", "view %v is active and was never commanded", v)
		return
	}
	for _, k := range o.commands { // of one list put twice the higher id stands, whichever was first
		if k.number > c.number && k.layout.Equal(c.layout) {
			c = k
		}
	}
	if last := o.views[o.lastView]; last != nil && last.number > c.number {
		if !last.layout.Equal(c.layout) {
			o.w.fail("view", "the view of command %d is active after that of command %d", c.number, last.number)
			return
		}
		c = last
	}
	o.views[v] = c
	if o.lastView != v {
		o.w.counts.add("world", "view active")
	}
	o.lastView = v
	kept := o.commands[:0]
	for _, k := range o.commands {
		if k.number > c.number {
			kept = append(kept, k)
		}
	}
	o.commands = kept
}
