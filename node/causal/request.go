package causal

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// kind says what a request asks for.
type kind uint8

// The kinds of requests.
const (
	reading kind = iota + 1
	writing
	listing
)

// request is a request of a client of this node, or one that another node forwarded here
// (docs/causal.md §3, §8). Whatever node works on a request, the same rule ends it: a read is
// answered when its slot satisfies its context (I14), and a write gets its version at a ready
// owner (I13). Until then the request waits, is forwarded, or asks other nodes for its key.
type request struct {
	kind     kind
	token    ids.Token        // names a client of this node; meaningful if incoming is nil
	incoming *incomingForward // the forward that brought the request; nil: the client is this node's
	id       ids.Request      // request id of a forwarded request, here or elsewhere; zero: never forwarded
	op       wire.Op          // of a read only the key; of a list nothing
	hash     uint64           // of the key
	at       hashing.Slot     // of the key
	context  wire.Context     // the client's context; each node that takes the request judges it by package plausible
	asking   bool             // other nodes are being asked for the key (docs/causal.md §7.5, rule 6)
	asked    bool             // that question is closed
	vouched  bool             // a ready holder has answered that question: a write may go on
	found    bool             // and its answer had an item: a read may go on
	reading  bool             // a read of the key from the store is under way
	looked   bool             // the key's item was looked at, in this view and since the slot is ready, and was below the context
	existed  bool             // of an applied write: the key had a value before
	gone     bool             // answered, or its client has left: nothing is done for the request any more
}

// newRequest makes a request for one key. Its context need not be plausible yet.
func (r *Replica) newRequest(k kind, token ids.Token, op wire.Op, c wire.Context) *request {
	q := &request{kind: k, token: token, op: op, context: c, hash: hashing.Hash(op.Key)}
	q.at = r.slots.Space().Slot(q.hash)
	return q
}

// Submit takes a write of a client of this node.
func (r *Replica) Submit(in *core.CausalSubmit) {
	r.begin(r.newRequest(writing, in.Token, in.Op, in.Context), in.Stored)
}

// SubmitRead takes a read of a key by a client of this node.
func (r *Replica) SubmitRead(in *core.CausalRead) {
	r.begin(r.newRequest(reading, in.Token, wire.Op{Key: in.Key}, in.Context), in.Stored)
}

// SubmitList takes a list by a client of this node.
func (r *Replica) SubmitList(in *core.CausalList) {
	r.begin(&request{kind: listing, token: in.Token, context: in.Context}, nil)
}

// begin begins a request of a client of this node. A context that cannot be true is refused
// at once (docs/causal.md §2.1).
func (r *Replica) begin(q *request, stored *wire.Item) {
	r.clients[q.token] = q
	if !r.guard.Context(&q.context) {
		r.reply(q, core.Implausible, nil)
		return
	}
	r.start(q, stored)
}

// reply ends a request of a client of this node, unless the client has left.
func (r *Replica) reply(q *request, outcome core.Outcome, result *core.CausalResult) {
	if q.gone {
		return
	}
	r.finish(q)
	r.step.Reply(core.Reply{Token: q.token, Outcome: outcome, Causal: result})
}

// finish closes a request of a client of this node. No copy of a forwarded write is sent from
// now on, so its counter may count as finished (docs/forwarding.md §2, rule 5).
func (r *Replica) finish(q *request) {
	q.gone = true
	delete(r.clients, q.token)
	r.outgoing.open.Close(q.id.Counter)
}

// start refuses a request, forwards it to an owner, lets it wait, or carries it out. It is called
// again whenever the request is woken, and decides by the present state alone. The argument
// stored is the item that the store has for the key; nil: none, or not needed.
func (r *Replica) start(q *request, stored *wire.Item) {
	switch {
	case q.gone:
	case q.incoming != nil && r.outdated(q.incoming):
		r.dropForward(q.incoming) // this node was stopped for a while, and the forwarder may have asked another owner
	case r.view.Closed(), q.incoming != nil && !r.view.OfOurGroup(q.incoming.view):
		r.refuse(q)
	case q.kind == listing:
		r.tryList(q)
	case !r.view.Owns(q.at) && !(mutant.On(mutant.CausalWriteAfterLoss) && q.kind == writing && r.slots.At(q.at).Held()):
		r.elsewhere(q)
	case !r.slots.At(q.at).Ready() && !r.unreadyAllowed(q):
		r.whileUnready(q)
	case q.kind == writing:
		r.write(q, r.items.Current(q.op.Key, stored))
	default:
		r.tryRead(q, r.items.Current(q.op.Key, stored))
	}
}

