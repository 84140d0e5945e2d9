package schedule

import "github.com/cohortkv/cohort/node/wire"

// splits draws the steps of a splitting operator: parts that live apart for a while, each
// with commands and faults of its own, and are joined again.
func (g *generator) splits(s *Schedule) {
	g.view = g.side() | One(g.rng.IntN(g.nodes))
	g.add(s, wire.Millisecond*10, &Command{List: g.view, All: true})
	at := 300*wire.Millisecond + g.between(0, 2*wire.Second)
	faults, more := 0, g.rng.IntN(3)
	for more > 0 || faults < minFaults || s.lists() < minLists {
		more--
		if g.storms(s, &at, &faults) {
			continue
		}
		switch g.rng.IntN(10) {
		case 0, 1, 2, 3, 4, 5:
			faults += g.apart(s, &at)
		case 6:
			faults += g.faults(s, at)
			g.add(s, at+g.between(0, 1500*wire.Millisecond), g.groupCommand())
		case 7:
			faults += g.failover(s, at)
		case 8:
			g.add(s, at, g.groupCommand())
			faults += g.faults(s, at+g.between(0, 400*wire.Millisecond))
		default:
			faults += g.faults(s, at)
		}
		at += 100*wire.Millisecond + g.between(0, 4*wire.Second)
	}
}

// apart parts a group, mostly along a partition, gives the parts steps of their own, and
// joins them.
func (g *generator) apart(s *Schedule, at *wire.Instant) int {
	side := g.side()
	faults := 0
	length := 200*wire.Millisecond + g.between(0, 4*wire.Second)
	if g.chance(0.6) {
		g.add(s, *at, &Fault{Kind: pick(g.rng, Cut, Cut, OneWay), Side: side, For: length})
		faults++
	}
	*at += g.between(0, 600*wire.Millisecond)
	g.add(s, *at, &Command{Kind: Split, List: side, Group: g.rng.IntN(8), All: true, OneByOne: g.chance(0.2), Avoid: g.chance(0.2)})
	until := *at + length
	for range g.rng.IntN(3) {
		when := *at + g.between(0, length)
		if g.chance(0.5) {
			faults += g.faults(s, when)
		} else {
			g.add(s, when, g.groupCommand())
		}
	}
	*at = until + g.between(0, 800*wire.Millisecond)
	join := &Command{Kind: Join, List: 1<<g.nodes - 1, Group: g.rng.IntN(8), All: g.chance(0.8), Avoid: g.chance(0.3)}
	if g.chance(0.3) {
		join.List = g.side()
	}
	if !join.All {
		g.tells(join)
	}
	g.add(s, *at, join)
	if g.chance(0.3) { // a fault interrupts it
		faults += g.faults(s, *at+g.between(0, 300*wire.Millisecond))
	}
	return faults
}

// groupCommand draws a command for one of the groups.
func (g *generator) groupCommand() *Command {
	c := g.command()
	c.Group, c.All = g.rng.IntN(8), g.chance(0.4)
	switch {
	case g.chance(0.15):
		c.Kind = Split
	case g.chance(0.15):
		c.Kind = Join
	}
	return c
}

// adversarialSteps draws the steps of an adversarial operator. Many commands are open at
// once, among them old and empty lists. They are put to any node, and faults happen at the
// same time.
func (g *generator) adversarialSteps(s *Schedule) {
	g.view = 1<<g.nodes - 1
	g.lists = []Nodes{g.view}
	g.add(s, wire.Millisecond*10, &Command{List: g.view, All: true})
	at := 300*wire.Millisecond + g.between(0, 2*wire.Second)
	faults, more := 0, g.rng.IntN(4)
	for more > 0 || faults < minFaults || s.lists() < minLists {
		more--
		if g.storms(s, &at, &faults) {
			continue
		}
		when := at
		for range 1 + g.rng.IntN(3) {
			g.add(s, when, g.adversarialCommand())
			when += g.between(0, 1500*wire.Millisecond)
		}
		if g.chance(0.7) {
			faults += g.faults(s, at+g.between(0, wire.Second))
		}
		at += 50*wire.Millisecond + g.between(0, 4*wire.Second)
	}
}

func (g *generator) adversarialCommand() *Command {
	c := &Command{List: Nodes(g.rng.Uint32N(1 << g.nodes)), OneByOne: g.chance(0.2), Force: g.chance(0.1), All: g.chance(0.3)}
	switch {
	case g.chance(0.3):
		c.List = pick(g.rng, g.lists...)
	case g.chance(0.4):
		c.List = g.view ^ One(g.rng.IntN(g.nodes))
	}
	if g.chance(0.1) {
		c.Shards = 1 + g.rng.IntN(3)
	}
	g.view = c.List
	g.lists = append(g.lists, c.List)
	if c.All = c.All && c.List != 0; !c.All {
		g.tells(c)
	}
	for i := range c.Tells {
		c.Tells[i].Empty = g.chance(0.15)
	}
	return c
}
