package schedule

import (
	"math/rand/v2"

	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// The least that every schedule has.
const (
	minOps    = 320
	minFaults = 5
	minLists  = 3 // the first view and two changes of it
)

// Generate draws the schedule of a seed for an operator, the clients of a model and a
// profile.
func Generate(seed uint64, kind Operator, model Model, profile Profile) *Schedule {
	if profile == Garbled || profile == Twins {
		kind = Adversarial // garbled messages and twins part groups, as only this operator does
	}
	g := generator{rng: rand.New(rand.NewPCG(seed, 1+uint64(kind)*1000+uint64(model)*100_000)), model: model}
	s := &Schedule{Seed: seed, Model: model, Operator: kind, Profile: profile, Nodes: 3 + g.rng.IntN(4)}
	g.nodes = s.Nodes
	s.Limits = g.limits()
	s.Network = g.networkConditions()
	if s.Network.Delay > 20*wire.Millisecond && s.Limits.ChunkBytes > 0 {
		s.Limits.ChunkBytes = max(s.Limits.ChunkBytes, 300) // with smaller pieces, a transfer takes longer than the bounds allow
	}
	g.moves = g.chance(0.3)
	s.Disk = pick(g.rng, 0, wire.Millisecond/5, 3*wire.Millisecond, 30*wire.Millisecond)
	s.Causal.Space = 2
	if model.Causal() {
		s.Causal = g.causalLimits()
		g.reshape()
		g.keepsState = model == Causal && g.chance(0.5)
		if profile == Usual {
			s.Crowd = []int{0, 0, 1}[seed%3]
			s.Causal.Results = []int{0, 0, 0, 4, 20}[seed%5]
		}
		g.applyProfile(s)
	}
	switch kind {
	case Sane:
		if !g.episodes(s) {
			g.steps(s)
		}
	case Splitting:
		s.Limits.Past = 0 // a node that forgets ancestors may take old values of a side for new ones
		g.splits(s)
	case Adversarial:
		s.Limits.Past = 0
		g.losesState = g.chance(0.5)
		g.adversarialSteps(s)
	}
	if profile == Twins {
		g.giveAways(s)
	}
	if profile == RestartsWithDisk {
		g.restarts(s)
	}
	if profile == CalmStretches {
		g.stretch(s)
	}
	s.Last = g.last()
	if model.Strong() {
		g.clients(s)
	}
	if model.Causal() {
		g.sessions(s)
	}
	switch profile {
	case DataLoss:
		g.separateReaders(s)
	case LostAnswers:
		g.writersWait(s)
	case Garbled:
		g.garbling(s)
	}
	return s
}

type generator struct {
	rng        *rand.Rand
	model      Model
	nodes      int
	view       Nodes // the list commanded last
	lists      []Nodes
	losesState bool // nodes may lose their state; set for an adversarial operator only
	moves      bool // nodes move; then the last list names all nodes, because the data of any other node may be out of reach

	keepsState bool    // no node loses its state
	keepsMost  bool    // few crashes take the state
	deletes    bool    // most writes are deletes
	shards     int     // of the layout commanded last; 0: a flat list
	place      []uint8 // the shard of each node in it
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

// between draws a time. Small times are drawn more often.
func (g *generator) between(low, high wire.Instant) wire.Instant {
	f := g.rng.Float64()
	return low + wire.Instant(f*f*float64(high-low))
}

// limits draws limits that are small in half of the schedules, so that batches, pieces and
// pasts reach their bounds in a short run.
func (g *generator) limits() machine.Limits {
	if g.chance(0.5) {
		return machine.Limits{}
	}
	return machine.Limits{
		BatchOps:   pick(g.rng, 1, 2, 3, 8),
		BatchBytes: pick(g.rng, 0, 200, 1500),
		Depth:      pick(g.rng, 1, 1, 2, 4),
		ChunkBytes: pick(g.rng, 0, 100, 300, 2000),
		Past:       pick(g.rng, 0, 0, 2, 4, 16),
	}
}

func (g *generator) networkConditions() NetworkConditions {
	return NetworkConditions{
		Delay:       pick(g.rng, wire.Millisecond/10, wire.Millisecond/2, 4*wire.Millisecond, 15*wire.Millisecond, 40*wire.Millisecond),
		Loss:        pick(g.rng, 0, 0, 0.002, 0.02, 0.1),
		Duplicate:   pick(g.rng, 0, 0.01, 0.1, 0.5),
		DuplicateBy: pick(g.rng, 0, 30*wire.Millisecond, 500*wire.Millisecond),
		Late:        pick(g.rng, 0, 0.002, 0.01, 0.04, 0.15),
		LateBy:      pick(g.rng, 3*wire.Second, 15*wire.Second, 180*wire.Second),
		Reorder:     g.chance(0.5),
	}
}

// steps draws episodes: faults, commands, and both close together, because protocols break
// there.
func (g *generator) steps(s *Schedule) {
	g.add(s, wire.Millisecond*10, g.command())
	at := 300*wire.Millisecond + g.between(0, 2*wire.Second)
	faults := 0
	more := g.rng.IntN(5)
	for more > 0 || faults < minFaults || s.lists() < minLists {
		more--
		if g.storms(s, &at, &faults) {
			continue
		}
		near := at + g.between(0, 1500*wire.Millisecond)
		switch g.rng.IntN(10) {
		case 0, 1, 2: // a fault and the command that answers it
			faults += g.faults(s, at)
			g.add(s, near, g.command())
		case 3:
			faults += g.crashDuringRound(s, at)
		case 4: // a command that a fault interrupts
			g.add(s, at, g.command())
			faults += g.faults(s, at+g.between(0, 400*wire.Millisecond))
		case 5:
			faults += g.faults(s, at)
		case 6, 7, 8:
			faults += g.failover(s, at)
		default:
			g.add(s, at, g.command())
		}
		at += 100*wire.Millisecond + g.between(0, 5*wire.Second)
	}
}

// failover draws a common episode: a member of the view is cut off or crashes, and the
// others get a view without it. The member is not told.
func (g *generator) failover(s *Schedule, at wire.Instant) int {
	id, _ := g.view.Any(g.rng)
	if g.chance(0.6) {
		id = g.view.List()[0] // the primary
	}
	f := &Fault{Kind: g.kept(pick(g.rng, Cut, Cut, OneWay, Pause, Crash)), Node: id, Side: One(id), For: g.between(wire.Second, 12*wire.Second)}
	g.add(s, at, f)
	c := &Command{List: g.grown(g.view.Without(One(id))), OneByOne: g.chance(0.5)}
	g.view = c.List
	for _, id := range c.List.List() {
		c.Tells = append(c.Tells, Tell{Node: id, After: g.between(0, 50*wire.Millisecond)})
	}
	g.add(s, at+g.between(0, wire.Second), c)
	return 1
}

// crashDuringRound draws a member that loses its state while the round of a command runs,
// and is back before another node could have noticed.
func (g *generator) crashDuringRound(s *Schedule, at wire.Instant) int {
	c := g.command()
	id, _ := c.List.Any(g.rng)
	during := at + g.between(0, 150*wire.Millisecond)
	if len(c.Tells) > 0 {
		during += c.Tells[0].After
	}
	g.add(s, at, c)
	g.add(s, during, &Fault{Kind: g.kept(pick(g.rng, Crash, Crash, Restart)), Node: id, For: g.between(wire.Millisecond, 40*wire.Millisecond)})
	return 1
}

// add inserts a step in the order of times.
func (g *generator) add(s *Schedule, at wire.Instant, what any) {
	st := Step{At: at}
	switch what := what.(type) {
	case *Fault:
		st.Fault = what
	case *Command:
		g.setLayout(what)
		st.Command = what
	}
	i := len(s.Steps)
	for i > 0 && s.Steps[i-1].At > at {
		i--
	}
	s.Steps = append(s.Steps, Step{})
	copy(s.Steps[i+1:], s.Steps[i:])
	s.Steps[i] = st
}

// faults adds one fault, or several that overlap, and returns their number.
func (g *generator) faults(s *Schedule, at wire.Instant) int {
	n := pick(g.rng, 1, 1, 1, 2, 3)
	for range n {
		g.add(s, at, g.fault())
		at += g.between(0, 800*wire.Millisecond)
	}
	return n
}

func (g *generator) fault() *Fault {
	f := &Fault{Node: g.rng.IntN(g.nodes), Side: g.side(), For: 20*wire.Millisecond + g.between(0, 4*wire.Second)}
	f.Kind = g.kept(pick(g.rng, Cut, Cut, OneWay, Bridge, Crash, Crash, Crash, Restart, Restart, Pause, Pause, Storm, SlowDisk))
	if f.Kind == Crash && len(g.lists) > 0 && !g.losesState {
		f.Kind = Cut
	}
	switch {
	case g.chance(0.03):
		f.Kind, f.For = PauseAll, g.between(5*wire.Second, 200*wire.Second)
	case (f.Kind == Crash || f.Kind == Restart) && g.chance(0.5):
		f.For = g.between(wire.Millisecond, 300*wire.Millisecond)
	case g.chance(0.2):
		f.For += g.between(0, 10*wire.Second)
	}
	if g.moves && g.chance(0.2) {
		f.Kind = Move
	}
	if f.Kind == Bridge {
		f.Side = f.Side.Without(One(f.Node))
	}
	return f
}

// side draws a set of nodes that is neither empty nor all.
func (g *generator) side() Nodes {
	for {
		if s := Nodes(g.rng.Uint32N(1 << g.nodes)); s != 0 && s != 1<<g.nodes-1 {
			return s
		}
	}
}

// command draws a list: mostly the last one with one change.
func (g *generator) command() *Command {
	c := &Command{Avoid: g.chance(0.6), OneByOne: g.chance(0.4), Stale: g.chance(0.03)}
	switch {
	case g.view == 0 || g.chance(0.3):
		c.List = Nodes(g.rng.Uint32N(1 << g.nodes))
	case g.chance(0.25):
		c.List = g.view
	default:
		c.List = g.view ^ One(g.rng.IntN(g.nodes))
	}
	c.List = g.grown(c.List)
	if g.chance(0.2) {
		c.Shards = 1 + g.rng.IntN(3)
	}
	g.view = c.List
	g.tells(c)
	return c
}

// grown adds members to a list that is empty, and to most lists of one member.
func (g *generator) grown(list Nodes) Nodes {
	for list == 0 || list&(list-1) == 0 && g.chance(0.7) {
		list = list.With(g.rng.IntN(g.nodes))
	}
	return list
}

// tells draws which nodes are told the list: members in any order or only some of them,
// some of them twice, and other nodes.
func (g *generator) tells(c *Command) {
	few := g.chance(0.3)
	for _, id := range g.rng.Perm(g.nodes) {
		member := c.List.Has(id)
		if member && few && g.chance(0.6) || !member && g.chance(0.7) {
			continue
		}
		times := pick(g.rng, 1, 1, 1, 1, 2)
		for range times {
			t := Tell{Node: id, After: g.between(0, 100*wire.Millisecond), Empty: g.chance(0.5)}
			if g.chance(0.3) {
				t.After += g.between(0, 1500*wire.Millisecond)
			}
			if g.chance(0.6) {
				t.Leave = 10*wire.Millisecond + g.between(0, 4*wire.Second)
			}
			c.Tells = append(c.Tells, t)
		}
	}
	if len(c.Tells) > 1 && g.chance(0.2) {
		c.Tells = c.Tells[:1]
	}
}

// last draws the command after all faults. Every member is told.
func (g *generator) last() Command {
	c := Command{List: Nodes(g.rng.Uint32N(1<<g.nodes)) | One(g.rng.IntN(g.nodes)), OneByOne: g.chance(0.3)}
	if g.chance(0.5) || len(g.lists) > 0 && !g.losesState || g.moves {
		c.List = 1<<g.nodes - 1
	}
	g.setLayout(&c)
	return c
}

func (g *generator) clients(s *Schedule) {
	n := 4 + g.rng.IntN(6)
	keys := 1 + g.rng.IntN(5)
	big := g.chance(0.3)
	each := (g.model.share(minOps) + n - 1) / n
	pause := 3 * wire.Second
	if s.Operator != Sane || s.Profile == CalmStretches { // then the last events matter most, and clients must still be there
		keys = 1 + g.rng.IntN(3)
		pause = s.pause(each)
	}
	for i := range n {
		c := ClientPlan{Node: i % g.nodes, Roams: g.chance(0.7)}
		for range each {
			c.Ops = append(c.Ops, g.op(keys, big, pause))
		}
		s.Clients = append(s.Clients, c)
	}
}

// op draws one operation. Most follow the one before at once: bursts share batches. In the
// pauses between bursts the cluster changes.
func (g *generator) op(keys int, big bool, pause wire.Instant) OpPlan {
	o := OpPlan{Think: g.between(0, 3*wire.Millisecond), Key: g.rng.IntN(keys), Size: g.rng.IntN(12)}
	if g.chance(0.12) {
		o.Think = g.between(50*wire.Millisecond, pause)
	}
	if big && g.chance(0.2) {
		o.Size = 100 + g.rng.IntN(2000)
	}
	switch n := g.rng.IntN(100); {
	case n < 50:
		o.Kind = Put
	case n < 62:
		o.Kind = Delete
	case n < 92:
		o.Kind = Get
	default:
		o.Kind = List
	}
	if !o.Kind.Reads() && g.chance(0.25) {
		o.Condition = pick(g.rng, wire.IfAbsent, wire.IfPresent, wire.IfVersion, wire.IfVersion)
	}
	if g.chance(0.15) {
		o.Leave = wire.Millisecond/2 + g.between(0, 2*wire.Second)
	}
	return o
}