// unreadyAllowed reports whether a request may go on although its slot is not ready. A ready
// holder has answered for the key: a read is served that item, and a write is above it.
func (r *Replica) unreadyAllowed(q *request) bool {
	switch {
	case mutant.On(mutant.CausalAnswerUnready) && q.kind == reading, mutant.On(mutant.CausalWriteUnready) && q.kind == writing:
		return true
	case q.kind == writing:
		return q.vouched
	}
	return q.found
}

// whileUnready asks other nodes for the key of a request, once. Then the request waits for
// the slot to be ready.
func (r *Replica) whileUnready(q *request) {
	if !q.asked && !q.asking {
		r.askKey(q)
		return
	}
	r.wait(q)
}

// refuse ends a request that this node may not serve: *elsewhere* to a forwarder, 503 to a
// client. A write that was sent to an owner is forwarded on instead.
func (r *Replica) refuse(q *request) {
	r.waiting.Remove(q)
	if q.incoming != nil {
		r.answerForward(q.incoming, &wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, r.step.LastWrite())
		return
	}
	if q.kind == writing && q.id != (ids.Request{}) {
		r.forward(q) // an owner may have applied the write, so 503 would be wrong (I12)
		return
	}
	r.reply(q, core.NotInView, nil)
}

// elsewhere forwards a request to an owner of its slot. A request that was forwarded here is
// refused instead, and its forwarder chooses again: no request is forwarded twice in a row.
func (r *Replica) elsewhere(q *request) {
	if q.incoming != nil {
		r.refuse(q)
		return
	}
	r.waiting.Remove(q)
	r.forward(q)
}

// compactor bounds contexts by this node's limits. The vector's covered positions become a
// reference to the newest common stable cut.
func (r *Replica) compactor() *version.Compactor { return r.catalog.Compactor(r.cfg.Limits.Vector) }

// answer ends a request with an item and a context, once the write seq is durable. No client
// is shown, or told of, a write that its node could still lose in a crash (docs/causal.md
// §11, rule 2).
func (r *Replica) answer(q *request, seq uint64, item *wire.Item, c wire.Context) {
	r.waiting.Remove(q)
	c = r.compactor().Bound(c, r.cfg.Limits.Exact, version.MaxContextBytes)
	if q.incoming != nil {
		m := &wire.CausalForwardReply{Fate: wire.ForwardDone, Existed: q.existed, Context: c}
		if item != nil {
			m.Present, m.Item = true, *item
			m.Item.Deps = wire.Context{}
			if q.kind == writing {
				m.Item.Value = nil
			}
		}
		r.answerForward(q.incoming, m, seq)
		return
	}
	r.step.After(seq, func() { r.reply(q, core.Done, &core.CausalResult{Item: item, Existed: q.existed, Context: c}) })
}

// write gives a write its version, stores the item and starts its broadcast (docs/causal.md
// §3.2). The client is answered when the write is durable and its flight is over: all awaited
// replicas have acknowledged it, or 30 ms have passed. A change of the view ends the flight.
func (r *Replica) write(q *request, old *wire.Item) {
	if q.id != (ids.Request{}) && r.settle(q) {
		return
	}
	r.waiting.Remove(q)
	item := &wire.Item{
		Key: q.op.Key, Deleted: q.op.Kind == wire.OpDelete, Value: q.op.Value, ContentType: q.op.ContentType,
		Deps: r.compactor().Bound(r.satisfied.Deps(&q.context, q.hash, old), r.cfg.Limits.Deps, version.MaxDepsBytes), ID: q.id,
	}
	item.Deps.Exact = slices.Clone(item.Deps.Exact) // the item stays, and must not hold the entries that were folded
	item.Deps = footprint.Tight(&item.Deps)
	item.Deps.Vector = r.items.Shared(item.Deps.Vector)
	if q.incoming != nil {
		item.Key, item.Value = strings.Clone(item.Key), bytes.Clone(item.Value) // nor the message that brought the write
	}
	item.Version.Counter = 1 + r.satisfied.CounterBelow(&q.context, q.op.Key, old)
	q.existed = old != nil && !old.Deleted
	own := &r.streams.Own
	own.Append(item)
	r.items.Put(q.hash, item, old)
	r.results.Remember(item, true, q.existed)
	n, view := own.Last(), r.view.ID()
	r.step.Change.Live = append(r.step.Change.Live, wire.Position{Stream: own.ID(), N: n})
	r.waiting.Note(item.Key)
	c := version.With(&q.context, q.hash, item.Version)
	seq := r.step.Commit()
	r.step.After(seq, func() {
		inFlight := r.view.ID() == view
		r.ownDurable(view, n)
		r.wakeKeys()
		if !inFlight || own.Over(n) {
			r.answer(q, seq, item, c)
			return
		}
		own.Wait(n, func() { r.answer(q, seq, item, c) })
	})
}

