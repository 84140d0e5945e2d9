package sim

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// node is one simulated process, or the place where it was: a machine, a store,
// and a driver such as node/driver.go, on the world's clock.
type node struct {
	w         *world
	id        ids.Node
	moved     bool // it can be reached at its second address, not at its first
	up        bool
	old       bool // its id was given to another process (twin.go)
	bootCount int  // counts its starts; what is addressed to an earlier boot is lost

	inc       ids.Incarnation
	boot      ids.Boot
	clock     wire.Instant // this boot's clock minus the world's
	machine   *machine.Machine
	store     *store.Memory
	disk      disk
	keepsDisk bool // the next start finds the disk
	peers     []wire.Member
	serving   bool
	shows     core.NodeStatus
	answered  wire.Instant // when it last answered a strong request
	reason    string       // why it does not serve
	inbox     []core.Input // what arrived while it was paused
	pauses    int          // that are in force
	pausedAt  wire.Instant
	paused    wire.Instant // in all, in this boot
	slowDisk  int
	troubleAt wire.Instant // when it was stopped, or its disk was slow, last
	diskAt    wire.Instant // when the last write is durable
	tickAt    wire.Instant // of the tick that counts; others are stale
	stepsAt   wire.Instant
	steps     int // at the instant stepsAt
	chain     int // how many of this node's own inputs led to the present one
	gauge     gauge
}

func newNode(w *world, id ids.Node) *node {
	n := &node{w: w, id: id}
	n.start()
	return n
}

// address is the one place where the node can be reached.
func (n *node) address() string { return address(int(n.id), n.moved) }

// start begins a boot: with nothing, or with what is on its disk.
func (n *node) start() {
	w := n.w
	n.up, n.bootCount = true, n.bootCount+1
	n.boot = ids.Boot(w.rng.Uint64() | 1)
	n.clock = wire.Instant(w.rng.Int64N(int64(1000 * wire.Second)))
	cfg := machine.Config{
		ID: n.id, Boot: n.boot, Now: n.local(), Crowd: w.sched.Crowd,
		Limits: w.sched.Limits, Causal: w.sched.Causal.CausalLimits,
	}
	if !w.sched.Model.strong() {
		cfg.Gate = machine.GateCausal
	}
	var found *recoveredState
	if n.keepsDisk {
		found = n.disk.recover()
		cfg.Recovered, n.store = &found.rec, found.store
	} else {
		n.inc, n.disk = ids.Incarnation(w.rng.Uint64()|1), disk{}
		n.store = store.NewMemory()
	}
	for _, hook := range w.on.started {
		hook(n, found)
	}
	cfg.Inc = n.inc
	n.machine = machine.New(cfg)
	n.peers, n.serving, n.inbox, n.shows = nil, false, nil, core.NodeStatus{}
	n.paused, n.pausedAt, n.diskAt, n.tickAt = 0, w.now, 0, 0
	w.note("node %d starts: incarnation %x, boot %x, with its state: %v", n.id, n.inc, n.boot, n.keepsDisk)
	w.net.redeliverToRestarted(n)
	n.planTick()
}

// crash ends a boot, and its state unless the node keeps its disk.
func (n *node) crash(keeps bool) {
	n.w.note("node %d crashes, keeps its disk: %v", n.id, keeps)
	n.up, n.keepsDisk = false, keeps
	if keeps {
		left := n.disk.lose(n.w)
		for _, hook := range n.w.on.durable {
			hook(n, left)
		}
	} else {
		n.w.forgot = true
		for _, hook := range n.w.on.lost {
			hook(n)
		}
	}
	n.inbox, n.pauses, n.slowDisk = nil, 0, 0
	n.end()
}

// end tells that nothing which is open at this boot will be answered.
func (n *node) end() {
	for _, hook := range n.w.on.gone {
		hook(n)
	}
}

func (n *node) local() wire.Instant { return n.w.now + n.clock }

// alive does something later, if this boot has not ended by then.
func (n *node) alive(after wire.Instant, do func()) {
	bootCount := n.bootCount
	n.w.after(after, func() {
		if n.up && n.bootCount == bootCount {
			do()
		}
	})
}

// pause makes the node do nothing; its clock goes on.
func (n *node) pause() {
	if n.pauses++; n.pauses == 1 {
		n.pausedAt = n.w.now
		n.w.note("node %d pauses", n.id)
	}
}

// resume ends one pause. What arrived meanwhile comes at once; the timer, which
// is late, before or after it.
func (n *node) resume() {
	if n.pauses--; n.pauses > 0 {
		return
	}
	n.paused += n.w.now - n.pausedAt
	n.w.note("node %d resumes with %d inputs", n.id, len(n.inbox))
	inbox := n.inbox
	n.inbox = nil
	if n.w.chance(0.5) {
		inbox = slices.Insert(inbox, 0, core.Input(&core.Tick{}))
	}
	for _, in := range inbox {
		n.deliver(in)
	}
	n.planTick()
}

