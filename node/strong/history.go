package strong

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// history is what a node has: the state of a ballot, its log beyond the commit
// position, and the ballots it was built from. The keys themselves are in the
// store, at position commit. What is committed every member has, so nothing of
// the log is kept behind it.
type history struct {
	ballot  wire.Ballot // zero: blank
	members []wire.Member
	bound   []wire.Sighting // incarnations that the ballot counts on
	past    kv.Past
	log     []wire.Entry // log[i] is at position commit+1+i
	commit  uint64
	ledger  *kv.Ledger // at commit
}

func (h *history) length() uint64 { return h.commit + uint64(len(h.log)) }

// knows reports whether h contains all that was ever committed in b.
func (h *history) knows(b wire.Ballot) bool {
	if b == h.ballot {
		return true
	}
	_, ok := h.past.Count(b)
	return ok
}

func (h *history) summary() wire.HistorySummary {
	return wire.HistorySummary{
		Ballot: h.ballot, Members: h.members, Past: h.past, Length: h.length(), Commit: h.commit,
	}
}

// base is what a ballot starts from, whole and not swapped in (I10): entries to
// be applied on the current state or, fresh, on the store's staged area.
type base struct {
	ballot  wire.Ballot
	desc    wire.Base
	bound   []wire.Sighting
	members []wire.Member
	fresh   bool
	ledger  wire.Ledger // fresh: of the staged area
	tail    []wire.Entry
	under   *base // the staged base that it was built on: it may have been active
}

func (b *base) knows(x wire.Ballot) bool {
	if x == b.ballot {
		return true
	}
	_, ok := kv.Past(b.desc.Past).Count(x)
	return ok
}

// summaries describes a staged base and those beneath it.
func (b *base) summaries() []wire.StagedSummary {
	var all []wire.StagedSummary
	for ; b != nil; b = b.under {
		all = append(all, wire.StagedSummary{
			History: wire.HistorySummary{Ballot: b.ballot, Members: b.members, Past: b.desc.Past},
			Bound:   b.bound,
		})
	}
	return all
}

// find returns the base of a ballot among b and those beneath it.
func (b *base) find(x wire.Ballot) *base {
	for b != nil && b.ballot != x {
		b = b.under
	}
	return b
}

// line is a history seen as something to build on: a state in an area, its
// ledger, and the entries to be applied to it, born in ballot or before.
type line struct {
	area   wire.Area
	ledger func() wire.Ledger
	tail   []wire.Entry
	length uint64 // entries of the ballot, from its birth
}

// lineOf finds what this node holds of a ballot: its history, or a base that it
// staged and that others may have swapped in.
func (r *Replica) lineOf(b wire.Ballot) (line, bool) {
	switch {
	case b.IsZero():
		return line{}, false
	case r.hist.ballot == b:
		return line{area: wire.AreaCurrent, ledger: r.hist.ledger.Export, tail: r.hist.log, length: r.hist.length()}, true
	}
	if s := r.staged.find(b); s != nil {
		return r.stagedLine(s), true
	}
	return line{}, false
}

func (r *Replica) stagedLine(s *base) line {
	if s.fresh {
		return line{area: wire.AreaStaged, ledger: func() wire.Ledger { return s.ledger }, tail: s.tail}
	}
	return line{area: wire.AreaCurrent, ledger: r.hist.ledger.Export, tail: s.tail}
}

// swapIn makes the staged base the history, at once. From here on the node
// stands in its ballot.
func (r *Replica) swapIn() {
	s := r.staged
	if s == nil || s.ballot != r.promised {
		panic(fmt.Sprintf("strong: swap of %v under promise %v", s, r.promised))
	}
	r.box.Persist(wire.Write{Kind: wire.WriteSwap, Ballot: s.ballot, Fresh: s.fresh, Ledger: s.ledger})
	if s.fresh {
		r.hist.ledger = kv.Import(s.ledger, r.cfg.Limits.Origins)
	}
	for i := range s.tail {
		r.hist.ledger.Apply(&s.tail[i])
	}
	r.box.Apply(s.tail...)
	r.hist = history{
		ballot: s.ballot, members: s.members, bound: s.bound, past: s.desc.Past, ledger: r.hist.ledger,
	}
	r.onDisk, r.appended = 0, r.appended[:0]
	r.staged = nil
	r.settle(s.desc.GivenUp)
	r.progress++
	r.box.Event(wire.Event{Kind: EventSwapped, Ballot: s.ballot, Count: uint64(len(s.tail))})
}

// settle strikes out owed ballots that the history now contains or that an
// operator gave up.
func (r *Replica) settle(givenUp []wire.Ballot) {
	before := len(r.owed)
	r.owed = slices.DeleteFunc(r.owed, func(k wire.KnownBallot) bool {
		return r.hist.knows(k.Ballot) || slices.Contains(givenUp, k.Ballot)
	})
	if len(r.owed) != before {
		r.persistMeta()
	}
}

// commitTo applies the log up to a position, which must be in it.
func (r *Replica) commitTo(c uint64) {
	if c <= r.hist.commit {
		return
	}
	if c > r.hist.length() {
		panic(fmt.Sprintf("strong: commit %d beyond the log's end %d in %v", c, r.hist.length(), r.hist.ballot))
	}
	n := int(c - r.hist.commit)
	for i := range r.hist.log[:n] {
		r.hist.ledger.Apply(&r.hist.log[i])
	}
	r.box.Apply(r.hist.log[:n]...)
	r.hist.commit = c
	rest := copy(r.hist.log, r.hist.log[n:])
	clear(r.hist.log[rest:])
	r.hist.log = r.hist.log[:rest]
}
