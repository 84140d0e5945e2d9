package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// staging is a base on its way here. It is put aside piece by piece, one request
// at a time, and swapped in whole or not at all (I10).
type staging struct {
	start    *wire.Start
	provider ids.Node
	boot     ids.Boot     // of the provider: its state is further back when it has restarted
	fresh    bool         // the whole base; else entries on top of what is here
	own      []wire.Entry // not fresh: the tail that is here already
	sum      uint64       // not fresh: of the log of the source, with what came
	ledger   wire.Ledger
	tail     []wire.Entry // fresh: on the staged area; else after own
	building bool         // in an area of its own
	merging  *merging     // at the primary, of histories that went apart
	ask      wire.Fetch   // the open request
	resend   wire.Instant
	askedAt  wire.Instant // when the open request was first sent
	asked    bool         // it was sent
	pace     wire.Instant // between repetitions: twice what the last piece took
	movedAt  wire.Instant // when the last piece came
}

// stage brings the base of a ballot here: nothing, the missing entries, or all
// of it. At the primary the provider is the holder that the decision named,
// elsewhere the primary.
func (r *Replica) stage(s *wire.Start, provider ids.Node) {
	st := &staging{start: s, provider: provider, movedAt: r.now}
	r.staging = st
	l, have := r.hist.Source(s.Base.Source)
	have = have && l.Commit <= s.Base.Length && !s.Whole
	switch {
	case s.Base.Merged():
		r.stageFresh()
	case s.Base.Source.IsZero():
		st.fresh = true
		r.openArea()
		r.stagedWhole()
	case have && l.Length >= s.Base.Length:
		st.keep(r, l)
		st.sum = l.SumAt(s.Base.Length)
		r.stagedSame()
	case have:
		st.keep(r, l)
		st.sum = l.SumAt(l.Length)
		st.ask = wire.Fetch{Part: wire.FetchEntries, From: l.Length}
		r.askPiece()
	default:
		r.stageFresh()
	}
}

// keep builds on what is here: the current state with its log, or the base that
// is staged for the source.
func (st *staging) keep(r *Replica, l history.Source) {
	st.fresh = l.Area == core.AreaStaged
	if st.fresh {
		st.ledger = l.Ledger()
	}
	st.own = slices.Clone(upTo(l.Tail, st.start.Base.Source, st.start.Base.Length))
}

// stageFresh asks for the whole base.
func (r *Replica) stageFresh() {
	st := r.staging
	st.fresh, st.own, st.tail, st.ledger, st.boot = true, nil, nil, wire.Ledger{}, 0
	r.openArea()
	st.ask = wire.Fetch{Part: wire.FetchHead}
	r.askPiece()
	if mutant.On(mutant.BaseEntryByEntry) {
		r.staging.ask = wire.Fetch{}
		r.stagedWhole()
		r.swapIn()
	}
}

// openArea begins to build a base. What was staged before stays until the new
// one is whole.
func (r *Replica) openArea() {
	r.staging.building = true
	r.box.Persist(core.Write{Kind: core.WriteStageHead, Ballot: r.staging.start.Ballot})
}

// dropStaging forgets a base that was on its way here.
func (r *Replica) dropStaging() {
	if r.staging != nil && r.staging.building {
		r.box.Persist(core.Write{Kind: core.WriteStageDrop, Ballot: r.staging.start.Ballot})
	}
	r.staging = nil
}

// askPiece sends the open request, for the first time or again.
func (r *Replica) askPiece() {
	st := r.staging
	if st.merging != nil {
		r.askSides(true)
		return
	}
	st.ask.Ballot, st.ask.Source = st.start.Ballot, st.start.Base.Source
	st.schedule(r.now)
	ask := st.ask
	r.send(st.provider, &ask)
}

// OnChunk takes a piece of the base, if it is the one that was asked for.
func (r *Replica) OnChunk(h wire.Header, c *wire.Chunk) {
	st := r.staging
	if st != nil && st.merging != nil {
		r.takeSide(h, c)
		return
	}
	if st == nil || h.From != st.provider || !answersFetch(c, &st.ask) {
		return
	}
	r.progress++
	st.moved(r.now)
	if st.boot == 0 {
		st.boot = h.Boot
	}
	if st.boot != h.Boot && st.fresh {
		r.stageFresh()
		return
	}
	if c.Missing {
		if !st.fresh || st.ask.Part == wire.FetchEntries {
			r.stageFresh()
		}
		return
	}
	switch c.Part {
	case wire.FetchHead:
		st.takeHead(c)
	case wire.FetchRecords:
		r.takeRecords(c)
	case wire.FetchTail:
		st.takeTail(c)
	case wire.FetchEntries:
		st.takeEntries(c)
	}
	switch {
	case st.ask.Part != 0:
		r.askPiece()
	case c.Part == wire.FetchEntries:
		r.stagedSame()
	default:
		r.stagedWhole()
	}
}

