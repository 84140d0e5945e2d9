package checkpoint

import (
	"fmt"
	"math"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// causal is what is durable of causal buckets, without items. Views and results have the bounds of
// the replica. The replica may keep fewer results, because it does not write what hellos finish.
type causal struct {
	space     hashing.Space
	slots     []slot
	live      map[wire.Stream]uint64
	former    []wire.Member
	gcCounter uint64
	views     catalog.Catalog
	results   *forward.Table[wire.AppliedWrite]
}

// slot is a slot that is held, or not.
type slot struct {
	held, ready bool
	known       wire.Vector // shared by many slots
	gcCounter   uint64
}

// Defaults of the bounds, as in the replica.
const (
	defaultResults    = 1 << 20
	defaultForwarders = 1024
)

// loadCausal takes up what a checkpoint has. held is the view that the node holds.
func loadCausal(cfg Config, p *wire.StoredCausal, held ids.View) causal {
	set := func(v, d int) int {
		if v <= 0 {
			return d
		}
		return v
	}
	c := causal{
		space: cfg.Space, slots: make([]slot, cfg.Space.Slots()), live: map[wire.Stream]uint64{}, former: p.Former,
		gcCounter: p.GCCounter, views: catalog.New(cfg.Space),
		results: forward.NewTable[wire.AppliedWrite](set(cfg.Results, defaultResults), set(cfg.Forwarders, defaultForwarders)),
	}
	c.hear(&p.Known)
	c.reach(p.Live)
	c.learn(p.Views)
	c.hold(held)
	c.remember(p.Applied, p.Finished)
	return c
}

func (c *causal) write(w *wire.CausalWrite) error {
	if w.NewStreams {
		clear(c.live)
	}
	for _, r := range w.Free {
		for at := c.space.Slot(r.First); at <= c.space.Slot(r.Last); at++ {
			c.slots[at] = slot{}
		}
	}
	if w.Known != nil {
		if err := checkHoldings(c.space, w.Known); err != nil {
			return err
		}
		c.hear(w.Known)
	}
	c.reach(w.Live)
	if w.AlumniSet {
		c.former = w.Alumni
	}
	c.learn(w.Views)
	c.gcCounter = max(c.gcCounter, w.GCCounter)
	c.remember(w.Applied, w.Finished)
	return nil
}

// checkHoldings reports holdings of slots or vectors that do not exist.
func checkHoldings(space hashing.Space, h *wire.Holdings) error {
	for _, run := range h.Held {
		if uint64(run.Slots.First)+uint64(run.Slots.Count) > uint64(space.Slots()) || int(run.Vector) >= len(h.Vectors) {
			return fmt.Errorf("slots %d+%d of %d, vector %d of %d", run.Slots.First, run.Slots.Count, space.Slots(), run.Vector, len(h.Vectors))
		}
	}
	return nil
}

// hear takes in K of slots that have changed.
func (c *causal) hear(h *wire.Holdings) {
	for _, run := range h.Held {
		for i := range run.Slots.Count {
			c.slots[run.Slots.First+i] = slot{held: true, ready: run.Ready, known: h.Vectors[run.Vector], gcCounter: run.GCCounter}
		}
	}
}

// reach takes in positions of streams.
func (c *causal) reach(live wire.Vector) {
	for _, p := range live {
		c.live[p.Stream] = max(c.live[p.Stream], p.N)
	}
}

// learn takes in what became known of views.
func (c *causal) learn(views []wire.KnownView) {
	for _, v := range views {
		c.views.Add(v)
	}
}

// hold keeps the view that the node holds from being forgotten.
func (c *causal) hold(id ids.View) {
	if v := c.views.Get(id); v != nil {
		c.views.Hold(v.KnownView)
	}
}

// remember takes in results of forwarded writes, and which of them are kept no more.
func (c *causal) remember(applied []wire.AppliedWrite, finished []wire.FinishedWrites) {
	for _, f := range finished {
		if f.Below < math.MaxUint64 {
			c.results.Heard(f.Forwarder, f.Below)
		}
	}
	for i := range applied {
		c.results.Keep(applied[i].ID, applied[i])
	}
	for _, f := range finished {
		if f.Below == math.MaxUint64 {
			c.results.Forget(func(node ids.Node, boot ids.Boot) bool { return f.Forwarder == wire.NodeBoot{Node: node, Boot: boot} })
		}
	}
}

// stored is all of it as a checkpoint has it. From here on equal vectors of slots are one in
// memory: they came with many writes.
func (c *causal) stored() wire.StoredCausal {
	var known slots.Writer
	var equal vectors
	for i := range c.slots {
		if s := &c.slots[i]; s.held {
			s.known = equal.one(s.known)
			known.Add(hashing.Slot(i), s.known, s.ready, s.gcCounter)
		}
	}
	stored := wire.StoredCausal{Known: known.Holdings, Former: c.former, GCCounter: c.gcCounter}
	for stream, n := range c.live { //maporder:ok put in order below
		stored.Live = append(stored.Live, wire.Position{Stream: stream, N: n})
	}
	slices.SortFunc(stored.Live, func(a, b wire.Position) int { return a.Stream.Compare(b.Stream) })
	for v := range c.views.All() {
		stored.Views = append(stored.Views, v.KnownView)
	}
	for _, f := range c.results.Forwarders() {
		stored.Applied = append(stored.Applied, c.results.Results(f)...)
		if below := c.results.Lowest(f); below > 0 {
			stored.Finished = append(stored.Finished, wire.FinishedWrites{Forwarder: f, Below: below})
		}
	}
	return stored
}

// vectors finds equal vectors. A missed match costs only memory.
type vectors map[vectorKey][]wire.Vector

// vectorKey is what equal vectors have in common, and others mostly do not.
type vectorKey struct {
	length      int
	first, last wire.Position
}

// most bounds how many vectors of one key are compared.
const most = 64

// one returns the first vector that is equal to v.
func (all *vectors) one(v wire.Vector) wire.Vector {
	if len(v) == 0 {
		return nil
	}
	key := vectorKey{len(v), v[0], v[len(v)-1]}
	if *all == nil {
		*all = vectors{}
	}
	for _, o := range (*all)[key] {
		if slices.Equal(o, v) {
			return o
		}
	}
	if len((*all)[key]) < most {
		(*all)[key] = append((*all)[key], v)
	}
	return v
}
