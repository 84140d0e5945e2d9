// Package causal replicates causal buckets (docs/causal.md). Any owner of a key takes a
// write at any time. The replicas exchange items and merge them by version. A read never
// shows less than its client has seen (I14); loss is the exception (docs/causal.md §10).
//
// A Replica is one node's part of the protocol, as a pure core: no goroutine, clock, lock,
// network or chance. Its output goes to the core.Outbox of its machine. The caller keeps
// these rules:
//
//   - One goroutine at a time calls a Replica, within one Step of package machine.
//   - Each step begins with SetNow. Tick is called in each step, and a step is due when the
//     time of Next has come.
//   - OnDurable is called when writes have become durable, in the order in which they were
//     persisted.
//   - Each message of a peer goes through Refuses first. A refused message goes no further.
//   - An input that names a key comes with the stored item of the key.
//
// No message of a peer and no request of a client may panic a Replica. A broken invariant
// of its own must.
//
// Each part of the protocol is a package that owns its state. A package imports only packages
// that come before it in this list:
//
//	version, footprint     pure functions      step           what a step wants done
//	catalog, membership    views               slots          K of each slot
//	peers                  who is asked        loss           boots, inquiries
//	gc, items, results     items and writes    satisfied      contexts and slots
//	antientropy, handoff   one peer            plausible      what is refused
//	broadcast              streams             surveys        cuts and tombstones
//	waiting, requests      reads and writes    viewinfo       questions for views
//	ready                  slots that serve    exchanges      exchanges with all peers
//	forgetting             operators' orders   syncing        when everything is here
//
// A Replica wires them. What one part tells another one that it does not import goes through host.
package causal

