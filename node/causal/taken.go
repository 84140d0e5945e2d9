package causal

import (
	"math"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// takenWrites are the carried writes that are remembered, so that none is taken twice
// (docs/causal.md §8): for a while, but no longer than their nodes may send them again.
type takenWrites struct {
	keep    wire.Instant
	room    int                            // how many are remembered
	recent  [2]map[wire.RequestID]taken    // the younger first
	lost    [2]map[wire.NodeBoot]uint64    // up to which request of a life one may be missing for want of room
	turnAt  wire.Instant                   // when the elder go
	origins map[wire.NodeID]*requestOrigin // by what their nodes said
}

// taken is what is remembered of a carried write.
type taken struct {
	hash    uint64 // of its key
	version wire.CausalVersion
	deleted bool
	existed bool // the key had a value before
}

// requestOrigin is which requests of a node come no more.
type requestOrigin struct {
	boot  wire.Boot
	below uint64 // these are forgotten
	said  uint64 // and these will be, some time after
	at    wire.Instant
}

func (c *carriedRequests) init(l *Limits) {
	c.keep, c.room = l.Remember, l.Taken
	c.open = map[wire.RequestID]*carried{}
	c.recent = [2]map[wire.RequestID]taken{{}, {}}
	c.lost = [2]map[wire.NodeBoot]uint64{{}, {}}
	c.origins = map[wire.NodeID]*requestOrigin{}
}

// hear remembers a carried write that another owner took. Whether its key had a value
// there the item does not say: above the first counter it is taken to have had one,
// which is wrong only for a key that had been deleted, or that the client knew of and
// the owner did not.
func (c *takenWrites) hear(item *wire.Item, now wire.Instant) (ok bool) {
	existed := item.Version.Counter > 1
	if t, ok := c.taken(item.ID); ok && t.version == item.Version {
		existed = t.existed // it was taken here
	}
	return c.remember(item, existed, now)
}

// remember keeps a carried write's version, for the time that is set at least. It
// reports whether there was room.
func (c *takenWrites) remember(item *wire.Item, existed bool, now wire.Instant) (ok bool) {
	c.turn(now)
	id := item.ID
	if o := c.origins[id.Node]; o != nil && o.boot == id.Boot && id.Counter < o.below {
		return true // it comes no more
	}
	if len(c.recent[0])+len(c.recent[1]) >= c.room {
		c.lose(id)
		return false
	}
	c.recent[0][id] = taken{hashing.Hash(item.Key), item.Version, item.Deleted, existed}
	return true
}

// turn forgets the elder, when it is time.
func (c *takenWrites) turn(now wire.Instant) {
	if now < c.turnAt {
		return
	}
	c.recent[0], c.recent[1] = map[wire.RequestID]taken{}, c.recent[0]
	c.lost[0], c.lost[1] = map[wire.NodeBoot]uint64{}, c.lost[0]
	c.turnAt = now + c.keep
}

// lose notes that a request is not remembered: whoever carries it here goes elsewhere.
func (c *takenWrites) lose(id wire.RequestID) {
	life := wire.NodeBoot{Node: id.Node, Boot: id.Boot}
	if _, known := c.lost[0][life]; !known && len(c.lost[0]) >= maxLives {
		life, id.Counter = wire.NodeBoot{}, math.MaxUint64 // of anybody
	}
	c.lost[0][life] = max(c.lost[0][life], id.Counter)
}

// mayHaveLost reports that a request which is not remembered may have been taken.
func (c *takenWrites) mayHaveLost(id wire.RequestID) bool {
	for _, lost := range c.lost {
		if id.Counter <= max(lost[wire.NodeBoot{Node: id.Node, Boot: id.Boot}], lost[wire.NodeBoot{}]) {
			return true
		}
	}
	return false
}

func (c *takenWrites) taken(id wire.RequestID) (taken, bool) {
	if t, ok := c.recent[0][id]; ok {
		return t, true
	}
	t, ok := c.recent[1][id]
	return t, ok
}

// over takes in that a node sends no request below a number any more. Copies may be under
// way: they are forgotten when those are too old to be taken.
func (c *takenWrites) over(life wire.NodeBoot, below uint64, now wire.Instant) {
	c.turn(now)
	o := c.origins[life.Node]
	if o == nil || o.boot != life.Boot {
		o = &requestOrigin{boot: life.Boot, at: now}
		c.origins[life.Node] = o
	}
	if now-o.at > carryAge || mutant.On(mutant.CausalForgetForwarded) {
		c.forget(life, o)
		o.at = now
	} else if o.said > 0 {
		return // what was said first is waited for
	}
	o.said = max(o.said, below)
	if mutant.On(mutant.CausalForgetForwarded) {
		c.forget(life, o)
	}
}

// forget forgets the requests that come no more.
func (c *takenWrites) forget(life wire.NodeBoot, o *requestOrigin) {
	for _, m := range c.recent {
		if o.said-o.below <= uint64(len(m)) {
			for n := o.below; n < o.said; n++ {
				delete(m, wire.RequestID{Node: life.Node, Boot: life.Boot, Counter: n})
			}
			continue
		}
		for id := range m { //maporder:ok each is looked at by itself
			if id.Node == life.Node && id.Boot == life.Boot && id.Counter < o.said {
				delete(m, id)
			}
		}
	}
	o.below = o.said
}

// rememberTaken remembers that a carried write was taken here, or elsewhere.
func (r *Replica) rememberTaken(item *wire.Item, here, existed bool) {
	ok := true
	switch {
	case item.ID == wire.RequestID{}:
	case here:
		ok = r.carried.remember(item, existed, r.now)
	default:
		ok = r.carried.hear(item, r.now)
	}
	if !ok {
		r.box.Event(wire.Event{Kind: EventForwardForgotten, Peer: item.ID.Node})
	}
}

// oldestRequest is the lowest number of a request of this node's clients that may be
// carried again.
func (r *Replica) oldestRequest() uint64 {
	n := r.carriages.counter + 1
	for _, q := range r.clients { //maporder:ok a minimum
		if q.id != (wire.RequestID{}) {
			n = min(n, q.id.Counter)
		}
	}
	return n
}
