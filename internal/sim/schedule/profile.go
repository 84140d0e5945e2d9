package schedule

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Profile selects a rare situation, mostly of causal buckets, that its schedules produce
// often. Usual schedules meet the same situation once in many thousands, or never.
type Profile uint8

// The profiles.
const (
	// Usual schedules follow generate.go alone.
	Usual Profile = iota
	// ReusedCounters: clients write each of many keys a few times, and nodes lose their
	// state. So one node assigns the same counter of a key twice.
	ReusedCounters
	// CutReferences: a context holds one position or two before a stable-cut reference
	// replaces them. Nodes that lost their state serve. So a node that holds a view may
	// lack data that the stable cut of the view covers.
	CutReferences
	// LateDelivery: a node that is cut off takes writes and loses them. The network
	// delivers the writes several views later, when a newer version was deleted and
	// collected.
	LateDelivery
	// DataLoss: contexts name versions that are lost. Later writes of the same keys have
	// lower counters, and not every replica has these writes.
	DataLoss
	// LostAnswers: answers to forwarded writes are lost. The forwarder is cut off for long,
	// and its clients wait.
	LostAnswers
	// Garbled: some members send a bounded number of garbled messages.
	Garbled
	// Twins: ids are given to new processes while the old ones run. The faults
	// concern strong buckets only.
	Twins
	// CalmStretches: the network neither loses nor delays a message by itself. The pauses
	// between faults and commands are long enough for all work to end, and show how long
	// the work takes.
	CalmStretches
	// RestartsWithDisk: most crashes keep the disk, also in the middle of a view change, and
	// now and then all nodes crash at once. Disks are slow, so that crashes lose what is not
	// durable yet.
	RestartsWithDisk
	Profiles
)

var ProfileNames = [Profiles]string{Usual: "usual", ReusedCounters: "reused-counters", CutReferences: "cut-references",
	LateDelivery: "late-delivery", DataLoss: "data-loss", LostAnswers: "lost-answers", Garbled: "garbled", Twins: "twins", CalmStretches: "calm-stretches", RestartsWithDisk: "restarts-with-disk",
}

func (p Profile) String() string { return ProfileNames[p] }

// ProfileNamed finds a profile by its name.
func ProfileNamed(name string) (Profile, bool) {
	i := slices.Index(ProfileNames[:], name)
	return Profile(max(i, 0)), i >= 0
}

// applyProfile changes the limits and the network of a schedule as its profile says.
func (g *generator) applyProfile(s *Schedule) {
	switch s.Profile {
	case ReusedCounters:
		s.Causal.Keys = 25 + g.rng.IntN(40)
		s.Causal.ChunkBytes = pick(g.rng, 0, 2000) // with smaller pieces, an exchange takes longer than the bounds allow
		g.keepsState = false
	case CutReferences:
		s.Causal.Vector = 1 + g.rng.IntN(2)
		s.Causal.Exact, s.Causal.Deps = 2, 2
		g.keepsState = false
	case LateDelivery:
		s.Network.RedeliverOld = true
		s.Causal.Keys = 1 + g.rng.IntN(2)
		g.keepsState, g.deletes = false, true
	case DataLoss:
		s.Causal.Keys = 1 + g.rng.IntN(2)
		s.Causal.Exact, s.Causal.Deps = 128, 16
		g.keepsState = false
	case LostAnswers:
		g.keepsState = true
	case RestartsWithDisk:
		s.Disk = pick(g.rng, wire.Millisecond/5, 3*wire.Millisecond, 30*wire.Millisecond, 30*wire.Millisecond)
		s.Causal.Results = pick(g.rng, 0, 0, 4, 20)
		g.keepsState, g.keepsMost = false, true
	}
}

// episodes draws the situation of a profile a few times, for a sane operator. It returns
// false if the profile has no episode.
func (g *generator) episodes(s *Schedule) bool {
	var episode func(s *Schedule, at wire.Instant) wire.Instant
	switch s.Profile {
	case CutReferences:
		episode = g.serveWithoutCut
	case LateDelivery:
		episode = g.lateDelivery
	case DataLoss:
		episode = g.dataLoss
	case LostAnswers:
		episode = g.longCut
	default:
		return false
	}
	g.view = 1<<g.nodes - 1
	g.shards = 1 + g.rng.IntN(2)
	if s.Profile == LostAnswers {
		g.oneShardEach()
	}
	g.add(s, 10*wire.Millisecond, &Command{List: g.view, All: true})
	at := wire.Second + g.between(0, 2*wire.Second)
	times := 4 + g.rng.IntN(3)
	if s.Profile == DataLoss {
		times = 2 // an episode takes long, and the operations of clients are spread over all of them
	}
	for range times {
		at = episode(s, at)
	}
	g.add(s, at, g.fault())
	return true
}

// serveWithoutCut: a node crashes without its state, gets the list again, and is cut off
// before it has all data. It serves in the view without all that the stable cut covers.
func (g *generator) serveWithoutCut(s *Schedule, at wire.Instant) wire.Instant {
	id := g.rng.IntN(g.nodes)
	g.add(s, at, &Fault{Kind: Crash, Node: id, For: g.between(wire.Millisecond, 300*wire.Millisecond)})
	at += 400 * wire.Millisecond
	g.add(s, at, &Command{List: g.view, All: true})
	at += g.between(0, 250*wire.Millisecond)
	length := wire.Second + g.between(0, 3*wire.Second)
	g.add(s, at, &Fault{Kind: Cut, Side: One(id), For: length})
	return at + length + wire.Second + g.between(0, 2*wire.Second)
}

