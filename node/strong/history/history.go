// Package history is what one node holds of strong buckets: the history that the node serves
// from, and the staged bases that may replace it (docs/strong.md §2).
//
// A history is a state and a log. The state is in the store, and stands at the commit position.
// The log has the entries beyond. Every member has what is committed (I4), so the log keeps no
// committed entry.
//
// The package makes changes durable and applies entries through the outbox of its machine. It
// sends no messages. It knows neither views nor promises: its caller decides when to append,
// commit, stage and swap in. If the caller breaks an invariant, the package panics.
package history

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// History is what a node holds. One boot of one primary writes all entries of a ballot (I21). So
// the logs that two nodes hold of one ballot are prefixes of one another. Which of two ballots is
// older is told by their pasts alone, never by a length or a number (I8).
type History struct {
	box     *core.Outbox
	origins int // bound on the forwarders in the ledger

	current current
	staged  *Base // the newest staged base; nil: none

	appends []appended // writes of the log that are not durable yet, ascending
	durable uint64     // position up to which the log of the current ballot is durable here
}

// current is the history that a node serves from.
type current struct {
	ballot   ids.Ballot         // zero: the history is blank
	members  []wire.Member      // of the ballot, the primary first
	bound    []wire.Sighting    // the incarnations that the ballot counts on (I3)
	past     kv.Past            // the ballots that the history was built from
	attested []wire.Attestation // see Attest
	log      []wire.Entry       // entries that are not committed; log[i] is at position commit+1+i
	sums     []uint64           // sums[i] is the running sum of the log at position commit+1+i (kv.Sum)
	commit   uint64             // position up to which the entries are committed and applied; at most Length
	sum      uint64             // running sum of the log at commit
	ledger   *kv.Ledger         // ledger of the state, at commit
	// abandoned are the positions beyond commit whose clients have left, ascending. Only the
	// primary that ordered these entries, in the same boot, has any.
	abandoned []uint64
}

// appended says that the log is durable up to index once the write seq is.
type appended struct {
	seq   uint64
	index uint64
}

// New returns the blank history.
func New(box *core.Outbox, origins int) *History {
	return &History{box: box, origins: origins, current: current{ledger: kv.NewLedger(origins)}}
}

// Recover returns the history that a node finds of itself when it starts with its state. All of
// it is durable. The node must learn again how much of the log behind the state is committed.
func Recover(box *core.Outbox, origins int, rec *core.Recovered) *History {
	h := &History{box: box, origins: origins, current: current{
		ballot: rec.Ballot, members: rec.Members, bound: rec.Bound, past: rec.Past, attested: rec.Attested,
		commit: rec.Commit, sum: rec.Sum, ledger: kv.Import(rec.Ledger, origins),
	}}
	h.add(rec.Log)
	h.durable = h.Length()
	for _, s := range slices.Backward(rec.Staged) {
		h.staged = &Base{
			Ballot: s.Ballot, Desc: s.Base, Bound: s.Bound, Members: s.Members,
			Fresh: s.Fresh, Ledger: s.Ledger, Tail: s.Tail, under: h.staged,
		}
	}
	return h
}

// Ballot returns the ballot of the history; zero: the history is blank.
func (h *History) Ballot() ids.Ballot { return h.current.ballot }

// Members are the members of the ballot, the primary first. The caller must not change them.
func (h *History) Members() []wire.Member { return h.current.members }

// Bound are the incarnations that the ballot counts on.
func (h *History) Bound() []wire.Sighting { return h.current.bound }

// Incarnation returns the incarnation of a node that the ballot counts on.
func (h *History) Incarnation(id ids.Node) (ids.Incarnation, bool) {
	return Incarnation(h.current.bound, id)
}

// Contains reports whether the history has all that was ever committed in a ballot.
func (h *History) Contains(b ids.Ballot) bool {
	if b == h.current.ballot {
		return true
	}
	_, ok := h.current.past.Count(b)
	return ok
}

// LedBy reports whether this boot of this node was the primary of the ballot.
func (h *History) LedBy(self ids.Node, boot ids.Boot) bool {
	c := &h.current
	mine := len(c.members) > 0 && c.members[0].ID == self
	return mine && c.ballot.Boot == boot
}

// Length is the position of the last entry, committed or not.
func (h *History) Length() uint64 { return h.current.commit + uint64(len(h.current.log)) }

// Commit is the position up to which the entries are committed and applied.
func (h *History) Commit() uint64 { return h.current.commit }

// Durable is the position up to which the log is durable at this node.
func (h *History) Durable() uint64 { return h.durable }