import (
	"iter"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/broadcast"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/exchanges"
	"github.com/cohortkv/cohort/node/causal/forgetting"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/ready"
	"github.com/cohortkv/cohort/node/causal/requests"
	"github.com/cohortkv/cohort/node/causal/results"
	"github.com/cohortkv/cohort/node/causal/satisfied"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/causal/surveys"
	"github.com/cohortkv/cohort/node/causal/syncing"
	"github.com/cohortkv/cohort/node/causal/viewinfo"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Views is what a Replica needs of package view, which decides which view the node holds
// (docs/views.md).
type Views interface {
	// LeftBehind reports that a member of this view went on to a view without this node.
	LeftBehind() bool
	// Silence is how long a member may say nothing before it counts as silent.
	Silence(ids.Node) wire.Instant
	// Reach is called when the answer of Former has changed, so that the node dials the
	// nodes in that list, and no others outside its view.
	Reach()
}

// Limits bounds what a Replica holds and sends. A zero value means the default, which
// withDefaults sets. Tests use small limits to reach the bounds.
type Limits struct {
	Space       hashing.Space // bits of a slot number: 2^Space slots; the same on all nodes
	Exact       int           // exact entries in a client's context (docs/causal.md §2, rule 4)
	Deps        int           // exact entries in the dependencies of a stored item
	BatchOps    int           // items in one Batch
	BatchBytes  int           // bytes of items in one Batch; one item always fits
	WindowBytes int           // memory of own writes that are kept to be sent again (docs/causal.md §4, rule 10)
	ChunkBytes  int           // bytes of one read of slots from the store, and so of one Items message
	AsideBytes  int           // memory of items kept aside; beyond it batches are dropped (docs/causal.md §4, rule 13)
	Vector      int           // positions in a context's vector; beyond it a stable-cut reference replaces what it covers
	Results     int           // results of forwarded writes that are kept (docs/forwarding.md §4)
	Forwarders  int           // forwarders, each a node in one boot, whose results are kept
	Writes      uint64        // most writes that all nodes together can have made by instant zero (docs/causal.md §2.1)
}

// withDefaults are the limits with each zero value replaced by its default. The bytes of batches,
// pieces and windows are those of docs/causal.md §4 and docs/causal.md §6.3.
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

// requests are the limits of requests.
func (l Limits) requests() requests.Limits {
	return requests.Limits{Exact: l.Exact, Deps: l.Deps, Vector: l.Vector}
}

// Config names a Replica. Self and Boot are part of each dot, so no two processes may ever
// have the same pair (I16).
type Config struct {
	Self   ids.Node
	Boot   ids.Boot
	Limits Limits
}

// Replica is one node's part in causal replication. The view decides which slots the node
// owns, and for how long a request waits. K of the slots decides what a read may show
// (I14, I15), and so views may change at any time without showing a client less.
//
// Everything that a step changes is collected in a step.Step and persisted as one write.
type Replica struct {
	cfg  Config
	step *step.Step

	catalog   *catalog.Catalog
	view      *membership.View
	slots     *slots.Table
	peers     *peers.List
	boots     *loss.Boots
	collector *gc.Collector
	results   *results.Results
	items     *items.Items
	satisfied *satisfied.Checker
	handoffs  *handoff.Handoffs
	guard     *plausible.Guard
	streams   *broadcast.Streams // of this view: the own stream, and tracks of the other replicas of the shard
	broadcast *broadcast.Broadcast
	surveys   *surveys.Surveys
	requests  *requests.Requests
	info      *viewinfo.Asker
	ready     *ready.Readiness
	exchanges *exchanges.Exchanges
	responder *exchanges.Responder
	orders    *forgetting.Orders
	sync      *syncing.Sync
}

// New returns a Replica that holds nothing and has no view. box must outlive the Replica.
func New(cfg Config, box *core.Outbox, views Views) *Replica {
	cfg.Limits = cfg.Limits.withDefaults()
	r := &Replica{cfg: cfg, step: step.New(wire.NodeBoot{Node: cfg.Self, Boot: cfg.Boot}, box)}
	r.makeState(views)
	r.makeRequests()
	r.makeExchanges()
	return r
}

// makeState makes the parts that know what this node has and with whom it is.
func (r *Replica) makeState(views Views) {
	l := &r.cfg.Limits
	known := catalog.New(l.Space)
	streams := broadcast.New(broadcast.Limits{BatchOps: l.BatchOps, BatchBytes: l.BatchBytes, WindowBytes: l.WindowBytes})
	table := slots.New(l.Space, &streams, func(s wire.Stream) bool { return r.boots.StreamEnded(s) })
	r.catalog, r.streams, r.slots, r.collector = &known, &streams, &table, &gc.Collector{}
	r.step.Holdings = r.slots.TakeUnwritten
	r.boots = loss.New(r.step, r.slots)
	r.view = membership.New(r.cfg.Self, r.catalog, func() bool { return views.LeftBehind() })
	r.peers = peers.New(r.step, r.view, views, r.boots.Forgotten)
	r.guard = plausible.NewGuard(plausible.New(l.Writes, r.step.Self, &r.streams.Own, r.slots.Len()), r.step)
	r.satisfied = satisfied.New(r.slots, r.catalog, r.boots, r.view)
	r.results = results.New(r.step, r.boots.Ended, l.Results, l.Forwarders)
	r.items = items.New(r.step, r.slots, r.collector, r.results, func(key string) { r.exchanges.Dropped(key) }, l.ChunkBytes)
}

// makeRequests makes the parts that serve clients.
func (r *Replica) makeRequests() {
	r.requests = requests.New(r.cfg.Limits.requests(), requests.Parts{
		Step: r.step, View: r.view, Peers: r.peers, Catalog: r.catalog, Slots: r.slots, Items: r.items, Streams: r.streams,
		Satisfied: r.satisfied, Results: r.results, Guard: r.guard,
		OwnDurable: func(view ids.View, n uint64) { r.broadcast.OwnDurable(view, n) }, AskMissing: func() { r.info.AskMissing() },
	})
	r.info = viewinfo.New(r.step, r.view, r.catalog, r.boots, r.peers, r.requests)
	r.broadcast = broadcast.Of(r.streams, r.cfg.Limits.AsideBytes, broadcast.Parts{
		Step: r.step, View: r.view, Peers: r.peers, Slots: r.slots, Items: r.items, Guard: r.guard, Waker: r.requests, Exchanges: host{r},
	})
}

// makeExchanges makes the parts that bring the nodes to hold the same.
func (r *Replica) makeExchanges() {
	r.surveys = surveys.New(surveys.Parts{
		Step: r.step, View: r.view, Peers: r.peers, Catalog: r.catalog, Slots: r.slots, Items: r.items,
		Collector: r.collector, Satisfied: r.satisfied, Host: host{r},
	})
	r.handoffs = handoff.New(r.step, r.view, r.peers, r.slots, r.items, host{r})
	r.ready = ready.New(ready.Parts{
		Step: r.step, View: r.view, Slots: r.slots, Items: r.items, Boots: r.boots, Collector: r.collector, Waker: r.requests, Host: host{r},
	})
	r.exchanges = exchanges.New(exchanges.Parts{
		Step: r.step, View: r.view, Peers: r.peers, Slots: r.slots, Items: r.items, Boots: r.boots, Guard: r.guard,
		Handoffs: r.handoffs, Ready: r.ready, Waker: r.requests, Host: host{r},
	})
	r.responder = r.exchanges.Responder(r.collector, host{r})
	r.orders = forgetting.New(r.step, r.view, r.peers, r.catalog, r.boots, r.requests.LostOf, host{r})
	r.sync = syncing.New(syncing.Parts{
		Step: r.step, View: r.view, Peers: r.peers, Slots: r.slots, Boots: r.boots, Handoffs: r.handoffs, Exchanges: r.exchanges,
		Ready: r.ready, Orders: r.orders, Requests: r.requests,
	})
}

// SetNow sets the time of a step. The time never goes back.
func (r *Replica) SetNow(now wire.Instant) {
	r.step.SetNow(now)
	r.items.BeginStep()
}

// Next is when a step is due even if no input arrives.
func (r *Replica) Next() wire.Instant { return r.step.Next() }

// OnDurable takes in that the writes up to seq are durable.
func (r *Replica) OnDurable(seq uint64) { r.step.OnDurable(seq) }

// Progress grows whenever slots get nearer to ready, or data nearer to its owners.
func (r *Replica) Progress() uint64 { return r.ready.Progress() }

// Synced reports whether a PUT /view may be answered, as far as causal buckets go: the node
// has no view, or is synced (docs/causal.md §7.6).
func (r *Replica) Synced() bool { return r.view.None() || r.sync.Synced() }

// Holding reports that this node holds slots, owned ones or others, with or without items.
func (r *Replica) Holding() bool { return r.slots.Held() > 0 }

// Written reports that this boot of the node has ever held an item.
func (r *Replica) Written() bool { return r.slots.Stored() }

// Hello fills in the part of a hello that concerns causal buckets: how far the own stream
// was sent, readiness, progress, and the lowest open counter.
func (r *Replica) Hello(h *wire.Hello) {
	h.Stream, h.Ready, h.CausalProgress = r.streams.Own.Sent(), r.view.Member() && r.slots.Unready() == 0, r.ready.Progress()
	r.requests.Hello(h)
}

// Status fills in the part of a status that concerns causal buckets.
func (r *Replica) Status(s *core.NodeStatus) {
	s.Causal = !r.view.Closed()
	s.CausalReady = s.Causal && r.slots.Unready() == 0
	s.Owned, s.Other = r.slots.Owned(), r.slots.Held()-r.slots.Owned()
}

// Former lists the nodes outside the view that this node must reach (peers.List.Dialled).
func (r *Replica) Former() []wire.Member { return r.peers.Dialled() }

// OnKeyRead takes in the answer to a read of a key.
func (r *Replica) OnKeyRead(in *core.KeyRead) { r.items.OnKeyRead(in) }

// OnSlotsRead takes in the answer to a read of slots.
func (r *Replica) OnSlotsRead(in *core.SlotsRead) { r.items.OnSlotsRead(in) }

// Submit takes a write of a client of this node.
func (r *Replica) Submit(in *core.CausalSubmit) { r.requests.Submit(in) }

// SubmitRead takes a read of a key by a client of this node.
func (r *Replica) SubmitRead(in *core.CausalRead) { r.requests.SubmitRead(in) }

// SubmitList takes a list by a client of this node.
func (r *Replica) SubmitList(in *core.CausalList) { r.requests.SubmitList(in) }

// Abandon ends the request of a client that has left, or an operator's order to forget a node.
func (r *Replica) Abandon(token ids.Token) {
	if !r.requests.Abandon(token) {
		r.orders.Abandon(token)
	}
}

// OnRequestFailed takes in that the bus had no listener for a request of this node; false: the
// request was no forward of a causal bucket.
func (r *Replica) OnRequestFailed(request uint64) bool {
	return r.requests.Outgoing.OnRequestFailed(request)
}

// Listed yields the items that answer a Read of kind ReadItems (requests.Listed).
func Listed(read *core.Read, items iter.Seq[*wire.Item]) iter.Seq[*wire.Item] {
	return requests.Listed(read, items)
}

// ListContext is the context of a client after a Read of kind ReadItems was answered
// (requests.ListContext). The limits must be those of the Replica.
func ListContext(limits Limits, read *core.Read, items iter.Seq[*wire.Item]) wire.Context {
	return requests.ListContext(limits.withDefaults().requests(), read, items)
}

// OnLeftBehind is called when a member of this view went on without this node. Clients get
// 503 from then on, and everything that is held here is offered to its owners.
func (r *Replica) OnLeftBehind() {
	if !r.view.Closed() {
		return
	}
	r.requests.Reroute()
	r.handoffs.Restart()
}

// Refresh exchanges with every peer once more, because an operator has put the same view again.
func (r *Replica) Refresh() { r.sync.Refresh() }

// Forget takes an operator's order to forget a node.
func (r *Replica) Forget(in *core.ForgetNode) { r.orders.Forget(in) }
