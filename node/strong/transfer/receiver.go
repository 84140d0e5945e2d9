// Package transfer moves the base of a round from the node that holds it to a node that lacks
// it (docs/strong.md §7.3).
//
// A Receiver brings one base here. It asks for one piece at a time. So nothing piles up at a
// slow node, and a repeated request does no harm. The pieces are put aside: the base becomes a
// staged base as a whole, or not at all (I10). A Server gives pieces to other nodes.
//
// Both write and send through the outbox of their machine. Neither knows of promises. The
// caller passes on a message only if it is of the ballot that its node has promised. The
// caller drops the transfer when its node promises another ballot. So what a Server serves
// does not change while a Receiver fetches it (I22).
package transfer

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

// Limits bounds pieces, and what is kept of a history.
type Limits struct {
	ChunkBytes int // bytes of one piece; one record or entry always fits
	Past       int // ballots that a history remembers
	Origins    int // forwarders whose request ids are remembered
}

// Receiver brings bases here, at most one at a time.
type Receiver struct {
	self    ids.Node
	limits  Limits
	box     *core.Outbox
	history *history.History
	base    *incoming // the base on its way; nil: none
}

// NewReceiver returns a receiver for the history of a node.
func NewReceiver(self ids.Node, limits Limits, box *core.Outbox, h *history.History) *Receiver {
	return &Receiver{self: self, limits: limits, box: box, history: h}
}

// incoming is a base on its way here. It comes in one of three ways.
//
//  1. The node holds the source, or a part of it. Then only the missing entries come, and the
//     base stands on the current state or on a staged base.
//  2. The whole base comes: ledger, records, tail, in this order. It is built in an area of its
//     own.
//  3. The primary merges several sides, each from its holder, in an area of its own.
//
// The provider has promised the ballot, so its state does not change meanwhile (I22). That is
// why the pieces fit together, and why each may be asked for again.
type incoming struct {
	start    *wire.Start     // describes the base
	provider ids.Node        // the node that is asked; not used in a merge
	boot     ids.Boot        // boot of the provider, as in the first piece; zero: none has come
	fresh    bool            // the base's state is in an area of its own; otherwise the base is entries on the current state
	building bool            // an area was begun, so Drop must have it dropped
	merge    *recovery.Merge // way 3; nil: ways 1 and 2
	ask      wire.Fetch      // the open request; Part is zero when everything has come
	own      []wire.Entry    // way 1: entries of the tail that this node holds
	tail     []wire.Entry    // entries that came; they follow own
	ledger   wire.Ledger     // if fresh: ledger of the state
	sum      uint64          // way 1: sum of the source's log after own and tail; it must become that of the base
	pace     pace            // when the open request is repeated
}

// Outcome says what a step of a transfer has led to.
type Outcome uint8

// The outcomes.
const (
	Ignored  Outcome = iota + 1 // the piece was not asked for
	Moved                       // the transfer goes on
	Whole                       // the base is complete, and staged in the history
	Unserved                    // a holder can no longer serve its side of a merge: the round must begin anew
)

// Begin brings the base of a ballot here from one provider. It fetches nothing if the node
// holds all of it, the missing entries if the node holds a part, and else everything. A base
// with another content than this node's log is fetched as a whole, too (docs/strong.md §12).
func (r *Receiver) Begin(now wire.Instant, s *wire.Start, provider ids.Node) Outcome {
	b := &incoming{start: s, provider: provider, pace: pace{movedAt: now}}
	r.base = b
	l, have := r.history.Source(s.Base.Source)
	have = have && l.Commit <= s.Base.Length && !s.Whole
	switch {
	case s.Base.Merged():
		return r.askWhole(now)
	case s.Base.Source.IsZero():
		b.fresh = true
		r.openArea()
		return r.whole()
	case have && l.Length >= s.Base.Length:
		b.keep(&l)
		b.sum = l.SumAt(s.Base.Length)
		return r.wholeIfSame(now)
	case have:
		b.keep(&l)
		b.sum = l.SumAt(l.Length)
		b.ask = wire.Fetch{Part: wire.FetchEntries, From: l.Length}
		r.sendAsk(now)
		return Moved
	}
	return r.askWhole(now)
}

