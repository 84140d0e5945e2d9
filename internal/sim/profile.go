package sim

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Profile is what schedules of causal buckets are bent towards: what the usual ones
// meet once in many thousands.
type Profile uint8

// The profiles.
const (
	// Usual is as generate.go draws it.
	Usual Profile = iota
	// Sparse: many keys that are written a few times each, and nodes that forget, so
	// that one node writes one counter twice.
	Sparse
	// Named: contexts hold one position or two before a floor's name takes their
	// place, and nodes that have forgotten serve, so that who holds a view need not
	// have its floor.
	Named
	// Haunted: writes that were cut off, and lost with the node that took them, arrive
	// views later, when what won over them was deleted, and collected.
	Haunted
	// Bereft: contexts name what was lost, and what is written since, with less of a
	// counter, is not everywhere.
	Bereft
	// Forgetful: writes are carried, their answers are lost, and who carried them is cut
	// off for longer than their ids are remembered.
	Forgetful
	// Garbled: some members say what is not so, a bounded number of times (garble.go).
	Garbled
	profiles
)

var profileNames = [profiles]string{Usual: "usual", Sparse: "sparse", Named: "named", Haunted: "haunted", Bereft: "bereft", Forgetful: "forgetful", Garbled: "garbled"}

func (p Profile) String() string { return profileNames[p] }

// ProfileNamed finds a profile by its name.
func ProfileNamed(name string) (Profile, bool) {
	i := slices.Index(profileNames[:], name)
	return Profile(max(i, 0)), i >= 0
}

// bend changes what was drawn of a schedule's surroundings to what its profile asks
// for.
func (g *generator) bend(s *Schedule) {
	switch s.Profile {
	case Sparse:
		s.Causal.Keys = 25 + g.rng.IntN(40)
		s.Causal.ChunkBytes = pick(g.rng, 0, 2000) // or an exchange takes longer than anybody may wait
		g.keeps = false
	case Named:
		s.Causal.Vector = 1 + g.rng.IntN(2)
		s.Causal.Exact, s.Causal.Deps = 2, 2
		g.keeps = false
	case Haunted:
		s.Weather.Haunted = true
		s.Causal.Keys = 1 + g.rng.IntN(2)
		g.keeps, g.deletes = false, true
	case Bereft:
		s.Causal.Keys = 1 + g.rng.IntN(2)
		s.Causal.Exact, s.Causal.Deps = 128, 16
		g.keeps = false
	case Forgetful:
		s.Causal.Remember = 5 * wire.Second
		g.keeps = true
	}
}

// episodes draws what a profile is about, a few times over, for a sane operator; false:
// it has nothing of the kind.
func (g *generator) episodes(s *Schedule) bool {
	var episode func(s *Schedule, at wire.Instant) wire.Instant
	switch s.Profile {
	case Named:
		episode = g.orphan
	case Haunted:
		episode = g.ghost
	case Bereft:
		episode = g.loss
	case Forgetful:
		episode = g.silence
	default:
		return false
	}
	g.view = 1<<g.nodes - 1
	g.shards = 1 + g.rng.IntN(2)
	if s.Profile == Forgetful {
		g.dealOne()
	}
	g.add(s, 10*wire.Millisecond, &Command{List: g.view, All: true})
	at := wire.Second + g.between(0, 2*wire.Second)
	times := 4 + g.rng.IntN(3)
	if s.Profile == Bereft {
		times = 2 // they take long, and what is done is spread over them
	}
	for range times {
		at = episode(s, at)
	}
	g.add(s, at, g.fault())
	return true
}

// orphan is a node that loses its memory, is told the list again, and is cut off from
// everybody before all has come to it: it serves, in the view, without its floor.
func (g *generator) orphan(s *Schedule, at wire.Instant) wire.Instant {
	id := g.rng.IntN(g.nodes)
	g.add(s, at, &Fault{Kind: Crash, Node: id, For: g.between(wire.Millisecond, 300*wire.Millisecond)})
	at += 400 * wire.Millisecond
	g.add(s, at, &Command{List: g.view, All: true})
	at += g.between(0, 250*wire.Millisecond)
	length := wire.Second + g.between(0, 3*wire.Second)
	g.add(s, at, &Fault{Kind: Cut, Side: one(id), For: length})
	return at + length + wire.Second + g.between(0, 2*wire.Second)
}

