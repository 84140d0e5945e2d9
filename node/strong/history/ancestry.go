package history

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// Contains reports whether a reported history has all that was ever committed in a ballot:
// the ballot is its own, or in its past.
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

// Attest adds that the bound incarnations reported all they had for a ballot. An
// attestation lets a later round see that a staged base was never active, although its
// members are not reachable any more (docs/strong.md §7.2a).
func Attest(known []wire.Attestation, bound []wire.Sighting, b ids.Ballot) []wire.Attestation {
	out := slices.Clone(known)
	for _, s := range bound {
		out = append(out, wire.Attestation{Node: s.Node, Inc: s.Inc, Ballot: b})
	}
	return Latest(out)
}

// Latest keeps the highest ballot of each incarnation, and the MaxAttested incarnations
// with the highest ones. It sorts all in place.
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

// Incarnation is the one of a node that a ballot counts on, of those that it counts on.
func Incarnation(bound []wire.Sighting, id ids.Node) (ids.Incarnation, bool) {
	for _, s := range bound {
		if s.Node == id {
			return s.Inc, true
		}
	}
	return 0, false
}
