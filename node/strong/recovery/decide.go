// Package recovery decides what a round starts from (docs/strong.md §7.2). In a round all members
// promise a new ballot and report what they have. This package judges the reports: which can be
// true, which histories count, whether these must be merged, and which ballots are missing.
//
// Everything here is pure: the result is a function of the reports, whatever their order. Only
// ancestry decides which of two histories is older: the older one's ballot is in the other's
// past. Numbers and lengths never decide (I8).
package recovery

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// Join is the promise of one node, with its report. After the promise the node acknowledges
// nothing of an earlier ballot. So the report is final (I22).
type Join struct {
	Node   ids.Node
	Inc    ids.Incarnation
	Boot   ids.Boot
	Report *wire.Join
}

// Input is all that a decision depends on.
type Input struct {
	Self      ids.Node      // the primary of the round
	Boot      ids.Boot      // boot of the primary, as in the ballot
	Members   []wire.Member // of the view
	Joins     []Join        // of all members, and of sources and pulled nodes that have joined; ascending by node
	Force     bool          // the view was put with force: owed ballots are given up
	PastLimit int           // bound on the ballots that a history remembers
}

// Source is a history that the round may start from, and the node that holds it.
type Source struct {
	Holder  ids.Node
	History wire.HistorySummary
}

// Side is the source in the form that a merge needs.
func (s *Source) Side(pastLimit int) kv.Side {
	return kv.Side{Ballot: s.History.Ballot, Length: s.History.Length, Past: s.History.Past, Limit: pastLimit}
}

// Decision is the base of a round, or what is missing for one.
type Decision struct {
	Base    wire.Base
	Holder  ids.Node           // holder of the whole base; the primary if the base is empty or merged
	Sides   []Source           // what the base is built from, ascending by ballot; if more than one, the base is a merge
	Owed    []wire.KnownBallot // ballots that a member owes and the base does not contain (I24)
	Dropped int                // number of staged bases whose ballot never was active
	TooOld  int                // number of histories that others may have forgotten
}

// Decide picks the base. Its rules are those of docs/strong.md §7.2, under the same letters.
//
//	a  A staged base replaces its holder's history, unless it was never active.
//	b  A history that another one contains is dropped.
//	c  Of the histories of one ballot one counts.
//	d  A history without a write is dropped, if another one has all that it was built from.
//	e  Nothing is left: the base is empty. One is left: it is the base. Several are left:
//	   they lived apart, and the base is their merge.
//	f  The ballots that members owe, and that the base lacks, are listed (I24).
func Decide(in Input) Decision {
	d := Decision{Holder: in.Self}
	found, dropped := in.sources()
	found, tooOld := in.withoutContained(found)
	left, empty := withoutEmpty(in.onePerBallot(found))
	d.Dropped, d.TooOld = dropped, tooOld
	d.Sides = left
	switch len(d.Sides) {
	case 0:
	case 1:
		h := &d.Sides[0].History
		d.Holder = d.Sides[0].Holder
		d.Base.Source, d.Base.Length, d.Base.Sum = h.Ballot, h.Length, h.Sum
	default:
		for _, s := range d.Sides {
			d.Base.Sides = append(d.Base.Sides, wire.PastBallot{Ballot: s.History.Ballot, Count: s.History.Length})
		}
	}
	d.Base.Past, d.Base.Attested = in.ancestry(d.Sides, empty)
	d.Owed = in.owed(d.Base.Past)
	if in.Force {
		for _, k := range d.Owed {
			d.Base.GivenUp = append(d.Base.GivenUp, k.Ballot)
		}
		d.Owed = nil
	}
	return d
}

// ancestry returns the ballots that a base made of sides was built from, and the attestations of
// the sides. Empty histories count as ancestors, so that a later round sees that they are older
// than the base.
func (in *Input) ancestry(sides, empty []Source) ([]wire.PastBallot, []wire.Attestation) {
	var past kv.Past
	var attested []wire.Attestation
	for _, s := range sides {
		past = past.Union(s.History.Past, in.PastLimit).With(s.History.Ballot, s.History.Length, in.PastLimit)
		attested = append(attested, s.History.Attested...)
	}
	for _, s := range empty {
		past = past.With(s.History.Ballot, 0, in.PastLimit)
	}
	return past, history.Latest(attested)
}

// owed lists the ballots that a member owes and that a base with this past lacks (I24).
func (in *Input) owed(past []wire.PastBallot) []wire.KnownBallot {
	var all []wire.KnownBallot
	for _, j := range in.Joins {
		for _, k := range j.Report.Owed {
			listed := slices.ContainsFunc(all, func(o wire.KnownBallot) bool { return o.Ballot == k.Ballot })
			_, contained := kv.Past(past).Count(k.Ballot)
			if !listed && !contained && !kv.Past(past).Forgot(k.Ballot, in.PastLimit) {
				all = append(all, k)
			}
		}
	}
	return all
}
