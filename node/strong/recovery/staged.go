package recovery

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// sources lists what the joined nodes hold, one history a node, without blank ones. It counts the
// staged bases whose ballot never was active (rule a).
//
// A node that has staged a base does not know whether the ballot became active. If it did, the
// base stands for the history beneath it. If it did not, the base must not count: one history
// would look like two that lived apart.
func (in *Input) sources() (found []Source, dropped int) {
	for _, j := range in.Joins {
		h := j.Report.History
		for i := range j.Report.Staged {
			s := &j.Report.Staged[i]
			if !in.primaryNeverSwapped(s) && !in.isUnknownToBound(s) && !in.isContradicted(s) {
				h = s.History
				break
			}
			dropped++
		}
		if !h.Ballot.IsZero() {
			found = append(found, Source{j.Node, h})
		}
	}
	return found, dropped
}

// primaryNeverSwapped reports whether the primary of a staged base's ballot has joined in the
// boot of that ballot, and has not swapped the base in (rule a3). The primary swaps in first, so
// no member has.
func (in *Input) primaryNeverSwapped(s *wire.StagedSummary) bool {
	h := &s.History
	return len(h.Members) > 0 && slices.ContainsFunc(in.Joins, func(j Join) bool {
		return j.Node == h.Members[0].ID && j.Boot == h.Ballot.Boot && !history.Contains(&j.Report.History, h.Ballot)
	})
}

// isUnknownToBound reports whether an incarnation that a staged base counts on has joined without
// anything that contains the base's ballot (rule a1). A ballot is active only when all
// incarnations that it counts on have staged the base.
func (in *Input) isUnknownToBound(s *wire.StagedSummary) bool {
	b := s.History.Ballot
	return slices.ContainsFunc(in.Joins, func(j Join) bool {
		return isBound(s, j.Node, j.Inc) && !history.Contains(&j.Report.History, b) &&
			!slices.ContainsFunc(j.Report.Staged, func(o wire.StagedSummary) bool { return history.Contains(&o.History, b) })
	})
}

// isContradicted reports whether a reported history shows that a staged base never was active
// (rule a2). An incarnation that the base counts on had reported all that it had for a later
// ballot, and the base was not among that. That node need not be reachable any more.
func (in *Input) isContradicted(s *wire.StagedSummary) bool {
	return slices.ContainsFunc(in.Joins, func(j Join) bool {
		return in.contradicts(&j.Report.History, s) ||
			slices.ContainsFunc(j.Report.Staged, func(o wire.StagedSummary) bool { return in.contradicts(&o.History, s) })
	})
}

// contradicts reports whether one history shows that a staged base never was active. A history
// that may have forgotten the base's ballot shows nothing.
func (in *Input) contradicts(h *wire.HistorySummary, s *wire.StagedSummary) bool {
	b := s.History.Ballot
	if history.Contains(h, b) || kv.Past(h.Past).Forgot(b, in.PastLimit) {
		return false
	}
	return slices.ContainsFunc(h.Attested, func(a wire.Attestation) bool {
		return b.Compare(a.Ballot) < 0 && isBound(s, a.Node, a.Inc)
	})
}

// isBound reports whether a staged base counts on an incarnation.
func isBound(s *wire.StagedSummary, node ids.Node, inc ids.Incarnation) bool {
	return slices.ContainsFunc(s.Bound, func(x wire.Sighting) bool { return x.Node == node && x.Inc == inc })
}
