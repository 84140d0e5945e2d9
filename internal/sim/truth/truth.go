// Package truth is the oracle of causal buckets. It records every write with all that the
// write causally depends on, and what each node holds, as written and as durable. It checks
// every write, message and answer of a node against this record, at the moment when it
// happens. The rules are in docs/causal.md; names of checks such as "I14" are the
// invariants of ARCHITECTURE.md.
//
// A causal past is kept as the largest version of each key in it, because no promise of a
// context asks for more. So the check is exact, and a run of thousands of operations takes
// little longer with it.
//
// The caller reports every event of a run, in the order in which the events happen, and
// checks nothing itself. A violation goes to World.Fail. The package is pure; a Truth
// belongs to one run.
package truth

import (
	"strconv"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// World receives violations and counts, and has the clock of the run.
type World interface {
	Fail(check, format string, args ...any) // reports a violation of a check; the first one of a run counts
	Saw(what string)                        // counts a case that schedules should reach
	Now() wire.Instant                      // the virtual time
}

// Config is the part of the nodes' configuration that the checks depend on.
type Config struct {
	Nodes int
	Keys  int // how many; their names are "c0" and so on
	Space hashing.Space
	Exact int // the most exact entries of a client's context
	Deps  int // the most exact entries of the dependencies of a stored item
}

// Truth is the record of a run up to now.
type Truth struct {
	cfg          Config
	world        World
	keys         []key
	index        map[string]int           // by name: the number of the key
	byHash       map[uint64]int           // by hash: the number of the key
	ops          []*Op                    // by token; ops[0] is nil
	streams      map[wire.Stream]*stream  // all that have a write
	order        []*stream                // in the order in which they began
	incarnations []*Incarnation           // by node: the present one; nil: none
	views        map[ids.View]*view       // all that a node has written
	calm         *calm                    // nil while faults may happen
	collecting   uint64                   // the largest counter of a tombstone whose collection a node has announced
	looks        int                      // calls of stands, to select every 64th
	sent         map[sending]wire.Instant // when a forwarded write was sent to a node last
}

// key is one key of the run.
type key struct {
	name      string
	hash      uint64
	slot      hashing.Slot
	writes    []*Write              // in the order in which nodes wrote them
	collected *Write                // the largest tombstone that a node has collected
	told      map[*Incarnation]bool // the incarnations that were asked before that
	// forgotten is the largest tombstone that was collected while an unknown node held a
	// lower version of the key.
	forgotten *Write
}

// stream holds the writes of one boot of a node in one view.
type stream struct {
	id     wire.Stream
	writes []*Write     // by number, from 1
	lostAt wire.Instant // when its node lost its state; 0: it has not
}

// New returns the truth of a run that has not begun.
func New(cfg Config, world World) *Truth {
	t := &Truth{
		cfg: cfg, world: world, index: map[string]int{}, byHash: map[uint64]int{}, ops: []*Op{nil}, streams: map[wire.Stream]*stream{},
		incarnations: make([]*Incarnation, cfg.Nodes), views: map[ids.View]*view{},
		sent: map[sending]wire.Instant{},
	}
	for i := range cfg.Keys {
		name := KeyName(i)
		h := hashing.Hash(name)
		t.keys = append(t.keys, key{name: name, hash: h, slot: cfg.Space.Slot(h)})
		t.index[name], t.byHash[h] = i, i
	}
	return t
}

// KeyName returns the name of a key by its number.
func KeyName(i int) string { return "c" + strconv.Itoa(i) }

// Writes returns the number of writes so far.
func (t *Truth) Writes() (n int) {
	for _, s := range t.order {
		n += len(s.writes)
	}
	return n
}

// Slot returns the slot of a key.
func (t *Truth) Slot(key int) hashing.Slot { return t.keys[key].slot }

func (t *Truth) fail(check, format string, args ...any) { t.world.Fail(check, format, args...) }

// Key returns the number of a key by its name; -1: no client uses that name.
func (t *Truth) Key(name string) int {
	if i, ok := t.index[name]; ok {
		return i
	}
	return -1
}

// above is the order of versions: the larger counter, then the lower node id, then the rest
// of the dot. The core has its own; this second one puts that under test.
func above(a, b wire.CausalVersion) bool {
	x, y := a.Dot.Stream, b.Dot.Stream
	switch {
	case a.Counter != b.Counter:
		return a.Counter > b.Counter
	case x.Node != y.Node:
		return x.Node < y.Node
	case x != y:
		return x.Compare(y) > 0
	default:
		return a.Dot.N > b.Dot.N
	}
}