// stagedSame ends the staging of a base on top of what is here, if that and the entries
// that came are what the base says. Else all of it is asked for: this node had taken in
// what its primary never wrote.
func (r *Replica) stagedSame() {
	st := r.staging
	if st.sum == st.start.Base.Sum || mutant.On(mutant.UncheckedContent) {
		r.stagedWhole()
		return
	}
	r.box.Event(core.Event{Kind: EventDiffers, Peer: r.cfg.Self, Ballot: st.start.Base.Source, Count: st.start.Base.Length})
	r.stageFresh()
}

// schedule plans the repetition of a request. Repeating too soon what is on its
// way over a slow link would put a second copy in front of the next piece.
func (st *staging) schedule(now wire.Instant) {
	if !st.asked {
		st.asked, st.askedAt = true, now
	} else {
		st.pace *= 2
	}
	st.pace = min(max(st.pace, slowResend), slowestResend)
	st.resend = now + st.pace
}

// moved notes that a piece came.
func (st *staging) moved(now wire.Instant) {
	st.asked, st.pace, st.movedAt = false, 2*(now-st.askedAt), now
}

// answersFetch reports that a piece is the one that was asked for.
func answersFetch(c *wire.Chunk, f *wire.Fetch) bool {
	return c.Ballot == f.Ballot && c.Source == f.Source && c.Part == f.Part && c.From == f.From &&
		c.After == f.After && c.First == f.First
}

func (st *staging) takeHead(c *wire.Chunk) {
	st.ledger.MsgNum = c.Ledger.MsgNum
	st.ledger.Origins = append(st.ledger.Origins, c.Ledger.Origins...)
	st.ask = wire.Fetch{Part: wire.FetchHead, From: uint64(len(st.ledger.Origins))}
	if c.Last {
		st.ask = wire.Fetch{Part: wire.FetchRecords, First: true}
	}
}

func (r *Replica) takeRecords(c *wire.Chunk) {
	st := r.staging
	if len(c.Records) > 0 {
		r.box.Persist(core.Write{Kind: core.WriteStageRecords, Ballot: st.start.Ballot, Records: c.Records})
	}
	switch {
	case c.Last:
		st.ask = wire.Fetch{Part: wire.FetchTail}
	case len(c.Records) > 0:
		st.ask = wire.Fetch{Part: wire.FetchRecords, After: c.Records[len(c.Records)-1].Key}
	}
}

func (st *staging) takeTail(c *wire.Chunk) {
	st.tail = append(st.tail, c.Entries...)
	st.ask = wire.Fetch{Part: wire.FetchTail, From: uint64(len(st.tail))}
	if c.Last {
		st.ask = wire.Fetch{}
		st.tail = upTo(st.tail, st.start.Base.Source, st.start.Base.Length)
	}
}

// takeEntries appends entries of the source that follow what is here.
func (st *staging) takeEntries(c *wire.Chunk) {
	for _, e := range c.Entries {
		last := st.start.Base.Length // the holder may have more: what was abandoned
		if e.Stamp.Ballot != st.start.Base.Source || e.Stamp.Index != st.ask.From+1 || e.Stamp.Index > last {
			continue
		}
		st.tail = append(st.tail, e)
		st.sum = kv.Sum(st.sum, &e)
		st.ask.From++
	}
	if st.ask.From >= st.start.Base.Length {
		st.ask = wire.Fetch{}
	}
}

// stagedWhole makes the base durable, as one that may be swapped in, and tells
// the primary when it is.
func (r *Replica) stagedWhole() {
	st := r.staging
	r.staging = nil
	s := &history.Base{
		Ballot: st.start.Ballot, Desc: st.start.Base, Bound: st.start.Bound, Members: st.start.Members,
		Fresh: st.fresh, Ledger: st.ledger, Tail: append(st.own, st.tail...),
	}
	r.hist.Stage(s, st.building)
	r.progress++
	r.box.Event(core.Event{Kind: stagedEvent(s), Ballot: s.Ballot, Count: uint64(len(s.Tail))})
	if r.round != nil {
		r.round.phase = starting
		r.sendStarts()
	}
	r.sendDurable(r.primary, &wire.Started{Ballot: s.Ballot})
}

func stagedEvent(s *history.Base) *core.EventKind {
	switch {
	case s.Desc.Merged():
		return EventStagedMerged
	case s.Desc.Source.IsZero():
		return EventStagedEmpty
	case s.Fresh:
		return EventStagedWhole
	default:
		return EventStagedDelta
	}
}
