package strong

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// history is what a node has: the state of a ballot, its log beyond the commit
// position, and the ballots it was built from. The keys themselves are in the
// store, at position commit. What is committed every member has, so nothing of
// the log is kept behind it.
type history struct {
	ballot   ids.Ballot // zero: blank
	members  []wire.Member
	bound    []wire.Sighting // incarnations that the ballot counts on
	past     kv.Past
	attested []wire.Attestation // who told all they had when it, and what it was built from, began
	log      []wire.Entry       // log[i] is at position commit+1+i
	commit   uint64
	sum      uint64     // of the log at commit (kv.Sum)
	sums     []uint64   // sums[i] is at position commit+1+i
	ledger   *kv.Ledger // at commit
	// abandoned are positions beyond commit whose clients have left, ascending. Only
	// the primary that ordered them fills it in.
	abandoned []uint64
}

func (h *history) length() uint64 { return h.commit + uint64(len(h.log)) }

// add puts entries at the end of the log.
func (h *history) add(entries []wire.Entry) {
	sum := h.sumAt(h.length())
	for i := range entries {
		sum = kv.Sum(sum, &entries[i])
		h.sums = append(h.sums, sum)
	}
	h.log = append(h.log, entries...)
}

// sumAt is the sum of the log at a position that is not behind commit.
func (h *history) sumAt(at uint64) uint64 {
	if at == h.commit {
		return h.sum
	}
	return h.sums[at-h.commit-1]
}

// knows reports whether h contains all that was ever committed in b.
func (h *history) knows(b ids.Ballot) bool {
	if b == h.ballot {
		return true
	}
	_, ok := h.past.Count(b)
	return ok
}

func (h *history) summary() wire.HistorySummary {
	return wire.HistorySummary{
		Ballot: h.ballot, Members: h.members, Past: h.past, Attested: h.attested, Length: h.keptLength(), Commit: h.commit, Sum: h.sumAt(h.keptLength()),
	}
}

// maxAttested bounds how many attestations a history keeps. The latest incarnations are
// enough, because a round soon drops a base that was never active.
const maxAttested = 256

// attest adds that the bound incarnations reported all they had for a ballot.
func attest(known []wire.Attestation, bound []wire.Sighting, b ids.Ballot) []wire.Attestation {
	out := slices.Clone(known)
	for _, s := range bound {
		out = append(out, wire.Attestation{Node: s.Node, Inc: s.Inc, Ballot: b})
	}
	return latest(out)
}

// latest keeps the highest ballot of each incarnation, and the incarnations with the
// highest ones.
func latest(all []wire.Attestation) []wire.Attestation {
	slices.SortFunc(all, func(a, b wire.Attestation) int {
		return cmp.Or(b.Ballot.Compare(a.Ballot), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Inc, b.Inc))
	})
	var out []wire.Attestation
	for _, a := range all {
		again := slices.ContainsFunc(out, func(o wire.Attestation) bool { return o.Node == a.Node && o.Inc == a.Inc })
		if !again && len(out) < maxAttested {
			out = append(out, a)
		}
	}
	return out
}

// base is what a ballot starts from, whole and not swapped in (I10): entries to
// be applied on the current state or, fresh, on the store's staged area.
type base struct {
	ballot  ids.Ballot
	desc    wire.Base
	bound   []wire.Sighting
	members []wire.Member
	fresh   bool
	ledger  wire.Ledger // fresh: of the staged area
	tail    []wire.Entry
	under   *base // the staged base that it was built on: it may have been active
}

func (b *base) knows(x ids.Ballot) bool {
	if b == nil {
		return false
	}
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
			History: wire.HistorySummary{
				Ballot: b.ballot, Members: b.members, Past: b.desc.Past, Attested: attest(b.desc.Attested, b.bound, b.ballot),
			},
			Bound: b.bound,
		})
	}
	return all
}

// find returns the base of a ballot among b and those beneath it.
func (b *base) find(x ids.Ballot) *base {
	for b != nil && b.ballot != x {
		b = b.under
	}
	return b
}

// source is a history on which a base can be built: a state in an area, its ledger, and
// the entries to be applied to that state, of this ballot or earlier ones.
type source struct {
	area   core.Area
	ledger func() wire.Ledger
	tail   []wire.Entry
	length uint64 // entries of the ballot, from its birth
	sumAt  func(at uint64) uint64
	commit uint64 // of them in the state; the others are in tail
}

// sourceOf finds what this node holds of a ballot: its history, or a base that it staged
// and that other members may have swapped in.
func (r *Replica) sourceOf(b ids.Ballot) (source, bool) {
	switch {
	case b.IsZero():
		return source{}, false
	case r.hist.ballot == b:
		return source{area: core.AreaCurrent, ledger: r.hist.ledger.Export, tail: r.hist.log, length: r.hist.length(), commit: r.hist.commit, sumAt: r.hist.sumAt}, true
	}
	if s := r.staged.find(b); s != nil {
		return r.stagedSource(s), true
	}
	return source{}, false
}

func (r *Replica) stagedSource(s *base) source {
	if s.fresh {
		return source{area: core.AreaStaged, ledger: func() wire.Ledger { return s.ledger }, tail: s.tail, sumAt: empty}
	}
	return source{area: core.AreaCurrent, ledger: r.hist.ledger.Export, tail: s.tail, sumAt: empty}
}

// empty is the sum of a log without entries.
func empty(uint64) uint64 { return 0 }

// swapIn makes the staged base the history, at once. From here on the node
// stands in its ballot.
func (r *Replica) swapIn() {
	s := r.staged
	if s == nil || s.ballot != r.promised {
		panic(fmt.Sprintf("strong: swap of %v under promise %v", s, r.promised))
	}
	r.box.Persist(core.Write{Kind: core.WriteSwap, Ballot: s.ballot, Fresh: s.fresh, Ledger: s.ledger})
	if s.fresh {
		r.hist.ledger = kv.Import(s.ledger, r.cfg.Limits.Origins)
	}
	for i := range s.tail {
		r.hist.ledger.Apply(&s.tail[i])
	}
	r.box.Apply(s.tail...)
	r.hist = history{
		ballot: s.ballot, members: s.members, bound: s.bound, past: s.desc.Past, ledger: r.hist.ledger,
		attested: attest(s.desc.Attested, s.bound, s.ballot),
	}
	r.onDisk, r.appended = 0, r.appended[:0]
	r.staged = nil
	r.dropOwed(s.desc.GivenUp)
	r.progress++
	r.box.Event(core.Event{Kind: EventSwapped, Ballot: s.ballot, Count: uint64(len(s.tail))})
}

// dropOwed removes the owed ballots that the history now contains or that an operator gave
// up.
func (r *Replica) dropOwed(givenUp []ids.Ballot) {
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
	r.hist.abandoned = slices.DeleteFunc(r.hist.abandoned, func(at uint64) bool { return at <= c })
	r.hist.sum = r.hist.sums[n-1]
	r.hist.sums = append(r.hist.sums[:0], r.hist.sums[n:]...)
	rest := copy(r.hist.log, r.hist.log[n:])
	clear(r.hist.log[rest:])
	r.hist.log = r.hist.log[:rest]
}