// tryRead answers a read of a ready slot, or of a key for which a ready holder has answered.
// The read waits while its context names a newer version of the key that is not satisfied,
// or while the folded part is not satisfied (I14; docs/causal.md §3.1).
func (r *Replica) tryRead(q *request, item *wire.Item) {
	s := r.slots.At(q.at)
	want := version.Named(&q.context, q.hash)
	behind := (item == nil || version.Wins(want, item.Version)) && r.satisfied.Behind(&q.context, q.hash)
	if (behind && !mutant.On(mutant.CausalReadWithoutWait)) || !r.satisfied.Folded(&q.context, q.at) {
		q.looked = behind
		r.wait(q)
		return
	}
	if item != nil && version.Wins(want, item.Version) && r.slots.Durable(s, want.Dot.Stream, want.Dot.N) {
		item = nil // the named version was deleted and collected; the writer of the stored one did not know of that
	}
	c := q.context
	if item != nil {
		c = version.Seen(&q.context, item, r.slots.IsLost)
	}
	r.answer(q, s.Written(), item, c)
}

// tryList answers a list, or lets it wait (docs/causal.md §3.3). The driver reads the items
// from the state as it is right after this step, so K as checked here is true of them.
func (r *Replica) tryList(q *request) {
	if r.slots.Unready() > 0 || !r.satisfied.Listable(&q.context) {
		r.wait(q)
		return
	}
	r.waiting.Remove(q)
	view := r.view.ID()
	r.step.After(r.step.LastWrite(), func() {
		if q.gone {
			return
		}
		if r.view.ID() != view {
			r.start(q, nil) // this node may own other slots by now
			return
		}
		q.gone = true
		delete(r.clients, q.token)
		n := r.compactor()
		r.step.Read(core.Read{
			Kind: core.ReadItems, Token: q.token, Ranges: slots.Hashes(r.slots.Space(), r.slots.OwnedRanges()), Context: q.context,
			StableCut: n.Cut, Subsumed: n.Subsumed, Known: r.satisfied.Known(&q.context),
		})
	})
}

// Listed yields the items that answer a Read of kind ReadItems. An item is left out if the
// client names a larger version of its key that K has. That version was deleted and
// collected, and a read of the key would answer 404, too (docs/causal.md §3.3, rule 3).
func Listed(read *core.Read, items iter.Seq[*wire.Item]) iter.Seq[*wire.Item] {
	if len(read.Known) == 0 {
		return items
	}
	return func(yield func(*wire.Item) bool) {
		for item := range items {
			i, named := slices.BinarySearchFunc(read.Known, hashing.Hash(item.Key), func(d wire.Dependency, hash uint64) int { return cmp.Compare(d.Hash, hash) })
			if (!named || !version.Wins(read.Known[i].Version, item.Version)) && !yield(item) {
				return
			}
		}
	}
}

// ListContext is the context of a client after a Read of kind ReadItems was answered. The items
// are those that Listed yields, tombstones too: the client has seen that their keys have no
// value. The limits must be those of the Replica.
func ListContext(limits Limits, read *core.Read, items iter.Seq[*wire.Item]) wire.Context {
	limits = limits.withDefaults()
	n := &version.Compactor{Limit: limits.Vector, Cut: read.StableCut, Subsumed: read.Subsumed}
	return n.Bound(version.SeenList(&read.Context, items), limits.Exact, version.MaxContextBytes)
}

// Abandon ends the request of a client that has left: a waiting one, a forwarded one, or an
// operator's order to forget a node.
func (r *Replica) Abandon(token ids.Token) {
	q := r.clients[token]
	if q == nil {
		r.abandonForget(token)
		return
	}
	r.finish(q)
	r.waiting.Remove(q)
	r.abandonForward(q)
}
