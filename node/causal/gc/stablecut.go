package gc

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// CutMaker makes the stable cut of a view (docs/causal.md §9.2): a vector that all
// replicas had reached when it was published. A context may name the view in the place of
// all positions that its cut has, so contexts do not grow with the number of views. The
// cut is safe because it is checked like the positions that it stands for (I17); that
// all replicas have reached it only makes the check succeed at once.
//
// Three surveys lead to a reference: the first makes the cut, the second finds that all
// members know it, and it is published as common. A cut never changes once a context may
// refer to it: only a common one may be referred to, and only one cut can be common.
type CutMaker struct {
	Surveyor
	At wire.Instant // of the next try
}

// CutStep is what a survey leads to.
type CutStep uint8

// Steps to a stable cut.
const (
	CutWait    CutStep = iota // nothing now
	CutMake                   // no member knows a cut of the view: it is made of the answers
	CutPublish                // some members do not know the cut: it is published again
	CutCommon                 // all members know the cut: it is published as common
)

// NextCutStep decides the next step to the stable cut of the view with what this node
// knows of it. unknown lists the members that know a cut while this node has lost it:
// they are asked, because a reference must not mean two things.
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
	case !known.HasStableCut, same < told: // made in different boots of the lowest member: no context refers to it
		return CutWait, unknown
	case same == len(answers)-1:
		return CutCommon, nil
	}
	return CutPublish, nil
}

// CutSum is a fingerprint of the stable cut of a view, by which members compare theirs;
// 0: it is not known.
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

// Least is the stable cut that the answers of all members lead to. It has, for each
// stream, the least position of any replica of a slot that the stream concerns. owned are
// the slots of a member.
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

// lower lowers a position to what a member has of it in the slots that it owns.
func lower(p *wire.Position, d *wire.Digest, owned []hashing.Slot, concerns func(wire.Stream, hashing.Slot) bool) {
	for _, at := range owned {
		k, _ := held(d, at)
		if n := k.At(p.Stream); n < p.N && concerns(p.Stream, at) {
			p.N = n
		}
	}
}