// Merge begins to build a base from several sides (docs/strong.md §8).
func (r *Receiver) Merge(now wire.Instant, s *wire.Start, sides []recovery.Source) {
	m := recovery.NewMerge(s.Ballot, sides, r.limits.Past)
	r.base = &incoming{start: s, fresh: true, merge: m, pace: pace{movedAt: now}}
	r.openArea()
	r.askSides(now, true)
}

// Underway reports whether a base is on its way here.
func (r *Receiver) Underway() bool { return r.base != nil }

// Brings reports whether the base of a ballot is on its way here.
func (r *Receiver) Brings(b ids.Ballot) bool { return r.base != nil && r.base.start.Ballot == b }

// Stalled reports whether no piece has come for bound.
func (r *Receiver) Stalled(now, bound wire.Instant) bool {
	return r.base != nil && now-r.base.pace.movedAt >= bound
}

// Drop forgets the base that is on its way, with the area that was begun for it.
func (r *Receiver) Drop() {
	if r.base != nil && r.base.building {
		r.box.Persist(wire.Write{Kind: wire.WriteStageDrop, Ballot: r.base.start.Ballot})
	}
	r.base = nil
}

// Tick repeats the open requests when their answer is late.
func (r *Receiver) Tick(now wire.Instant) {
	switch b := r.base; {
	case b == nil || now < b.pace.resendAt:
	case b.merge != nil:
		r.askSides(now, true)
	default:
		r.sendAsk(now)
	}
}

// OnChunk takes a piece of the base, if it was asked for. If the provider has lost its place or
// another boot answers, everything is asked for anew.
func (r *Receiver) OnChunk(now wire.Instant, h wire.Header, c *wire.Chunk) Outcome {
	b := r.base
	switch {
	case b != nil && b.merge != nil:
		return r.takeSide(now, h, c)
	case b == nil || h.From != b.provider || !recovery.Answers(c, &b.ask):
		return Ignored
	}
	b.pace.moved(now)
	if b.boot == 0 {
		b.boot = h.Boot
	}
	if b.boot != h.Boot && b.fresh {
		return r.askWhole(now) // another boot of the provider: its state may be at another position
	}
	if c.Missing {
		if !b.fresh || b.ask.Part == wire.FetchEntries {
			return r.askWhole(now)
		}
		return Moved
	}
	b.take(c, r.writeRecords)
	switch {
	case b.ask.Part != 0:
		r.sendAsk(now)
		return Moved
	case c.Part == wire.FetchEntries:
		return r.wholeIfSame(now)
	}
	return r.whole()
}

// takeSide takes a piece of one side of a merge, and merges as far as all sides are known.
func (r *Receiver) takeSide(now wire.Instant, h wire.Header, c *wire.Chunk) Outcome {
	b := r.base
	switch b.merge.Take(h.From, h.Boot, c) {
	case recovery.NotAsked:
		return Ignored
	case recovery.Unserved:
		return Unserved
	}
	b.pace.moved(now)
	if !b.merge.Advance(r.limits.ChunkBytes, r.writeRecords) {
		r.askSides(now, false)
		return Moved
	}
	b.ledger = b.merge.Ledger(r.limits.Origins)
	count, sample := b.merge.Conflicts()
	e := core.Event{Kind: EventHistoriesMerged, Ballot: b.start.Ballot, Count: uint64(count)}
	if count > 0 {
		e.Note = fmt.Sprintf("keys that two sides had written: %d, among them %q", count, sample)
	}
	r.box.Event(e)
	return r.whole()
}

// keep builds the base on what this node holds of the source: its history, or a staged base.
func (b *incoming) keep(l *history.Source) {
	b.fresh = l.Area == core.AreaStaged
	if b.fresh {
		b.ledger = l.Ledger()
	}
	b.own = slices.Clone(recovery.UpTo(l.Tail, b.start.Base.Source, b.start.Base.Length))
}

// askWhole asks for the whole base from its beginning (way 2). What came so far is dropped.
func (r *Receiver) askWhole(now wire.Instant) Outcome {
	b := r.base
	b.fresh, b.own, b.tail, b.ledger, b.boot = true, nil, nil, wire.Ledger{}, 0
	r.openArea()
	b.ask = wire.Fetch{Part: wire.FetchHead}
	r.sendAsk(now)
	return Moved
}

// openArea begins to build a base. The staged bases stay until the new one is complete.
func (r *Receiver) openArea() {
	r.base.building = true
	r.box.Persist(wire.Write{Kind: wire.WriteStageHead, Ballot: r.base.start.Ballot})
}

