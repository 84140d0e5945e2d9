package history

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// Contains reports whether a reported history has all that was ever committed in a ballot: the
// ballot is its own, or in its past (I8).
func Contains(h *wire.HistorySummary, b ids.Ballot) bool {
	if b == h.Ballot {
		return true
	}
	_, ok := kv.Past(h.Past).Count(b)
	return ok
}

// MaxAttested bounds how many attestations a history keeps. The latest incarnations are
// enough, because a round soon drops a base that was never active.
const MaxAttested = 256

// Attest adds attestations of the bound incarnations: they had reported all they had when b
// began. A later round sees from them that a staged base never was active, even if the members
// of that base cannot be reached any more (docs/strong.md §7.2a).
func Attest(known []wire.Attestation, bound []wire.Sighting, b ids.Ballot) []wire.Attestation {
	out := slices.Clone(known)
	for _, s := range bound {
		out = append(out, wire.Attestation{Node: s.Node, Inc: s.Inc, Ballot: b})
	}
	return Latest(out)
}

// Latest keeps the highest attestation of each incarnation, and of those the MaxAttested with
// the highest ballots. It sorts all in place.
func Latest(all []wire.Attestation) []wire.Attestation {
	slices.SortFunc(all, func(a, b wire.Attestation) int {
		return cmp.Or(b.Ballot.Compare(a.Ballot), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Inc, b.Inc))
	})
	var out []wire.Attestation
	for _, a := range all {
		again := slices.ContainsFunc(out, func(o wire.Attestation) bool { return o.Node == a.Node && o.Inc == a.Inc })
		if !again && len(out) < MaxAttested {
			out = append(out, a)
		}
	}
	return out
}

// Incarnation returns the incarnation of a node among those that a ballot counts on.
func Incarnation(bound []wire.Sighting, id ids.Node) (ids.Incarnation, bool) {
	for _, s := range bound {
		if s.Node == id {
			return s.Inc, true
		}
	}
	return 0, false
}
