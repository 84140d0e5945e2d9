package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// differs compares the log that a member reports with this primary's. If they differ,
// another node sent the member entries in the primary's name. A round then gives the
// member the whole base, and until then its reports do not count (docs/strong.md §12).
func (r *Replica) differs(member ids.Node, at, sum uint64) bool {
	switch h := r.hist; {
	case mutant.On(mutant.UncheckedContent):
		return at > h.Length()
	case at < h.Commit(), at <= h.Length() && sum == h.SumAt(at):
		return false
	}
	if r.mayBegin() {
		r.box.Event(core.Event{Kind: history.EventDiffers, Peer: member, Ballot: r.hist.Ballot(), Count: at})
		if !slices.Contains(r.differing, member) {
			r.differing = append(r.differing, member)
		}
		r.beginRound()
	}
	return true
}

// checkSum compares what a member has committed, so that a difference is found while
// nothing is written, too. A member knows of no more that is committed than its primary.
func (r *Replica) checkSum(member ids.Node, m *wire.Hello) {
	switch {
	case mutant.On(mutant.UncheckedContent):
	case m.Commit > r.hist.Commit():
		r.differs(member, r.hist.Length()+1, 0)
	case m.Commit == r.hist.Commit():
		r.differs(member, m.Commit, m.Sum)
	}
}

// malformed reports a message that cannot be true.
func (r *Replica) malformed(from ids.Node, note string) {
	r.box.Event(core.Event{Kind: core.EventMalformed, Peer: from, Note: note})
}
