package world

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/node/checkpoint"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// Node is one simulated process, or the place of one that is down: a machine, a store, and
// a driver such as node/driver.go, on the virtual clock.
type Node struct {
	w         *World
	ID        ids.Node
	Moved     bool // it can be reached at its second address, not at its first
	Up        bool // a boot runs
	old       bool // its id was given to another process (twin.go)
	BootCount int  // counts its starts; messages to an earlier boot are lost

	Inc       ids.Incarnation // the incarnation of the present or last boot
	Boot      ids.Boot        // of the present or last start
	clock     wire.Instant    // the clock of this boot minus that of the world
	Machine   *machine.Machine
	Store     *store.Memory
	disk      disk
	keepsDisk bool            // the next start recovers the disk
	peers     []wire.Member   // the nodes that it may dial: Output.Peers of its last step
	Serving   bool            // of its last status: it serves strong buckets
	ShownAt   wire.Instant    // when Shows last changed
	Shows     core.NodeStatus // the last status that the machine reported
	Answered  wire.Instant    // when it last answered a strong request
	Reason    string          // why it does not serve
	inbox     []core.Input    // inputs that arrived while it was paused
	Pauses    int             // how many pauses are in force
	pausedAt  wire.Instant    // when the first of the present pauses began
	paused    wire.Instant    // how long this boot has been paused in all
	SlowDisk  int             // number of slow-disk faults in force
	TroubleAt wire.Instant    // when it was last stopped or had a slow disk
	diskAt    wire.Instant    // when the last write becomes durable
	tickAt    wire.Instant    // time of the tick that counts; others are stale
	stepsAt   wire.Instant    // the instant of the last step
	steps     int             // steps at the instant stepsAt
	chain     int             // how many of the node's own inputs led to the present one, one by one
	gauge     gauge
}

func newNode(w *World, id ids.Node) *Node {
	n := &Node{w: w, ID: id}
	n.Start()
	return n
}

// Address is the one address at which the node can be reached.
func (n *Node) Address() string { return Address(int(n.ID), n.Moved) }

// Start begins a boot: without state, or with what the disk holds.
func (n *Node) Start() {
	w := n.w
	w.Disturb()
	n.Up, n.BootCount = true, n.BootCount+1
	n.Boot = ids.Boot(w.Rng.Uint64() | 1)
	n.clock = wire.Instant(w.Rng.Int64N(int64(1000 * wire.Second)))
	cfg := machine.Config{
		ID: n.ID, Boot: n.Boot, Now: n.local(), Crowd: w.Sched.Crowd,
		Limits: w.Sched.Limits, Causal: w.Sched.Causal.CausalLimits,
	}
	if !w.Sched.Model.Strong() {
		cfg.Gate = machine.GateCausal
	}
	var found *RecoveredState
	if n.keepsDisk {
		if found = n.recover(); found == nil {
			return
		}
		cfg.Recovered, n.Store = found.Rec, found.store
	} else {
		n.Inc = ids.Incarnation(w.Rng.Uint64() | 1)
		n.disk = disk{}
		n.Store = store.NewMemory()
	}
	for _, hook := range w.On.Started {
		hook(n, found)
	}
	cfg.Inc = n.Inc
	n.Machine = machine.New(cfg)
	n.peers, n.Serving, n.inbox, n.Shows = nil, false, nil, core.NodeStatus{}
	n.paused, n.pausedAt, n.diskAt, n.tickAt = 0, w.Now, 0, 0
	w.Note("node %d starts: incarnation %x, boot %x, with its state: %v", n.ID, n.Inc, n.Boot, n.keepsDisk)
	w.Net.redeliverToRestarted(n)
	n.planTick()
}

// recover returns what the disk holds; nil: the run has failed. It draws from the boot, which is
// drawn from the seed.
func (n *Node) recover() *RecoveredState {
	rng := rand.New(rand.NewPCG(uint64(n.Boot), 0))
	found, err := n.disk.recover(rng, checkpoint.Config{Space: n.w.Sched.Causal.Space, Origins: n.w.Sched.Limits.Origins})
	if err != nil {
		n.w.Fail("checkpoint", "node %d: %v", n.ID, err)
		return nil
	}
	return found
}

