package gc

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// CutMaker makes the stable cut of a view, at the member with the lowest id (docs/causal.md §9.2).
// A context may name the view in the place of all positions that its cut covers, so contexts do
// not grow with the number of views. A node checks a reference like the positions that it
// stands for, and that makes the cut safe (I17). That all replicas had reached the cut only
// makes the check succeed at once.
//
// The first survey makes the cut, and the cut is published. When a later survey finds that all
// members know it, the cut is published as common. Only a common cut may be referred to, and
// only one cut of a view can become common. So a reference never changes its meaning.
type CutMaker struct {
	Surveyor
	At wire.Instant // the next try is no earlier
}

// CutStep is the step that a survey leads to.
type CutStep uint8

// Steps to a common stable cut.
const (
	CutWait    CutStep = iota // nothing now
	CutMake                   // no member knows a cut of the view: make one from the answers and publish it
	CutPublish                // some members do not know the cut: publish it again
	CutCommon                 // all members know the cut: publish it as common
)

// NextCutStep decides the next step to the common stable cut of a view, by the answers to a survey
// and by what this node knows of the view. It lists as unknown the members that know a cut while
// this node does not. This node made that cut in an earlier boot. The caller asks those members
// for it, because a reference must not mean two things.
func NextCutStep(known *wire.KnownView, self ids.Node, answers Answers) (step CutStep, unknown []ids.Node) {
	if answers == nil {
		return CutWait, nil // the survey has failed
	}
	told, same, synced := 0, 0, true
	for _, id := range slices.Sorted(maps.Keys(answers)) {
		d := answers[id]
		synced = synced && !d.Unsynced
		if id == self || d.StableCut == 0 {
			continue
		}
		told++
		switch {
		case !known.HasStableCut:
			unknown = append(unknown, id)
		case d.StableCut == CutSum(known):
			same++
		}
	}
	switch {
	case !synced:
		return CutWait, unknown
	case !known.HasStableCut && told == 0:
		return CutMake, nil
	case !known.HasStableCut, same < told: // two cuts, published in different boots of this node: references to the view stay unused
		return CutWait, unknown
	case same == len(answers)-1:
		return CutCommon, nil
	}
	return CutPublish, nil
}

// CutSum is a fingerprint of the stable cut of a view, by which members compare theirs; 0: the cut
// is not known.
func CutSum(v *wire.KnownView) uint64 {
	if !v.HasStableCut {
		return 0
	}
	sum := uint64(1)
	for i := range v.StableCut {
		s := &v.StableCut[i].Stream
		for _, part := range [...]uint64{s.View.Number, uint64(s.View.Author), uint64(s.View.Boot), uint64(s.Node), uint64(s.Boot), v.StableCut[i].N} {
			sum = version.Mix(sum ^ part)
		}
	}
	return max(sum, 1)
}

// Least is the stable cut by the answers of all members. It has, for each stream, the least number
// that any replica has, over the slots that the stream concerns. owned lists the slots of a
// member.
func Least(answers Answers, owned func(ids.Node) []hashing.Slot, concerns func(wire.Stream, hashing.Slot) bool) wire.Vector {
	var all wire.Vector
	for _, d := range answers { //maporder:ok a union
		for _, v := range d.Held.Vectors {
			all = version.Join(all, v)
		}
	}
	cut := slices.Clone(all)
	members := slices.Sorted(maps.Keys(answers))
	for i := range cut {
		for _, id := range members {
			lower(&cut[i], answers[id], owned(id), concerns)
		}
	}
	return slices.DeleteFunc(cut, func(p wire.Position) bool { return p.N == 0 })
}

// lower lowers a position to the least number that a member has of its stream, over the slots that
// the member owns and the stream concerns.
func lower(p *wire.Position, d *wire.Digest, owned []hashing.Slot, concerns func(wire.Stream, hashing.Slot) bool) {
	for _, at := range owned {
		k, _ := held(d, at)
		if n := k.At(p.Stream); n < p.N && concerns(p.Stream, at) {
			p.N = n
		}
	}
}
