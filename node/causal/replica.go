// Package causal is causally consistent replication: one node's part in taking
// writes of any key whose slot it owns at any time, broadcasting them, and saying what
// a reader may see. docs/causal.md is the protocol; the code reads like it.
//
// A Replica is a pure core: it is told everything and answers through the Outbox
// it was given. It belongs to one machine, whose Step is the only caller. Nothing
// that a peer or a client sends can make it panic; a broken invariant of its own
// does.
package causal

import (
	"math"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/broadcast"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/waiting"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Views is what the replica asks about the view and the other nodes.
type Views interface {
	// LeftBehind reports that a member of this view went on without this node.
	LeftBehind() bool
	// Silence is how long a member may say nothing before it counts as silent.
	Silence(ids.Node) wire.Instant
	// Reach is told that Former has changed.
	Reach()
}

// Limits bounds what a replica holds and sends. Zero values mean the defaults.
type Limits struct {
	Space       hashing.Space // how many slots there are; the same on all nodes
	Exact       int           // entries in a client's context
	Deps        int           // entries in a stored item's
	BatchOps    int           // items in one Batch
	BatchBytes  int           // of their keys and values; one item always fits
	WindowBytes int           // of own writes that are kept to be sent again
	ChunkBytes  int           // of one piece of an exchange
	AsideBytes  int           // of items that wait for their slots to be ready
	Vector      int           // positions in the vector of a context, before a cut reference takes their place
	Results     int           // of forwarded writes that are kept
	Forwarders  int           // of which results are kept
	Writes      uint64        // how many writes there can have been, everywhere, at instant zero (docs/causal.md §2.1)
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	if l.Space == 0 {
		l.Space = hashing.Standard
	}
	set(&l.Exact, wire.MaxExact)
	set(&l.Deps, 16)
	set(&l.BatchOps, 1024)
	set(&l.BatchBytes, 256<<10)
	set(&l.WindowBytes, 64<<20)
	set(&l.ChunkBytes, 256<<10)
	set(&l.AsideBytes, 64<<20)
	set(&l.Vector, 8)
	set(&l.Results, 1<<20)
	set(&l.Forwarders, 1024)
	l.Writes = max(l.Writes, plausible.FewestWrites)
	return l
}

// Config is who this replica is.
type Config struct {
	Self   ids.Node
	Boot   ids.Boot
	Limits Limits
}

// Times of the protocol.
const (
	forgetDelay     = 250 * wire.Millisecond // before a former member is forgotten: it must hear the acknowledgement
	resend          = 100 * wire.Millisecond // of questions to peers, at first
	slowResend      = 1 * wire.Second
	gossipEvery     = 1 * wire.Second
	stalled         = 3 * wire.Second // without progress: a slot is served unproven
	forwardResend   = 250 * wire.Millisecond
	forwardPatience = 1500 * wire.Millisecond // a forwarded request that is not repeated for so long is dropped
)

// Replica is one node's part in causal replication.
type Replica struct {
	cfg   Config
	box   *core.Outbox
	views Views
	now   wire.Instant
	next  wire.Instant // when Tick has something to do

	catalog catalog.Catalog
	view    *wire.View // nil: none
	ring    *hashing.Ring
	shard   int    // of this node in ring; meaningful with member
	member  bool   // of view
	layout  uint64 // fingerprint of the view's
	since   wire.Instant

	slots      slots.Table
	streams    broadcast.Streams  // of this view: its own, and those of the other replicas of the shard
	peers      []*peer            // members and former members, by id
	outside    []wire.Member      // of the views before, while this node is in none
	drained    []ids.Node         // former members of this view that are none any more
	requesters handoff.Requesters // of slots, with what they have acknowledged

	exchanges      []*exchange
	sessions       uint64
	gossip         gossip
	progress       uint64 // grows whenever slots get nearer to ready
	movedAt        wire.Instant
	onePredecessor bool // all views that the view's author heard of are one
	synced         bool // all reachable nodes have been exchanged with, and have acknowledged their slots

	clients    map[ids.Token]*request // of clients of this node that have not been answered
	waiting    waiting.Table[*request]
	questions  waiting.Questions[*request] // for keys of slots that are not ready
	outgoing   outgoingForwards
	incoming   incomingForwards
	keyReads   keyReads
	slotReads  slotReads
	overlay    overlay
	vectors    footprint.Vectors // that were stored last
	change     core.CausalWrite  // of this step
	effects    []effect
	releasable handoff.Queue // slots that are held for others, and acknowledged by all owners
	boots      bootTable
	judge      plausible.Judge
	infoAt     wire.Instant // not before then peers are asked for unknown views, and for boots
	cuts       gc.CutMaker
	collector  gc.Collector

	forgettings []forgetting // operators who wait
}

// effect is what becomes true when a write is durable.
type effect struct {
	seq uint64
	do  func()
}

const never = wire.Instant(math.MaxInt64)

// New returns a replica that holds nothing.
func New(cfg Config, box *core.Outbox, views Views) *Replica {
	cfg.Limits = cfg.Limits.withDefaults()
	r := &Replica{cfg: cfg, box: box, views: views, next: never, clients: map[ids.Token]*request{}}
	r.slots = slots.New(cfg.Limits.Space, &r.streams, r.boots.streamEnded)
	r.streams = broadcast.New(broadcast.Limits{BatchOps: cfg.Limits.BatchOps, BatchBytes: cfg.Limits.BatchBytes, WindowBytes: cfg.Limits.WindowBytes})
	r.catalog = catalog.New(cfg.Limits.Space)
	r.sessions = uint64(cfg.Boot)
	r.boots.self = wire.NodeBoot{Node: cfg.Self, Boot: cfg.Boot}
	r.boots.beginInquiry() // requests may wait for what this node had in an earlier boot
	r.judge = plausible.New(cfg.Limits.Writes, r.boots.self, &r.streams.Own, r.slots.Len())
	r.incoming = newIncomingForwards(&r.cfg.Limits)
	return r
}

// SetNow tells the time, before anything else in a Step.
func (r *Replica) SetNow(now wire.Instant) {
	r.now = now
	r.overlay.reset(r.keyReads.open() + r.slotReads.open())
}

// Next is when Tick must be called even if nothing arrives.
func (r *Replica) Next() wire.Instant { return r.next }

// alarm sees to it that Tick is called by then.
func (r *Replica) alarm(at wire.Instant) { r.next = min(r.next, at) }

// after does something as soon as the write seq is durable: at once, if it is.
func (r *Replica) after(seq uint64, do func()) {
	if r.box.IsDurable(seq) {
		do()
		return
	}
	r.effects = append(r.effects, effect{seq, do})
}

// OnDurable lets become true what waited for writes up to seq.
func (r *Replica) OnDurable(seq uint64) {
	for len(r.effects) > 0 && r.effects[0].seq <= seq {
		do := r.effects[0].do
		r.effects[0] = effect{}
		r.effects = r.effects[1:]
		do()
	}
}

// commit makes what the step changed durable, and returns the write that does so;
// if it changed nothing, the last one there was.
func (r *Replica) commit() uint64 {
	w := &r.change
	if len(w.Put)+len(w.Drop)+len(w.Free)+len(w.Live)+len(w.Views) == 0 && w.Known == nil && !w.AlumniSet && !w.Reset {
		return r.box.LastWrite()
	}
	done := r.change
	r.change = core.CausalWrite{}
	return r.box.Persist(core.Write{Kind: core.WriteCausal, Causal: &done})
}

// send sends a message that depends on no write.
func (r *Replica) send(to ids.Node, m wire.Message) { r.box.Send(to, m) }

// request sends a question whose answer needs no address of ours at the peer.
func (r *Replica) request(to ids.Node, m wire.Message) { r.box.Ask(to, m) }

// respond answers a question when all that was written so far is durable.
func (r *Replica) respond(to ids.Node, replyTo ids.ReplyTo, m wire.Message) {
	r.box.PostAfter(r.box.LastWrite(), core.Envelope{To: to, Answer: replyTo, Message: m})
}

// sendDurable sends a message when all that was written so far is durable.
func (r *Replica) sendDurable(to ids.Node, m wire.Message) {
	r.box.PostAfter(r.box.LastWrite(), core.Envelope{To: to, Message: m})
}

// session numbers questions to peers.
func (r *Replica) session() uint64 {
	r.sessions++
	return r.sessions
}

// advance notes that something has come nearer to its place.
func (r *Replica) advance() { r.progress++ }

// gained notes that a node which had not been exchanged with in this view has answered.
// Gossip with the others goes on for ever, and brings no PUT nearer to its end.
func (r *Replica) gained(from *peer) {
	if !from.exchanged {
		r.advance()
	}
}

// moved notes that slots which are not ready have come nearer to it, by data of a node
// that had not been exchanged with in this view.
func (r *Replica) moved() {
	r.progress++
	r.movedAt = r.now
}

// Progress grows whenever slots get nearer to ready.
func (r *Replica) Progress() uint64 { return r.progress }

// Synced reports whether a PUT /view may be answered: this node has brought in, and
// handed over, all that it can with the nodes that it reaches.
func (r *Replica) Synced() bool { return r.view == nil || r.synced }

// Holding reports that slots are held here, which may have data.
func (r *Replica) Holding() bool { return r.slots.Held() > 0 }

// Written reports that this boot of the node has ever held an item.
func (r *Replica) Written() bool { return r.slots.Stored() }

// Hello adds to a hello what concerns causal buckets.
func (r *Replica) Hello(h *wire.Hello) {
	h.Stream, h.Ready, h.CausalProgress = r.streams.Own.Sent(), r.member && r.slots.Unready() == 0, r.progress
	r.helloApplied(h)
}

// closed reports that clients get 503: no view, not in it, or left behind.
func (r *Replica) closed() bool { return r.view == nil || !r.member || r.views.LeftBehind() }

// viewID is the id of the view; zero: there is none.
func (r *Replica) viewID() ids.View {
	if r.view == nil {
		return ids.View{}
	}
	return r.view.ID
}

// births tell of which cluster this node is; nil: of none yet.
func (r *Replica) births() []ids.View {
	if r.view == nil {
		return nil
	}
	return r.view.Births
}

// owns reports whether this node owns a slot.
func (r *Replica) owns(s hashing.Slot) bool {
	if !r.member {
		return false
	}
	owner, ok := r.ring.Owner(s)
	return ok && owner == r.shard
}

// ownedBy reports whether a member owns a slot.
func (r *Replica) ownedBy(id ids.Node, s hashing.Slot) bool {
	owner, ok := r.ring.Owner(s)
	shard, has := r.catalog.Get(r.view.ID).ShardOf(id)
	return ok && has && owner == shard
}

// Status adds to a status what concerns causal buckets.
func (r *Replica) Status(s *core.NodeStatus) {
	s.Causal = !r.closed()
	s.CausalReady = s.Causal && r.slots.Unready() == 0
	s.Owned, s.Other = r.slots.Owned(), r.slots.Held()-r.slots.Owned()
}
