package causal

import (
	"math"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// dedupTable remembers the forwarded writes that were applied, so that none is applied
// twice (docs/causal.md §8). An entry stays for a time, but no longer than its
// forwarder may repeat the write.
type dedupTable struct {
	retention wire.Instant                    // how long an entry stays at least
	room      int                             // how many entries there may be
	recent    [2]map[ids.Request]appliedWrite // the younger generation first
	evicted   [2]map[wire.NodeBoot]uint64     // per forwarder the highest request that may be missing for want of room
	rotateAt  wire.Instant                    // when the elder generation goes
	origins   map[ids.Node]*requestOrigin     // what the forwarders said
}

// appliedWrite is an entry: a forwarded write that was applied.
type appliedWrite struct {
	hash    uint64 // of its key
	version wire.CausalVersion
	deleted bool
	existed bool // the key had a value before
}

// requestOrigin is which requests of a forwarder do not come again.
type requestOrigin struct {
	boot           ids.Boot
	forgottenBelow uint64 // requests below this number are forgotten
	announced      uint64 // the forwarder repeats none below this number; copies may be under way
	at             wire.Instant
}

func (c *incomingForwards) init(l *Limits) {
	c.retention, c.room = l.DedupRetention, l.DedupEntries
	c.open = map[ids.Request]*incomingForward{}
	c.recent = [2]map[ids.Request]appliedWrite{{}, {}}
	c.evicted = [2]map[wire.NodeBoot]uint64{{}, {}}
	c.origins = map[ids.Node]*requestOrigin{}
}

// rememberRemote remembers a forwarded write that another owner applied. The item does
// not say whether its key had a value there. If its counter is above the first, the key
// counts as having had one. That is wrong only for a key that had been deleted, or that
// the client knew of and the owner did not.
func (c *dedupTable) rememberRemote(item *wire.Item, now wire.Instant) (ok bool) {
	existed := item.Version.Counter > 1
	if t, ok := c.lookup(item.ID); ok && t.version == item.Version {
		existed = t.existed // it was applied here
	}
	return c.remember(item, existed, now)
}

// remember keeps the version of a forwarded write for at least the retention time. It
// reports whether there was room.
func (c *dedupTable) remember(item *wire.Item, existed bool, now wire.Instant) (ok bool) {
	c.rotate(now)
	id := item.ID
	if o := c.origins[id.Node]; o != nil && o.boot == id.Boot && id.Counter < o.forgottenBelow {
		return true // it is not repeated any more
	}
	if len(c.recent[0])+len(c.recent[1]) >= c.room {
		c.evict(id)
		return false
	}
	c.recent[0][id] = appliedWrite{hashing.Hash(item.Key), item.Version, item.Deleted, existed}
	return true
}

// rotate forgets the elder generation, when it is time.
func (c *dedupTable) rotate(now wire.Instant) {
	if now < c.rotateAt {
		return
	}
	c.recent[0], c.recent[1] = map[ids.Request]appliedWrite{}, c.recent[0]
	c.evicted[0], c.evicted[1] = map[wire.NodeBoot]uint64{}, c.evicted[0]
	c.rotateAt = now + c.retention
}

// evict notes that a request is not remembered: if it is forwarded here again, it is
// refused and goes to another owner.
func (c *dedupTable) evict(id ids.Request) {
	boot := wire.NodeBoot{Node: id.Node, Boot: id.Boot}
	if _, known := c.evicted[0][boot]; !known && len(c.evicted[0]) >= maxEndedBoots {
		boot, id.Counter = wire.NodeBoot{}, math.MaxUint64 // of all forwarders
	}
	c.evicted[0][boot] = max(c.evicted[0][boot], id.Counter)
}

// mayHaveEvicted reports that a request which is not remembered may have been applied.
func (c *dedupTable) mayHaveEvicted(id ids.Request) bool {
	for _, lost := range c.evicted {
		if id.Counter <= max(lost[wire.NodeBoot{Node: id.Node, Boot: id.Boot}], lost[wire.NodeBoot{}]) {
			return true
		}
	}
	return false
}

func (c *dedupTable) lookup(id ids.Request) (appliedWrite, bool) {
	if t, ok := c.recent[0][id]; ok {
		return t, true
	}
	t, ok := c.recent[1][id]
	return t, ok
}

// closeBelow takes in that a forwarder repeats no request below a number any more.
// Copies may be under way. The entries are forgotten when such copies are too old to be
// accepted.
func (c *dedupTable) closeBelow(boot wire.NodeBoot, below uint64, now wire.Instant) {
	c.rotate(now)
	o := c.origins[boot.Node]
	if o == nil || o.boot != boot.Boot {
		o = &requestOrigin{boot: boot.Boot, at: now}
		c.origins[boot.Node] = o
	}
	if now-o.at > forwardMaxAge || mutant.On(mutant.CausalForgetForwarded) {
		c.forget(boot, o)
		o.at = now
	} else if o.announced > 0 {
		return // the number that was announced first is waited for
	}
	o.announced = max(o.announced, below)
	if mutant.On(mutant.CausalForgetForwarded) {
		c.forget(boot, o)
	}
}

// forget forgets the requests that are not repeated any more.
func (c *dedupTable) forget(boot wire.NodeBoot, o *requestOrigin) {
	for _, m := range c.recent {
		if o.announced-o.forgottenBelow <= uint64(len(m)) {
			for n := o.forgottenBelow; n < o.announced; n++ {
				delete(m, ids.Request{Node: boot.Node, Boot: boot.Boot, Counter: n})
			}
			continue
		}
		for id := range m { //maporder:ok each is looked at by itself
			if id.Node == boot.Node && id.Boot == boot.Boot && id.Counter < o.announced {
				delete(m, id)
			}
		}
	}
	o.forgottenBelow = o.announced
}

// rememberApplied remembers that a forwarded write was applied here, or at another
// owner.
func (r *Replica) rememberApplied(item *wire.Item, here, existed bool) {
	ok := true
	switch {
	case item.ID == ids.Request{}:
	case here:
		ok = r.incoming.remember(item, existed, r.now)
	default:
		ok = r.incoming.rememberRemote(item, r.now)
	}
	if !ok {
		r.box.Event(core.Event{Kind: EventForwardForgotten, Peer: item.ID.Node})
	}
}

// oldestRequest is the lowest number of a request of this node's clients that may be
// forwarded again.
func (r *Replica) oldestRequest() uint64 {
	n := r.outgoing.lastID + 1
	for _, q := range r.clients { //maporder:ok a minimum
		if q.id != (ids.Request{}) {
			n = min(n, q.id.Counter)
		}
	}
	return n
}
