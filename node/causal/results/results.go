// Package results keeps the results of forwarded writes at the node that they were forwarded to
// (docs/causal.md §8.2, docs/forwarding.md §3). From them a repetition is answered, so one owner
// applies no write twice (I11).
//
// Results is a value without I/O. One goroutine at a time may use it.
package results

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// EventForwardForgotten says that the result of a write had to go.
var EventForwardForgotten = events.Warn("causal_forward_forgotten", "there was no room for more results of forwarded writes; clients of `peer` that wait for such writes get 504", core.OfPeer, core.OncePerView)

// Write is the result of a forwarded write, from which a repetition is answered (I11;
// docs/causal.md §8.2, rules 1 to 3). Each node that the item has reached keeps it.
type Write struct {
	Hash    uint64 // of the key; a repetition that names another key is not answered from here
	Version wire.CausalVersion
	Deleted bool // the write is a tombstone
	Existed bool // the key had a value before: decides between 201 and 204
}

// Results has the results of forwarded writes, of this node's own too.
type Results struct {
	step  *step.Step
	table *forward.Table[Write]
	ended func(ids.Node, ids.Boot) bool // the boot of a forwarder has ended: all its writes are finished
}

// New returns a table without results, which keeps at most so many, of so many forwarders.
func New(s *step.Step, ended func(ids.Node, ids.Boot) bool, results, forwarders int) *Results {
	return &Results{step: s, ended: ended, table: forward.NewTable[Write](results, forwarders)}
}

// Remember remembers that a forwarded write was applied, here or at another owner. An
// item of another owner does not say whether its key had a value there. Then the key counts
// as having had one if the counter is above 1 (docs/causal.md §8.2, rule 2). That is wrong
// only if the key had been deleted, or if the client named a version that the owner lacked.
func (s *Results) Remember(item *wire.Item, here, existed bool) {
	id := item.ID
	if id == (ids.Request{}) || s.ended(id.Node, id.Boot) {
		return
	}
	if !here {
		existed = item.Version.Counter > 1
		if t, fate := s.table.Find(id); fate == forward.Done && t.Version == item.Version {
			existed = t.Existed // the write was applied here, and its item comes back
		}
	}
	s.keep(id, Write{hashing.Hash(item.Key), item.Version, item.Deleted, existed})
}

// HearLowestOpen takes in the lowest open counter of a forwarder: all its writes below are
// finished (docs/forwarding.md §3).
func (s *Results) HearLowestOpen(h wire.Header, lowestOpen uint64) {
	s.table.Heard(wire.NodeBoot{Node: h.From, Boot: h.Boot}, lowestOpen)
}

// Fate says what this node knows of a forwarded write. All writes of a boot that has ended
// are finished (docs/forwarding.md §3, rule 8).
func (s *Results) Fate(id ids.Request) (Write, forward.Fate) {
	if s.ended(id.Node, id.Boot) {
		return Write{}, forward.Finished
	}
	return s.table.Find(id)
}

// Prune takes in the lowest open counter of this node itself, and drops the results of boots that
// have ended.
func (s *Results) Prune(lowestOpen uint64) {
	s.table.Heard(s.step.Self, lowestOpen)
	s.writeEnded(s.table.Forget(s.ended))
}