// writeRecords adds records to the area that is being built.
func (r *Receiver) writeRecords(records []wire.Record) {
	r.box.Persist(wire.Write{Kind: wire.WriteStageRecords, Ballot: r.base.start.Ballot, Records: records})
}

// sendAsk sends the open request, for the first time or again.
func (r *Receiver) sendAsk(now wire.Instant) {
	b := r.base
	b.ask.Ballot, b.ask.Source = b.start.Ballot, b.start.Base.Source
	b.pace.sent(now)
	ask := b.ask
	r.box.Send(b.provider, &ask)
}

// askSides asks each holder for the next piece of its side. With again it also repeats the open
// requests.
func (r *Receiver) askSides(now wire.Instant, again bool) {
	r.base.pace.sent(now)
	for _, a := range r.base.merge.Asks(again) {
		r.box.Send(a.To, a.Fetch)
	}
}

// wholeIfSame ends way 1 if the log that results has the sum of the base. If not, this node
// holds entries that its primary never wrote, and everything is asked for
// (docs/strong.md §12).
func (r *Receiver) wholeIfSame(now wire.Instant) Outcome {
	b := r.base
	if b.sum == b.start.Base.Sum {
		return r.whole()
	}
	r.box.Event(core.Event{Kind: history.EventDiffers, Peer: r.self, Ballot: b.start.Base.Source, Count: b.start.Base.Length})
	return r.askWhole(now)
}

// whole stages the base: everything has come.
func (r *Receiver) whole() Outcome {
	b := r.base
	r.base = nil
	s := &history.Base{
		Ballot: b.start.Ballot, Desc: b.start.Base, Bound: b.start.Bound, Members: b.start.Members,
		Fresh: b.fresh, Ledger: b.ledger, Tail: append(b.own, b.tail...),
	}
	r.history.Stage(s, b.building)
	r.box.Event(core.Event{Kind: eventOf(s), Ballot: s.Ballot, Count: uint64(len(s.Tail))})
	return Whole
}

// eventOf says how a base came here.
func eventOf(s *history.Base) *core.EventKind {
	switch {
	case s.Desc.Merged():
		return EventBaseMerged
	case s.Desc.Source.IsZero():
		return EventBaseEmpty
	case s.Fresh:
		return EventBaseWhole
	}
	return EventBaseDelta
}

// take takes the piece that was asked for, and sets the next request. The tail is cut at the
// length of the base.
func (b *incoming) take(c *wire.Chunk, write func([]wire.Record)) {
	switch c.Part {
	case wire.FetchHead:
		b.ledger.MsgNum = c.Ledger.MsgNum
		b.ledger.Origins = append(b.ledger.Origins, c.Ledger.Origins...)
		b.ask = wire.Fetch{Part: wire.FetchHead, From: uint64(len(b.ledger.Origins))}
		if c.Last {
			b.ask = wire.Fetch{Part: wire.FetchRecords, First: true}
		}
	case wire.FetchRecords:
		if len(c.Records) > 0 {
			write(c.Records)
			b.ask = wire.Fetch{Part: wire.FetchRecords, After: c.Records[len(c.Records)-1].Key}
		}
		if c.Last {
			b.ask = wire.Fetch{Part: wire.FetchTail}
		}
	case wire.FetchTail:
		b.tail = append(b.tail, c.Entries...)
		b.ask = wire.Fetch{Part: wire.FetchTail, From: uint64(len(b.tail))}
		if c.Last {
			b.ask = wire.Fetch{}
			b.tail = recovery.UpTo(b.tail, b.start.Base.Source, b.start.Base.Length)
		}
	case wire.FetchEntries:
		b.takeEntries(c.Entries)
	}
}

// takeEntries appends the entries that follow what is here. Entries beyond the base are
// ignored: the holder may have abandoned them.
func (b *incoming) takeEntries(entries []wire.Entry) {
	for _, e := range entries {
		if e.Stamp.Ballot != b.start.Base.Source || e.Stamp.Index != b.ask.From+1 || e.Stamp.Index > b.start.Base.Length {
			continue
		}
		b.tail = append(b.tail, e)
		b.sum = kv.Sum(b.sum, &e)
		b.ask.From++
	}
	if b.ask.From >= b.start.Base.Length {
		b.ask = wire.Fetch{}
	}
}