// Crash ends a boot. If the node does not keep its disk, it also loses its state.
func (n *Node) Crash(keeps bool) {
	n.w.Note("node %d crashes, keeps its disk: %v", n.ID, keeps)
	n.Up, n.keepsDisk = false, keeps
	if keeps {
		left := n.disk.lose(n.w)
		for _, hook := range n.w.On.Durable {
			hook(n, left)
		}
	} else {
		n.w.Forgot = true
		for _, hook := range n.w.On.Lost {
			hook(n)
		}
	}
	n.inbox, n.Pauses, n.SlowDisk = nil, 0, 0
	n.end()
}

// end reports that no open request at this boot will be answered.
func (n *Node) end() {
	for _, hook := range n.w.On.Gone {
		hook(n)
	}
}

func (n *Node) local() wire.Instant { return n.w.Now + n.clock }

// alive does something later, unless this boot has ended by then.
func (n *Node) alive(after wire.Instant, do func()) {
	bootCount := n.BootCount
	n.w.After(after, func() {
		if n.Up && n.BootCount == bootCount {
			do()
		}
	})
}

// Pause makes the node stand still. Its clock goes on.
func (n *Node) Pause() {
	n.w.Disturb()
	if n.Pauses++; n.Pauses == 1 {
		n.pausedAt = n.w.Now
		n.w.Note("node %d pauses", n.ID)
	}
}

// Resume ends one pause. Inputs that arrived meanwhile come at once, and the late tick
// before or after them.
func (n *Node) Resume() {
	n.w.Disturb()
	if n.Pauses--; n.Pauses > 0 {
		return
	}
	n.paused += n.w.Now - n.pausedAt
	n.TroubleAt = n.w.Now
	n.w.Note("node %d resumes with %d inputs", n.ID, len(n.inbox))
	inbox := n.inbox
	n.inbox = nil
	if n.w.chance(0.5) {
		inbox = slices.Insert(inbox, 0, core.Input(&core.Tick{}))
	}
	for _, in := range inbox {
		n.Deliver(in)
	}
	n.planTick()
}

// PausedTime returns how long this boot has been paused.
func (n *Node) PausedTime() wire.Instant {
	if n.Pauses > 0 {
		return n.paused + n.w.Now - n.pausedAt
	}
	return n.paused
}

// Deliver brings an input: now, or when the node runs again.
func (n *Node) Deliver(in core.Input) {
	if !n.Up || n.w.Failure != nil {
		return
	}
	if n.Pauses > 0 {
		n.inbox = append(n.inbox, in)
		return
	}
	n.step(in)
}

// stepLimit bounds the steps of a node at one instant.
const stepLimit = 20_000

func (n *Node) step(in core.Input) {
	w := n.w
	if n.stepsAt != w.Now {
		n.stepsAt, n.steps = w.Now, 0
	}
	if n.steps++; n.steps > stepLimit {
		w.Fail("spin", "node %d was stepped %d times at one instant", n.ID, n.steps)
		return
	}
	if w.Trace != nil {
		w.Note("node %d %s", n.ID, trace.Describe(in))
	}
	for _, hook := range w.On.Told {
		hook(n, in)
	}
	n.Store.Annotate(in)
	n.gauge.begin(n)
	out := n.Machine.Step(n.local(), in)
	n.gauge.end(n, in, out)
	n.carryOut(out)
	n.planTick()
}

// planTick plans the call of the machine at its deadline.
func (n *Node) planTick() {
	at := max(n.Machine.Deadline()-n.clock, n.w.Now)
	if n.tickAt == at && at > n.w.Now {
		return
	}
	n.tickAt = at
	late := n.w.UpTo(wire.Millisecond)
	bootCount := n.BootCount
	n.w.At(at+late, func() {
		if n.Up && n.BootCount == bootCount && n.tickAt == at && n.Pauses == 0 {
			n.tickAt = 0
			n.Deliver(&core.Tick{})
		}
	})
}

