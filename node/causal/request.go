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

// kind of a request.
type kind uint8

const (
	reading kind = iota + 1
	writing
	listing
)

// request is what a client asks, of this node or of the node that forwarded it here.
type request struct {
	kind     kind
	token    ids.Token        // of a client of this node
	incoming *incomingForward // of another node's client
	id       ids.Request      // under which it was forwarded, here or elsewhere; zero: it was not
	op       wire.Op          // its key; of a write, the whole
	hash     uint64
	at       hashing.Slot
	context  wire.Context
	asking   bool // other nodes are being asked for the key
	asked    bool // that was done
	vouched  bool // a ready holder has answered
	found    bool // with an item
	reading  bool // what the key holds is being read
	looked   bool // what the key holds was looked at, in this view and since the slot is ready
	existed  bool // of a write that was applied: its key had a value
	gone     bool
}

func (r *Replica) newRequest(k kind, token ids.Token, op wire.Op, c wire.Context) *request {
	q := &request{kind: k, token: token, op: op, context: c, hash: hashing.Hash(op.Key)}
	q.at = r.slots.Space().Slot(q.hash)
	return q
}

// Submit takes a client's write.
func (r *Replica) Submit(in *core.CausalSubmit) {
	r.begin(r.newRequest(writing, in.Token, in.Op, in.Context), in.Stored)
}

// SubmitRead takes a client's read of a key.
func (r *Replica) SubmitRead(in *core.CausalRead) {
	r.begin(r.newRequest(reading, in.Token, wire.Op{Key: in.Key}, in.Context), in.Stored)
}

// SubmitList takes a client's listing.
func (r *Replica) SubmitList(in *core.CausalList) {
	r.begin(&request{kind: listing, token: in.Token, context: in.Context}, nil)
}

// begin starts a request of a client of this node.
func (r *Replica) begin(q *request, stored *wire.Item) {
	r.clients[q.token] = q
	if !r.judge.Context(&q.context, r.now) {
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
	r.box.Reply(core.Reply{Token: q.token, Outcome: outcome, Causal: result})
}

// finish ends a request of a client of this node: no copy of it is sent from now on.
func (r *Replica) finish(q *request) {
	q.gone = true
	delete(r.clients, q.token)
	r.outgoing.open.Close(q.id.Counter)
}

// start sends a request on its way: to an owner of its slot, or into it.
func (r *Replica) start(q *request, stored *wire.Item) {
	switch {
	case q.gone:
	case q.incoming != nil && r.outdated(q.incoming):
		r.dropForward(q.incoming) // this node was paused: the forwarder has asked another owner since
	case r.closed(), q.incoming != nil && !r.ofOurGroup(q.incoming):
		r.refuse(q)
	case q.kind == listing:
		r.tryList(q)
	case !r.owns(q.at) && !(mutant.On(mutant.CausalWriteAfterLoss) && q.kind == writing && r.slots.At(q.at).Held()):
		r.elsewhere(q)
	case !r.slots.At(q.at).Ready() && !r.unreadyAllowed(q):
		r.whileUnready(q)
	case q.kind == writing:
		r.write(q, r.overlay.current(q.op.Key, stored))
	default:
		r.tryRead(q, r.overlay.current(q.op.Key, stored))
	}
}

// unreadyAllowed reports whether a request may be worked on though its slot is not
// ready: a read with what a ready holder has, a write above it.
func (r *Replica) unreadyAllowed(q *request) bool {
	switch {
	case mutant.On(mutant.CausalAnswerUnready) && q.kind == reading, mutant.On(mutant.CausalWriteUnready) && q.kind == writing:
		return true
	case q.kind == writing:
		return q.vouched
	}
	return q.found
}

// whileUnready asks others for the key, once; then the request waits.
func (r *Replica) whileUnready(q *request) {
	if !q.asked && !q.asking {
		r.askKey(q)
		return
	}
	r.wait(q)
}

// refuse answers that this node takes no requests.
func (r *Replica) refuse(q *request) {
	r.waiting.Remove(q)
	if q.incoming != nil {
		r.answerForward(q.incoming, &wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, r.box.LastWrite())
		return
	}
	if q.kind == writing && q.id != (ids.Request{}) {
		r.forward(q) // it was sent to an owner, which may have applied it (I12)
		return
	}
	r.reply(q, core.NotInView, nil)
}

// elsewhere forwards a request to an owner of its slot, or refuses one that was
// forwarded here.
func (r *Replica) elsewhere(q *request) {
	if q.incoming != nil {
		r.refuse(q)
		return
	}
	r.waiting.Remove(q)
	r.forward(q)
}

// compactor bounds contexts by the limits of this node and the stable cut that may be
// referred to.
func (r *Replica) compactor() *version.Compactor { return r.catalog.Compactor(r.cfg.Limits.Vector) }

// answer ends a request once the write seq is durable: nobody is shown, or told of,
// what is not.
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
	r.after(seq, func() { r.reply(q, core.Done, &core.CausalResult{Item: item, Existed: q.existed, Context: c}) })
}

