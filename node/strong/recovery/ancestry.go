package recovery

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// withoutContained drops the histories that another one contains (rule b). Entries that such a
// history has beyond were never committed (I8). It also drops, and counts, histories so old that
// the others may have forgotten whether they contain them.
func (in *Input) withoutContained(found []Source) (left []Source, tooOld int) {
	for _, s := range found {
		contained, forgotten := false, false
		for _, o := range found {
			if o.History.Ballot == s.History.Ballot {
				continue
			}
			contained = contained || history.Contains(&o.History, s.History.Ballot)
			forgotten = forgotten || kv.Past(o.History.Past).Forgot(s.History.Ballot, in.PastLimit)
		}
		if forgotten && !contained {
			tooOld++
		}
		if !contained && !forgotten {
			left = append(left, s)
		}
	}
	return left, tooOld
}

// onePerBallot picks one holder of each ballot (rule c), ascending by ballot.
func (in *Input) onePerBallot(found []Source) []Source {
	slices.SortFunc(found, func(a, b Source) int {
		return cmp.Or(a.History.Ballot.Compare(b.History.Ballot), in.prefer(b, a))
	})
	return slices.CompactFunc(found, func(a, b Source) bool { return a.History.Ballot == b.History.Ballot })
}

// prefer orders the histories of one ballot; the largest one counts (rule c).
//
//  1. If this boot of this node led the ballot, its own history counts: it knows what was
//     committed, and has left out what was abandoned.
//  2. Otherwise the longest counts: logs of one ballot are prefixes of one another.
//  3. Of equal ones this node's counts, then one of a member. A source of the view may
//     leave during the round, a member may not.
func (in *Input) prefer(a, b Source) int {
	return cmp.Or(
		cmp.Compare(in.led(a), in.led(b)),
		cmp.Compare(a.History.Length, b.History.Length),
		cmp.Compare(in.nearness(a), in.nearness(b)),
		cmp.Compare(b.Holder, a.Holder),
	)
}

// led is 1 if this boot of this node wrote the history's log, else 0.
func (in *Input) led(s Source) int {
	sameBoot := s.History.Ballot.Boot == in.Boot
	if s.Holder == in.Self && sameBoot && len(s.History.Members) > 0 && s.History.Members[0].ID == in.Self {
		return 1
	}
	return 0
}

// nearness is larger for a holder that is likelier to stay as long as the round lasts.
func (in *Input) nearness(s Source) int {
	switch {
	case s.Holder == in.Self:
		return 2
	case slices.ContainsFunc(in.Members, func(m wire.Member) bool { return m.ID == s.Holder }):
		return 1
	}
	return 0
}

// withoutEmpty drops histories of ballots in which nothing was written, if another history
// contains all that they were built from (rule d). These are rounds that came to nothing.
// Nothing was or will be committed in them, because their holders have promised a later
// ballot. Of two that contain each other the higher ballot stays.
func withoutEmpty(found []Source) (left, empty []Source) {
	for _, s := range found {
		redundant := slices.ContainsFunc(found, func(o Source) bool {
			if o.History.Ballot == s.History.Ballot || !containsAll(&o.History, &s.History) {
				return false
			}
			return !containsAll(&s.History, &o.History) || s.History.Ballot.Compare(o.History.Ballot) < 0
		})
		if redundant {
			empty = append(empty, s)
		} else {
			left = append(left, s)
		}
	}
	return left, empty
}

// containsAll reports whether h has no entry of its own ballot, and o has all entries that h was
// built from.
func containsAll(o, h *wire.HistorySummary) bool {
	if h.Length > 0 {
		return false
	}
	for _, p := range h.Past {
		n, ok := kv.Past(o.Past).Count(p.Ballot)
		if p.Ballot == o.Ballot {
			n, ok = o.Length, true
		}
		if !ok || n < p.Count {
			return false
		}
	}
	return true
}
