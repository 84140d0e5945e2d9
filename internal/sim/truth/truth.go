// Package truth knows what happened to the causal buckets of a simulated run: every
// write with all that it causally depends on, what each node has made durable, and
// what it has a right to say. Whatever a node writes, sends or answers is held
// against that at the moment it happens; docs/causal.md has the rules, and the
// numbers in brackets are those of ARCHITECTURE.md.
//
// A causal past is kept as the largest version of each key in it: nothing that is
// promised of a context asks for more. So a run of thousands of operations is judged
// exactly in little more time than it takes.
//
// The simulator tells it everything, in the order in which it happens. It is pure
// and belongs to one run.
package truth

import (
	"strconv"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// World is who is told what was found.
type World interface {
	Fail(check, format string, args ...any)
	Saw(what string)
	Now() wire.Instant
}

// Config says what the nodes were told, too.
type Config struct {
	Nodes int
	Keys  int // "c0" and so on
	Space hashing.Space
	Exact int // entries of a client's context
	Deps  int // and of a stored item's
}

// Truth is all that happened so far.
type Truth struct {
	cfg          Config
	world        World
	keys         []key
	index        map[string]int
	byHash       map[uint64]int
	ops          []*Op
	streams      map[wire.Stream]*stream
	order        []*stream      // as they began
	incarnations []*Incarnation // the present one of each node
	views        map[ids.View]*view
	calm         *calm
	collecting   uint64                   // the largest counter of tombstones that anybody announced the end of
	looks        int                      // at contexts
	sent         map[sending]wire.Instant // when a forwarded write was sent to a node last
}

// key is one key of the run.
type key struct {
	name      string
	hash      uint64
	slot      hashing.Slot
	writes    []*Write
	collected *Write                    // the largest tombstone that anybody collected
	told      map[*Incarnation]ids.Boot // who was asked before it was, in which boot
	forgotten *Write                    // the largest of those that were collected while somebody unknown had less
}

// stream is what one boot of a node wrote in one view.
type stream struct {
	id     wire.Stream
	writes []*Write // of number 1, 2, …
	lostAt wire.Instant
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

// KeyName is the name of a key by its number.
func KeyName(i int) string { return "c" + strconv.Itoa(i) }

// Writes is how many writes there were.
func (t *Truth) Writes() (n int) {
	for _, s := range t.order {
		n += len(s.writes)
	}
	return n
}

// Slot is where a key lives.
func (t *Truth) Slot(key int) hashing.Slot { return t.keys[key].slot }

func (t *Truth) fail(check, format string, args ...any) { t.world.Fail(check, format, args...) }

// Key finds a key by its name; -1: nobody uses it.
func (t *Truth) Key(name string) int {
	if i, ok := t.index[name]; ok {
		return i
	}
	return -1
}

// above is the order of versions, written down here once more, so that the core's
// own is under test: the larger counter, then the lower node id, then the rest of
// the dot.
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