// lateDelivery: a node that is cut off takes writes and loses them in a crash. The others
// go on without the node, delete and collect. Then the node is a member again, and the
// network delivers its old writes.
func (g *generator) lateDelivery(s *Schedule, at wire.Instant) wire.Instant {
	id := g.rng.IntN(g.nodes)
	g.add(s, at, &Fault{Kind: Cut, Side: One(id), For: 2500 * wire.Millisecond})
	g.add(s, at+wire.Second+g.between(0, wire.Second), &Fault{Kind: Crash, Node: id, For: g.between(wire.Millisecond, 300*wire.Millisecond)})
	g.add(s, at+2*wire.Second+g.between(0, wire.Second), &Command{List: g.view.Without(One(id)), All: true})
	at += 8*wire.Second + g.between(0, 4*wire.Second)
	g.add(s, at, &Command{List: g.view, All: true})
	return at + wire.Second + g.between(0, 2*wire.Second)
}

// dataLoss: the first node is cut off, takes writes and loses them in a crash. Contexts of
// its clients still name them. There are so many that later writes have lower counters for
// long. Later one node is cut off again, mostly the first: then each side lacks the writes
// of the other.
func (g *generator) dataLoss(s *Schedule, at wire.Instant) wire.Instant {
	other := pick(g.rng, 0, 0, 0, g.rng.IntN(g.nodes))
	g.add(s, at, &Fault{Kind: Cut, Side: One(0), For: 10 * wire.Second})
	at += 9900 * wire.Millisecond
	g.add(s, at, &Fault{Kind: Crash, Node: 0, For: g.between(wire.Millisecond, 100*wire.Millisecond)})
	at += 200 * wire.Millisecond
	g.add(s, at, &Command{List: g.view, All: true})
	at += wire.Second + g.between(0, wire.Second)
	length := 2*wire.Second + g.between(0, 2*wire.Second)
	g.add(s, at, &Fault{Kind: Cut, Side: One(other), For: length})
	return at + length + g.between(0, wire.Second)
}

// oneShardEach gives most nodes a shard of their own.
func (g *generator) oneShardEach() {
	g.shards = min(g.nodes, maxShards)
	g.place = g.place[:0:0]
	for i := range g.nodes {
		g.place = append(g.place, uint8(i%g.shards))
	}
}

// longCut: a node with open forwarded writes is cut off for long. Its clients wait, so the
// node repeats the writes when it is back.
func (g *generator) longCut(s *Schedule, at wire.Instant) wire.Instant {
	length := 10*wire.Second + g.between(0, 5*wire.Second)
	g.add(s, at, &Fault{Kind: Cut, Side: One(g.rng.IntN(g.nodes)), For: length})
	return at + length + wire.Second + g.between(0, 2*wire.Second)
}

// writersWait makes every client write at one node all the time and wait for the answers.
func (g *generator) writersWait(s *Schedule) {
	end := s.Steps[len(s.Steps)-1].At
	for i := range s.Sessions {
		c := &s.Sessions[i]
		c.Roams = false
		for j := range c.Ops {
			o := &c.Ops[j]
			o.Think, o.Leave = g.between(0, end/wire.Instant(len(c.Ops))), 0
			if o.Kind.Reads() && g.chance(0.6) {
				o.Kind = Put
			}
		}
	}
}

// separateReaders makes every other client read only, with its newest context. The other
// clients write at the first node without a context, so a lost write raises no counters.
// They do so evenly, not in bursts.
func (g *generator) separateReaders(s *Schedule) {
	end := s.Steps[len(s.Steps)-1].At
	for i := range s.Sessions {
		c := &s.Sessions[i]
		reads := i%2 == 0
		c.Roams = reads
		if !reads {
			c.Node = 0
		}
		c.Ops = slices.Repeat(c.Ops, 2)
		if reads {
			c.Ops = slices.Repeat(c.Ops, 2)
		}
		for j := range c.Ops {
			o := &c.Ops[j]
			o.Think = g.between(0, 3*end/wire.Instant(len(c.Ops)))
			switch {
			case reads:
				o.Kind, o.Context = Get, NewestContext
			case o.Kind.Reads():
				o.Kind, o.Context = Put, NoContext
			default:
				o.Context = NoContext
			}
		}
	}
}

// restarts draws crashes that keep the disk: of one node or of all, mostly while a command is
// carried out. A node is back at once, or when the others have noticed.
func (g *generator) restarts(s *Schedule) {
	for _, st := range slices.Clone(s.Steps) {
		if !g.chance(0.6) {
			continue
		}
		f := &Fault{Kind: Restart, Node: g.rng.IntN(g.nodes), For: g.between(wire.Millisecond, 300*wire.Millisecond)}
		switch {
		case g.chance(0.25):
			f.Kind = RestartAll
		case g.chance(0.2):
			f.For = g.between(wire.Second, 8*wire.Second)
		}
		g.add(s, st.At+g.between(0, 2*wire.Second), f)
	}
}

// giveAways draws nodes whose ids are given away, and lists that name the new processes.
func (g *generator) giveAways(s *Schedule) {
	end := s.Steps[len(s.Steps)-1].At
	for range 1 + g.rng.IntN(3) {
		at := wire.Second + g.between(0, end)
		g.add(s, at, &Fault{Kind: GiveAway, Node: g.rng.IntN(g.nodes)})
		g.add(s, at+g.between(0, wire.Second), &Command{List: 1<<g.nodes - 1, All: true})
	}
}

// stretch puts calm stretches between the steps of a schedule.
func (g *generator) stretch(s *Schedule) {
	n := &s.Network
	n.Loss, n.Late, n.Reorder = 0, 0, false
	n.Delay = min(n.Delay, 4*wire.Millisecond)
	longer := wire.Instant(0)
	for i := range s.Steps {
		if g.chance(0.5) {
			longer += 4*wire.Second + g.between(0, 16*wire.Second)
		}
		s.Steps[i].At += longer
	}
}