// ghost is a node that is cut off, takes writes and loses them with its memory. The
// others go on without it, delete and collect; then it is with them again, and so are
// its writes, which the network had kept.
func (g *generator) ghost(s *Schedule, at wire.Instant) wire.Instant {
	id := g.rng.IntN(g.nodes)
	g.add(s, at, &Fault{Kind: Cut, Side: one(id), For: 2500 * wire.Millisecond})
	g.add(s, at+wire.Second+g.between(0, wire.Second), &Fault{Kind: Crash, Node: id, For: g.between(wire.Millisecond, 300*wire.Millisecond)})
	g.add(s, at+2*wire.Second+g.between(0, wire.Second), &Command{List: g.view.without(one(id)), All: true})
	at += 8*wire.Second + g.between(0, 4*wire.Second)
	g.add(s, at, &Command{List: g.view, All: true})
	return at + wire.Second + g.between(0, 2*wire.Second)
}

// loss is the first node, cut off, taking writes and losing them with its memory, but
// not from the contexts of its clients: so many that what is written in their place has
// lower counters for long. When the others have found that out, one is cut off again,
// mostly the first: what either side writes then the other has not got.
func (g *generator) loss(s *Schedule, at wire.Instant) wire.Instant {
	other := pick(g.rng, 0, 0, 0, g.rng.IntN(g.nodes))
	g.add(s, at, &Fault{Kind: Cut, Side: one(0), For: 10 * wire.Second})
	at += 9900 * wire.Millisecond
	g.add(s, at, &Fault{Kind: Crash, Node: 0, For: g.between(wire.Millisecond, 100*wire.Millisecond)})
	at += 200 * wire.Millisecond
	g.add(s, at, &Command{List: g.view, All: true})
	at += wire.Second + g.between(0, wire.Second)
	length := 2*wire.Second + g.between(0, 2*wire.Second)
	g.add(s, at, &Fault{Kind: Cut, Side: one(other), For: length})
	return at + length + g.between(0, wire.Second)
}

// dealOne gives most nodes a shard of their own.
func (g *generator) dealOne() {
	g.shards = min(g.nodes, mostShards)
	g.place = g.place[:0:0]
	for i := range g.nodes {
		g.place = append(g.place, uint8(i%g.shards))
	}
}

// silence is a node that is cut off for long, with what it carries, while the others
// forget what they have taken from it.
func (g *generator) silence(s *Schedule, at wire.Instant) wire.Instant {
	length := 10*wire.Second + g.between(0, 5*wire.Second)
	g.add(s, at, &Fault{Kind: Cut, Side: one(g.rng.IntN(g.nodes)), For: length})
	return at + length + wire.Second + g.between(0, 2*wire.Second)
}

// patient has every client write, at one node, all the time, and wait for its answers.
func (g *generator) patient(s *Schedule) {
	end := s.Steps[len(s.Steps)-1].At
	for i := range s.Sessions {
		c := &s.Sessions[i]
		c.Roams = false
		for j := range c.Ops {
			o := &c.Ops[j]
			o.Think, o.Leave = g.between(0, end/wire.Instant(len(c.Ops))), 0
			if o.Kind.reads() && g.chance(0.6) {
				o.Kind = Put
			}
		}
	}
}

// parted has every other client read only, and remember it all, while the others write
// at the first node what depends on nothing: so what is lost raises no counters. They do
// so all the time, not in bursts.
func (g *generator) parted(s *Schedule) {
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
				o.Kind, o.Grip = Get, Newest
			case o.Kind.reads():
				o.Kind, o.Grip = Put, Fresh
			default:
				o.Grip = Fresh
			}
		}
	}
}