// write gives a write its version and makes it durable (docs/causal.md §3).
func (r *Replica) write(q *request, old *wire.Item) {
	if q.id != (ids.Request{}) && r.settle(q) {
		return
	}
	r.waiting.Remove(q)
	s := r.slots.At(q.at)
	item := &wire.Item{
		Key: q.op.Key, Deleted: q.op.Kind == wire.OpDelete, Value: q.op.Value, ContentType: q.op.ContentType,
		Deps: r.compactor().Bound(r.deps(q, s, old), r.cfg.Limits.Deps, version.MaxDepsBytes), ID: q.id,
	}
	item.Deps.Exact = slices.Clone(item.Deps.Exact) // it stays, and what was folded need not
	item.Deps = footprint.Tight(&item.Deps)
	item.Deps.Vector = r.vectors.Shared(item.Deps.Vector)
	if q.incoming != nil {
		item.Key, item.Value = strings.Clone(item.Key), bytes.Clone(item.Value) // the message need not, either
	}
	item.Version.Counter = 1 + r.counterBelow(q, s, old)
	q.existed = old != nil && !old.Deleted
	own := &r.streams.Own
	own.Append(item)
	r.put(q.hash, item, old)
	r.rememberApplied(item, true, q.existed)
	n, view := own.Last(), r.view.ID
	r.change.Live = append(r.change.Live, wire.Position{Stream: own.ID(), N: n})
	r.waiting.Note(item.Key)
	c := version.With(&q.context, q.hash, item.Version)
	seq := r.commit()
	r.after(seq, func() {
		inFlight := r.viewID() == view
		r.ownDurable(view, n)
		r.wakeKeys()
		if !inFlight || own.Over(n) {
			r.answer(q, seq, item, c)
			return
		}
		own.Wait(n, func() { r.answer(q, seq, item, c) })
	})
}

// deps is what a write depends on: its context, but for the key itself. What it
// overwrites is not in it, unless K lacks that: it may come back from somebody that
// nobody here knows of, so a tombstone over it must stay (docs/causal.md §9).
func (r *Replica) deps(q *request, s *slots.Slot, old *wire.Item) wire.Context {
	c := version.Without(&q.context, q.hash)
	unknown := []wire.CausalVersion{version.Named(&q.context, q.hash)}
	if old != nil {
		unknown = append(unknown, version.Named(&old.Deps, q.hash))
	}
	for _, v := range unknown {
		switch last := version.Named(&c, q.hash); {
		case v.IsZero() || v == last || r.slots.Durable(s, v.Dot.Stream, v.Dot.N):
		case last.IsZero() || v.Compare(last) > 0:
			c = version.With(&c, q.hash, v)
			c.Vector = version.Extend(c.Vector, last.Dot.Stream, last.Dot.N)
		default:
			c.Vector = version.Extend(c.Vector, v.Dot.Stream, v.Dot.N)
		}
	}
	return c
}

// counterBelow is the largest counter that a write must be above (I13).
func (r *Replica) counterBelow(q *request, s *slots.Slot, old *wire.Item) uint64 {
	n := version.Named(&q.context, q.hash).Counter
	if old != nil {
		n = max(n, old.Version.Counter)
	}
	if !s.Ready() {
		n = max(n, s.Apart(q.op.Key))
	}
	if !mutant.On(mutant.CausalNoGCCounter) {
		n = max(n, s.GCCounter())
	}
	if mutant.On(mutant.CausalCounterByDependency) {
		for _, d := range q.context.Exact {
			n = max(n, d.Version.Counter)
		}
	}
	// What is lost may be somewhere after all, or less than it: only what is known
	// here spares the ceil.
	if q.context.Ceil > n && !r.hasFolded(&q.context, q.at, r.slots.Durable) {
		n = q.context.Ceil
	}
	return n
}