// After returns the entries beyond a position, which must not be below the commit position. They
// stay in place until the next call that appends or commits.
func (h *History) After(at uint64) []wire.Entry { return h.current.log[at-h.current.commit:] }

// Sum is the running sum of the log at the commit position.
func (h *History) Sum() uint64 { return h.current.sum }

// SumAt is the running sum of the log at a position that is not below the commit position.
func (h *History) SumAt(at uint64) uint64 {
	if at == h.current.commit {
		return h.current.sum
	}
	return h.current.sums[at-h.current.commit-1]
}

// NextNumber is the Msg-Num that follows all committed entries.
func (h *History) NextNumber() uint64 { return h.current.ledger.Next() }

// Lookup finds the result of a committed request (I11).
func (h *History) Lookup(id ids.Request) (res wire.Result, answered, forgotten bool) {
	return h.current.ledger.Lookup(id)
}

// Summary returns the report on the history in a Join. It leaves out the first abandoned entry
// and all behind it.
func (h *History) Summary() wire.HistorySummary {
	c := &h.current
	kept := h.KeptLength()
	return wire.HistorySummary{
		Ballot: c.ballot, Members: c.members, Past: c.past, Attested: c.attested,
		Length: kept, Commit: c.commit, Sum: h.SumAt(kept),
	}
}

// Extension says how a batch of entries fits the log.
type Extension uint8

// The outcomes of Extend.
const (
	Extended Extension = iota + 1 // the entries that were missing are in the log now; also for a batch without entries
	Known                         // all entries were in the log already
	Gap                           // the batch begins beyond the log's end
	Foreign                       // an entry has a wrong position, or is of another ballot
)

// Extend appends the entries of a batch that are not in the log yet. first is the position of the
// first entry. If the batch leaves a gap, or an entry is foreign, the log stays as it is.
func (h *History) Extend(first uint64, entries []wire.Entry) Extension {
	end := h.Length()
	if first > end+1 || first == 0 {
		return Gap
	}
	var fresh []wire.Entry
	if skip := end + 1 - first; skip < uint64(len(entries)) {
		fresh = entries[skip:]
	}
	for i := range fresh {
		if fresh[i].Stamp != (ids.Stamp{Ballot: h.current.ballot, Index: end + 1 + uint64(i)}) {
			return Foreign
		}
	}
	switch {
	case len(fresh) > 0:
		h.Append(fresh)
	case len(entries) > 0:
		return Known
	}
	return Extended
}

// Append adds entries to the log. They count as durable (Durable) once their write is.
func (h *History) Append(entries []wire.Entry) {
	h.add(entries)
	seq := h.box.Persist(wire.Write{Kind: wire.WriteAppend, Ballot: h.current.ballot, Entries: entries})
	h.appends = append(h.appends, appended{seq, h.Length()})
}

// add extends the log and its sums in memory.
func (h *History) add(entries []wire.Entry) {
	c := &h.current
	sum := h.SumAt(h.Length())
	for i := range entries {
		sum = kv.Sum(sum, &entries[i])
		c.sums = append(c.sums, sum)
	}
	c.log = append(c.log, entries...)
}

// OnDurable is told that all writes up to seq survive. It reports whether more of the log is
// durable now.
func (h *History) OnDurable(seq uint64) bool {
	n := 0
	for n < len(h.appends) && h.appends[n].seq <= seq {
		h.durable = h.appends[n].index
		n++
	}
	h.appends = append(h.appends[:0], h.appends[n:]...)
	return n > 0
}

// LearnCommit commits the log up to the position that the primary says, or up to its end if that
// is lower.
func (h *History) LearnCommit(at uint64) { h.CommitTo(min(at, h.Length())) }

// CommitTo commits and applies the log up to a position, which must not be beyond its end. A
// position that is committed already changes nothing.
func (h *History) CommitTo(at uint64) {
	c := &h.current
	if at <= c.commit {
		return
	}
	if at > h.Length() {
		panic(fmt.Sprintf("strong: commit %d beyond the log's end %d in %v", at, h.Length(), c.ballot))
	}
	n := int(at - c.commit)
	for i := range c.log[:n] {
		c.ledger.Apply(&c.log[i])
	}
	h.box.Apply(c.log[:n]...)
	c.commit = at
	c.abandoned = slices.DeleteFunc(c.abandoned, func(position uint64) bool { return position <= at })
	c.sum = c.sums[n-1]
	c.sums = append(c.sums[:0], c.sums[n:]...)
	rest := copy(c.log, c.log[n:])
	clear(c.log[rest:])
	c.log = c.log[:rest]
}
