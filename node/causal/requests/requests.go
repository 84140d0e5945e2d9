// Package requests works on reads, writes and lists of clients (docs/causal.md §3, §8): those of
// this node's clients, and those that other nodes forwarded here. Whatever node works on a
// request, the same rule ends it: a read is answered when its slot satisfies its context (I14),
// and a write gets its version at a ready owner (I13).
//
//   - Requests has the requests, and carries them out where they can be.
//   - Outgoing forwards requests to owners of their slots.
//   - Incoming takes requests that other nodes forwarded.
//   - Questions asks other nodes for keys of slots that are not ready.
//
// The types are state machines without I/O. One goroutine at a time may use them.
package requests

import (
	"github.com/cohortkv/cohort/node/causal/broadcast"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/results"
	"github.com/cohortkv/cohort/node/causal/satisfied"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/causal/waiting"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Limits bound contexts.
type Limits struct {
	Exact  int // exact entries in a client's context (docs/causal.md §2, rule 4)
	Deps   int // exact entries in the dependencies of a stored item
	Vector int // positions in a context's vector; beyond it a stable-cut reference replaces what it covers
}

// Parts are the parts of a replica that requests are worked on with.
type Parts struct {
	Step      *step.Step
	View      *membership.View
	Peers     *peers.List
	Catalog   *catalog.Catalog
	Slots     *slots.Table
	Items     *items.Items
	Streams   *broadcast.Streams
	Satisfied *satisfied.Checker
	Results   *results.Results
	Guard     *plausible.Guard

	// OwnDurable is called when own writes up to a number of a view's stream are durable.
	OwnDurable func(view ids.View, n uint64)
	// AskMissing is called when a request begins to wait: something that it names may be unknown.
	AskMissing func()
}

// Requests has the requests that have not been answered. It is the only part of a replica that
// answers clients and gives versions to writes.
type Requests struct {
	Outgoing  Outgoing
	Incoming  Incoming
	Questions Questions

	limits     Limits
	step       *step.Step
	view       *membership.View
	catalog    *catalog.Catalog
	slots      *slots.Table
	items      *items.Items
	streams    *broadcast.Streams
	satisfied  *satisfied.Checker
	results    *results.Results
	guard      *plausible.Guard
	ownDurable func(view ids.View, n uint64)
	askMissing func()

	clients map[ids.Token]*request // requests of this node's clients that have not been answered
	waiting waiting.Table[*request]
}

// New returns a node's requests: none.
func New(l Limits, p Parts) *Requests {
	r := &Requests{
		limits: l, step: p.Step, view: p.View, catalog: p.Catalog, slots: p.Slots, items: p.Items, streams: p.Streams,
		satisfied: p.Satisfied, results: p.Results, guard: p.Guard, ownDurable: p.OwnDurable, askMissing: p.AskMissing,
		clients: map[ids.Token]*request{},
	}
	r.Outgoing = Outgoing{step: p.Step, view: p.View, peers: p.Peers, guard: p.Guard, server: r}
	r.Incoming = Incoming{step: p.Step, space: p.Slots.Space(), results: p.Results, guard: p.Guard, worker: r, open: map[ids.Request]*incomingForward{}}
	r.Questions = Questions{step: p.Step, view: p.View, peers: p.Peers, slots: p.Slots, items: p.Items, guard: p.Guard, asker: r}
	return r
}

// Submit takes a write of a client of this node.
func (r *Requests) Submit(in *core.CausalSubmit) {
	r.begin(newRequest(r.slots.Space(), writing, in.Token, in.Op, in.Context), in.Stored)
}

// SubmitRead takes a read of a key by a client of this node.
func (r *Requests) SubmitRead(in *core.CausalRead) {
	r.begin(newRequest(r.slots.Space(), reading, in.Token, wire.Op{Key: in.Key}, in.Context), in.Stored)
}

// SubmitList takes a list by a client of this node.
func (r *Requests) SubmitList(in *core.CausalList) {
	r.begin(&request{kind: listing, token: in.Token, context: in.Context}, nil)
}

// begin begins a request of a client of this node. A context that cannot be true is refused
// at once (docs/causal.md §2.1).
func (r *Requests) begin(q *request, stored *wire.Item) {
	r.clients[q.token] = q
	if !r.guard.Context(&q.context) {
		r.reply(q, core.Implausible, nil)
		return
	}
	r.start(q, stored)
}

// answer ends a request with an item and a context, once the write seq is durable. No client
// is shown, or told of, a write that its node could still lose in a crash (docs/causal.md
// §11, rule 2).
func (r *Requests) answer(q *request, seq uint64, item *wire.Item, c wire.Context) {
	r.waiting.Remove(q)
	c = r.compactor().Bound(c, r.limits.Exact, version.MaxContextBytes)
	if q.incoming != nil {
		m := &wire.CausalForwardReply{Fate: wire.ForwardDone, Existed: q.existed, Context: c}
		if item != nil {
			m.Present, m.Item = true, *item
			m.Item.Deps = wire.Context{}
			if q.kind == writing {
				m.Item.Value = nil
			}
		}
		r.Incoming.answer(q.incoming, m, seq)
		return
	}
	r.step.After(seq, func() { r.reply(q, core.Done, &core.CausalResult{Item: item, Existed: q.existed, Context: c}) })
}

// compactor bounds contexts by this node's limits. The vector's covered positions become a
// reference to the newest common stable cut.
func (r *Requests) compactor() *version.Compactor { return r.catalog.Compactor(r.limits.Vector) }

// reply ends a request of a client of this node, unless the client has left.
func (r *Requests) reply(q *request, outcome core.Outcome, result *core.CausalResult) {
	if q.gone {
		return
	}
	r.finish(q)
	r.step.Reply(core.Reply{Token: q.token, Outcome: outcome, Causal: result})
}

// finish closes a request of a client of this node. No copy of a forwarded write is sent from
// now on, so its counter may count as finished (docs/forwarding.md §2, rule 5).
func (r *Requests) finish(q *request) {
	q.gone = true
	delete(r.clients, q.token)
	r.Outgoing.open.Close(q.id.Counter)
}

// Abandon ends the request of a client that has left, a waiting or a forwarded one; false: the
// token is not a client's.
func (r *Requests) Abandon(token ids.Token) bool {
	q := r.clients[token]
	if q == nil {
		return false
	}
	r.finish(q)
	r.waiting.Remove(q)
	r.Outgoing.abandon(q)
	return true
}

// Tick does what is due.
func (r *Requests) Tick() {
	r.Questions.tick()
	r.Outgoing.tick()
	r.Incoming.tick()
}

// Hello says the lowest open counter in a hello. It takes the counter in for this node's own
// results, too.
func (r *Requests) Hello(h *wire.Hello) {
	h.LowestOpen = r.Outgoing.LowestOpen()
	r.results.Prune(h.LowestOpen)
}

// LostOf counts the versions of a node that waiting requests name and that are not here, with
// their slots. More versions may be lost, but no node has any record of them.
func (r *Requests) LostOf(id ids.Node) *core.ForgetResult {
	res := &core.ForgetResult{Fate: core.ForgetDone}
	versions, in := map[wire.Dot]bool{}, map[uint32]bool{}
	for _, q := range r.waiting.All() {
		for i := range q.context.Exact {
			d := &q.context.Exact[i]
			at := r.slots.Space().Slot(d.Hash)
			if s := r.slots.At(at); d.Version.Dot.Stream.Node == id && s.Owned() && !r.slots.Satisfied(s, d.Version.Dot.Stream, d.Version.Dot.N) {
				versions[d.Version.Dot], in[uint32(at)] = true, true
			}
		}
	}
	res.Versions, res.Slots, res.Requests = len(versions), len(in), r.waiting.Len()
	return res
}
