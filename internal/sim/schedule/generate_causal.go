package schedule

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// The schedules of causal buckets follow docs/decisions/0029: few keys in few slots,
// contexts that fold at once, many views, messages that are late by minutes, nodes that
// come back without state.

// share splits a number between the models of a schedule.
func (m Model) share(n int) int {
	if m == Both {
		return n / 2
	}
	return n
}

// causalLimits draws limits that are tiny in most schedules: contexts fold, windows are
// truncated, exchanges take many pieces.
func (g *generator) causalLimits() CausalLimits {
	c := CausalLimits{Keys: 1 + g.rng.IntN(7)}
	c.Space, c.Exact, c.Deps = pick(g.rng, hashing.Space(2), 2, 3, 4), 128, 16
	if g.chance(0.85) {
		c.Exact = pick(g.rng, 1, 2, 2, 3, 4, 8)
		c.Deps = pick(g.rng, 1, 2, 2, c.Exact)
	}
	if g.chance(0.5) {
		c.BatchOps = pick(g.rng, 1, 2, 3, 8)
		c.BatchBytes = pick(g.rng, 0, 200, 1500)
		c.WindowBytes = pick(g.rng, 0, 900, 3000, 15_000)
		c.ChunkBytes = pick(g.rng, 0, 100, 300, 2000)
		c.AsideBytes = pick(g.rng, 0, 1000, 7000)
	}
	return c
}

// kept replaces a fault that takes a node's state, if no node, or hardly any, may lose it.
func (g *generator) kept(k FaultKind) FaultKind {
	if k == Crash && (g.keepsState || g.keepsMost && g.chance(0.9)) {
		return Restart
	}
	return k
}

// storms draws, in some schedules, many changes of the layout. It returns false if it drew
// none.
func (g *generator) storms(s *Schedule, at *wire.Instant, faults *int) bool {
	if !g.model.Causal() || !g.chance(0.4) {
		return false
	}
	when := *at
	for range 2 + g.rng.IntN(5) {
		g.reshape()
		g.add(s, when, g.reshard(s.Operator))
		when += g.between(0, 900*wire.Millisecond)
		if g.chance(0.3) {
			*faults += g.faults(s, when)
		}
	}
	*at = when + 100*wire.Millisecond + g.between(0, 3*wire.Second)
	return true
}

// reshard draws a command for another layout, mostly of the same nodes.
func (g *generator) reshard(kind Operator) *Command {
	c := &Command{List: g.view, OneByOne: g.chance(0.2), Avoid: g.chance(0.3), All: g.chance(0.5)}
	switch {
	case g.chance(0.2):
		c.List = g.view ^ One(g.rng.IntN(g.nodes))
	case g.chance(0.1):
		c.List = Nodes(g.rng.Uint32N(1 << g.nodes))
	}
	if kind != Sane {
		c.Group = g.rng.IntN(8)
	}
	c.List = g.grown(c.List)
	g.view = c.List
	if !c.All {
		g.tells(c)
	}
	if kind == Adversarial {
		g.lists = append(g.lists, c.List)
	}
	return c
}

// maxShards bounds the shards of a layout.
const maxShards = 5

// reshape changes the layout: a shard is split, merged into another or emptied, two nodes
// change places, a replica moves, or all nodes are assigned anew.
func (g *generator) reshape() {
	g.place = slices.Clone(g.place)
	for len(g.place) < g.nodes {
		g.place = append(g.place, uint8(g.rng.IntN(maxShards)))
	}
	if g.shards == 0 {
		g.shards = g.rng.IntN(maxShards + 1)
		return
	}
	from, to := uint8(g.rng.IntN(g.shards)), uint8(g.rng.IntN(g.shards))
	a, b := g.rng.IntN(g.nodes), g.rng.IntN(g.nodes)
	switch g.rng.IntN(9) {
	case 0, 1: // split
		g.shards = min(g.shards+1, maxShards)
		g.moveNodes(from, uint8(g.shards-1), 0.5)
	case 2, 3: // merged; the empty shard stays in the list
		g.moveNodes(from, to, 1)
	case 4: // merged; the last shard is removed
		g.shards = max(g.shards-1, 1)
	case 5:
		g.place[a], g.place[b] = g.place[b], g.place[a]
	case 6, 7:
		g.place[a] = to
	default:
		g.shards = g.rng.IntN(maxShards + 1)
		for i := range g.place {
			g.place[i] = uint8(g.rng.IntN(maxShards))
		}
	}
}

// moveNodes moves a share of the nodes of one shard to another.
func (g *generator) moveNodes(from, to uint8, share float64) {
	for i := range g.place {
		if g.place[i]%uint8(g.shards) == from && g.chance(share) {
			g.place[i] = to
		}
	}
}

// setLayout gives a command the present layout, or a changed one.
func (g *generator) setLayout(c *Command) {
	if !g.model.Causal() {
		return
	}
	if g.chance(0.2) {
		g.reshape()
	}
	c.Shards, c.Place = g.shards, slices.Clone(g.place)
}

// pause returns the longest time between two operations of a client with so many
// operations, so that the client lasts until the last step. Where steps are far apart, the
// client ends earlier. Otherwise it would go on for long after the last step.
func (s *Schedule) pause(operations int) wire.Instant {
	share := wire.Instant(20)
	if s.Profile == CalmStretches {
		share = 10
	}
	return share * s.Steps[len(s.Steps)-1].At / wire.Instant(operations)
}

// sessions draws the clients of causal buckets.
func (g *generator) sessions(s *Schedule) {
	n := 3 + g.rng.IntN(5)
	each := (g.model.share(minOps) + n - 1) / n
	pause := max(3*wire.Second, s.pause(each))
	for i := range n {
		c := ClientPlan{Node: i % g.nodes, Roams: g.chance(0.8)}
		for range each {
			c.Ops = append(c.Ops, g.causalOp(s.Causal.Keys, pause))
		}
		s.Sessions = append(s.Sessions, c)
	}
}

// ContextChoice says which context a client sends with a request.
type ContextChoice uint8

// The choices.
const (
	NewestContext       ContextChoice = iota // of the last answer
	NoContext                                // none: that of a fresh client
	OlderContext                             // of an earlier answer, so that two requests may continue from the same one
	OtherClientsContext                      // of another client
)

func (g *generator) causalOp(keys int, pause wire.Instant) OpPlan {
	o := OpPlan{Think: g.between(0, 3*wire.Millisecond), Key: g.rng.IntN(keys), Size: g.rng.IntN(12)}
	if g.chance(0.12) {
		o.Think = g.between(50*wire.Millisecond, pause)
	}
	if g.chance(0.05) {
		o.Size = 100 + g.rng.IntN(1000)
	}
	switch n := g.rng.IntN(100); {
	case n < 42 && !(g.deletes && n >= 22):
		o.Kind = Put
	case n < 56:
		o.Kind = Delete
	case n < 92:
		o.Kind = Get
	default:
		o.Kind = List
	}
	switch n := g.rng.IntN(100); {
	case n < 78:
	case n < 84:
		o.Context = NoContext
	case n < 90:
		o.Context, o.Back = OlderContext, 1+g.rng.IntN(8)
	default:
		o.Context, o.Back = OtherClientsContext, g.rng.IntN(8)
	}
	if g.chance(0.12) || o.Kind.Reads() && g.chance(0.3) {
		o.Leave = wire.Millisecond/2 + g.between(0, 2*wire.Second)
	}
	return o
}