// tryRead answers a read, or lets it wait for what its context says that it must see
// (I14).
func (r *Replica) tryRead(q *request, item *wire.Item) {
	s := r.slots.At(q.at)
	want := version.Named(&q.context, q.hash)
	behind := !want.IsZero() && (item == nil || version.Wins(want, item.Version)) && !r.slots.Satisfied(s, want.Dot.Stream, want.Dot.N)
	if behind {
		r.suspect(want.Dot.Stream)
	}
	if (behind && !mutant.On(mutant.CausalReadWithoutWait)) || !r.foldedSatisfied(&q.context, q.at) {
		q.looked = behind
		r.wait(q)
		return
	}
	if item != nil && version.Wins(want, item.Version) && r.slots.Durable(s, want.Dot.Stream, want.Dot.N) {
		item = nil // what the client has seen was deleted, and this was written where nobody knew of it
	}
	c := q.context
	if item != nil {
		c = version.Seen(&q.context, item, r.slots.IsLost)
	}
	r.answer(q, s.Written(), item, c)
}

// tryList answers a listing, or lets it wait.
func (r *Replica) tryList(q *request) {
	if r.slots.Unready() > 0 || !r.listable(&q.context) {
		r.wait(q)
		return
	}
	r.waiting.Remove(q)
	view := r.viewID()
	r.after(r.box.LastWrite(), func() {
		if q.gone {
			return
		}
		if r.viewID() != view {
			r.start(q, nil) // other slots are owned by now
			return
		}
		q.gone = true
		delete(r.clients, q.token)
		n := r.compactor()
		r.box.Read(core.Read{
			Kind: core.ReadItems, Token: q.token, Ranges: slots.Hashes(r.slots.Space(), r.slots.OwnedRanges()), Context: q.context,
			StableCut: n.Cut, Subsumed: n.Subsumed, Known: r.knownOf(&q.context),
		})
	})
}

// listable reports that all owned slots have what a context says of their keys. What
// an exact entry names is there, or won over, when its dot is covered: a listing
// looks at no item.
func (r *Replica) listable(c *wire.Context) bool {
	if mutant.On(mutant.CausalReadWithoutWait) {
		return true
	}
	for i := range c.Exact {
		d := &c.Exact[i]
		at := r.slots.Space().Slot(d.Hash)
		if s := r.slots.At(at); s.Owned() && !r.slots.Satisfied(s, d.Version.Dot.Stream, d.Version.Dot.N) {
			r.suspect(d.Version.Dot.Stream)
			return false
		}
	}
	if len(c.Vector) == 0 && len(c.CutRefs) == 0 {
		return true
	}
	for i := range r.slots.Len() {
		if r.slots.At(hashing.Slot(i)).Owned() && !r.foldedSatisfied(c, hashing.Slot(i)) {
			return false
		}
	}
	return true
}

// knownOf is what a context names of owned slots and K has, by hash.
func (r *Replica) knownOf(c *wire.Context) []wire.Dependency {
	var known []wire.Dependency
	for _, d := range c.Exact {
		if s := r.slots.Of(d.Hash); s.Owned() && r.slots.Durable(s, d.Version.Dot.Stream, d.Version.Dot.N) {
			known = append(known, d)
		}
	}
	slices.SortFunc(known, func(a, b wire.Dependency) int { return cmp.Compare(a.Hash, b.Hash) })
	return known
}

// Listed yields those of the items that are the answer to a Read of kind ReadItems. If
// its client has seen more of a key, and K has that, it was deleted, and the item was
// written where nobody knew of it: reads of the key do not show it either.
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

// ListContext is what a client has seen that was answered a Read of kind ReadItems with
// these items. limits must be those of the replica.
func ListContext(limits Limits, read *core.Read, items iter.Seq[*wire.Item]) wire.Context {
	limits = limits.withDefaults()
	n := &version.Compactor{Limit: limits.Vector, Cut: read.StableCut, Subsumed: read.Subsumed}
	return n.Bound(version.SeenList(&read.Context, items), limits.Exact, version.MaxContextBytes)
}

// Abandon forgets the request of a client that has left, wherever it is.
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