// pausedTime is how long this boot has been paused.
func (n *node) pausedTime() wire.Instant {
	if n.pauses > 0 {
		return n.paused + n.w.now - n.pausedAt
	}
	return n.paused
}

// deliver brings an input, now or when the node runs again.
func (n *node) deliver(in core.Input) {
	if !n.up || n.w.failure != nil {
		return
	}
	if n.pauses > 0 {
		n.inbox = append(n.inbox, in)
		return
	}
	n.step(in)
}

// stepLimit is more than a node can have to do at one instant.
const stepLimit = 20_000

func (n *node) step(in core.Input) {
	w := n.w
	if n.stepsAt != w.now {
		n.stepsAt, n.steps = w.now, 0
	}
	if n.steps++; n.steps > stepLimit {
		w.fail("spin", "node %d was stepped %d times at one instant", n.id, n.steps)
		return
	}
	if w.trace != nil {
		w.note("node %d %s", n.id, describe(in))
	}
	for _, hook := range w.on.told {
		hook(n, in)
	}
	n.store.Annotate(in)
	n.gauge.begin(n)
	out := n.machine.Step(n.local(), in)
	n.gauge.end(n, in, out)
	n.carryOut(out)
	n.planTick()
}

// planTick sees to it that the machine is called by its deadline.
func (n *node) planTick() {
	at := max(n.machine.Deadline()-n.clock, n.w.now)
	if n.tickAt == at && at > n.w.now {
		return
	}
	n.tickAt = at
	late := n.w.upTo(wire.Millisecond)
	bootCount := n.bootCount
	n.w.at(at+late, func() {
		if n.up && n.bootCount == bootCount && n.tickAt == at && n.pauses == 0 {
			n.tickAt = 0
			n.deliver(&core.Tick{})
		}
	})
}

// carryOut does what a step wants done, in the order of the fields. Messages may
// go to nodes that could be dialled before the step or can be after it.
func (n *node) carryOut(out *core.Output) {
	if out.PeersChanged {
		n.peers = append(n.peers, out.Peers...)
	}
	n.write(out.Writes)
	for _, e := range out.Messages {
		n.w.net.send(n, e)
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
			n.w.on.answered(n, r)
		}
	}
	for i := range out.Events {
		n.happened(&out.Events[i])
	}
	if out.Status != nil {
		n.w.counts.adopted(&n.shows, out.Status)
		n.shows = *out.Status
		for _, hook := range n.w.on.shows {
			hook(n)
		}
		n.serving, n.reason = out.Status.Serving, out.Status.Reason
		n.w.note("node %d shows serving=%v member=%v left behind=%v %s",
			n.id, n.serving, out.Status.Member, out.Status.LeftBehind, out.Status.Reason)
	}
}

func (n *node) happened(e *core.Event) {
	n.w.counts.add("event", e.Kind.Name)
	for _, hook := range n.w.on.event {
		hook(n, e)
	}
	if n.w.trace != nil {
		n.w.note("node %d event %s %s", n.id, e.Kind, describeEvent(e))
	}
}

// whenDurable does something as soon as all that was written so far is durable, if
// this boot has not ended by then.
func (n *node) whenDurable(do func()) {
	if n.disk.durable == len(n.disk.writes) {
		do()
		return
	}
	n.alive(n.diskAt-n.w.now, do)
}

func (n *node) write(writes []core.Write) {
	if len(writes) == 0 {
		return
	}
	for i := range writes {
		if n.w.trace != nil {
			n.w.note("node %d writes %s", n.id, describeWrite(&writes[i]))
		}
		n.w.counts.add("write", writeNames[writes[i].Kind])
	}
	n.store.Write(writes)
	for i := range writes {
		for _, hook := range n.w.on.wrote {
			hook(n, &writes[i])
		}
	}
	n.disk.writes = append(n.disk.writes, writes...)
	durable := len(n.disk.writes)
	seq := writes[len(writes)-1].Seq
	delay := n.w.upTo(n.w.sched.Disk)
	if n.slowDisk > 0 {
		delay += n.w.upTo(500 * wire.Millisecond)
	}
	n.diskAt = max(n.diskAt, n.w.now+delay)
	chain := n.chain + 1
	n.alive(n.diskAt-n.w.now, func() {
		n.disk.durable = durable
		for _, hook := range n.w.on.durable {
			hook(n, seq)
		}
		n.chain = chain
		n.deliver(&core.Durable{Seq: seq})
		n.chain = 0
	})
}

func (n *node) apply(entries []wire.Entry) {
	n.store.Apply(entries)
	for _, hook := range n.w.on.applied {
		hook(n, entries)
	}
}

func (n *node) read(r core.Read) {
	var in core.Input
	switch r.Kind {
	case core.ReadClient, core.ReadItems:
		if !n.old {
			n.w.on.readable(n, r)
		}
		return
	case core.ReadKey:
		in = n.store.Key(r)
	case core.ReadSlots:
		in = n.store.Slots(r)
	default:
		in = n.store.Chunk(r)
	}
	n.alive(n.w.upTo(n.w.sched.Disk+1), func() { n.deliver(in) })
}