// carryOut executes the output of a step in the order of its fields. Messages may go to
// nodes that could be dialled before the step or can be after it.
func (n *Node) carryOut(out *core.Output) {
	if out.PeersChanged {
		n.peers = append(n.peers, out.Peers...)
	}
	n.write(out.Writes)
	for _, e := range out.Messages {
		n.w.Net.send(n, e)
	}
	if out.PeersChanged {
		n.peers = slices.Clone(out.Peers)
	}
	n.apply(out.Applies)
	for _, r := range out.Reads {
		n.read(r)
	}
	for _, r := range out.Replies {
		if !n.old { // an old process has no clients
			n.w.On.Answered(n, r)
		}
	}
	for i := range out.Events {
		n.happened(&out.Events[i])
	}
	if out.Status != nil {
		n.w.Counts.Adopted(&n.Shows, out.Status)
		n.Shows, n.ShownAt = *out.Status, n.w.Now
		for _, hook := range n.w.On.Shows {
			hook(n)
		}
		n.Serving, n.Reason = out.Status.Serving, out.Status.Reason
		n.w.Note("node %d shows serving=%v member=%v left behind=%v %s",
			n.ID, n.Serving, out.Status.Member, out.Status.LeftBehind, out.Status.Reason)
	}
}

func (n *Node) happened(e *core.Event) {
	n.w.Counts.Add("event", e.Kind.Name)
	for _, hook := range n.w.On.Event {
		hook(n, e)
	}
	if n.w.Trace != nil {
		n.w.Note("node %d event %s %s", n.ID, e.Kind, trace.DescribeEvent(e))
	}
}

// WhenDurable does something as soon as all writes so far are durable, unless this boot has
// ended by then.
func (n *Node) WhenDurable(do func()) {
	if n.disk.durable == len(n.disk.writes) {
		do()
		return
	}
	n.alive(n.diskAt-n.w.Now, do)
}

func (n *Node) write(writes []wire.Write) {
	if len(writes) == 0 {
		return
	}
	for i := range writes {
		if n.w.Trace != nil {
			n.w.Note("node %d writes %s", n.ID, trace.DescribeWrite(&writes[i]))
		}
		n.w.Counts.Add("write", trace.WriteNames[writes[i].Kind])
	}
	n.Store.Write(writes)
	for i := range writes {
		for _, hook := range n.w.On.Wrote {
			hook(n, &writes[i])
		}
	}
	durable := n.disk.append(writes)
	seq := writes[len(writes)-1].Seq
	delay := n.w.UpTo(n.w.Sched.Disk)
	if n.SlowDisk > 0 {
		n.w.Disturb()
		delay += n.w.UpTo(500 * wire.Millisecond)
	}
	n.diskAt = max(n.diskAt, n.w.Now+delay)
	chain := n.chain + 1
	n.alive(n.diskAt-n.w.Now, func() {
		n.disk.sync(durable)
		for _, hook := range n.w.On.Durable {
			hook(n, seq)
		}
		n.chain = chain
		n.Deliver(&core.Durable{Seq: seq})
		n.chain = 0
	})
}

func (n *Node) apply(entries []wire.Entry) {
	n.Store.Apply(entries)
	n.disk.apply(entries)
	for _, hook := range n.w.On.Applied {
		hook(n, entries)
	}
}

func (n *Node) read(r core.Read) {
	var in core.Input
	switch r.Kind {
	case core.ReadClient, core.ReadItems:
		if !n.old {
			n.w.On.Readable(n, r)
		}
		return
	case core.ReadKey:
		in = n.Store.Key(r)
	case core.ReadStored:
		in = &core.StoredRead{Session: r.Session, Keys: r.Keys}
	case core.ReadSlots:
		in = n.Store.Slots(r)
	default:
		in = n.Store.Chunk(r)
	}
	n.alive(n.w.UpTo(n.w.Sched.Disk+1), func() { n.Deliver(in) })
}

// Troubled reports whether a node is stopped or has a slow disk, and records the time.
func (n *Node) Troubled() bool {
	if n.Pauses > 0 || n.SlowDisk > 0 || n.diskAt > n.w.Now+100*wire.Millisecond {
		n.TroubleAt = n.w.Now
		return true
	}
	return false
}

// Address is the address of a node, before or after it moved.
func Address(id int, moved bool) string {
	if moved {
		return fmt.Sprintf("10.2.0.%d:8081", id)
	}
	return fmt.Sprintf("10.1.0.%d:8081", id)
}
