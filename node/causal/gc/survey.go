// Package gc decides what causal buckets need no more (docs/causal.md §9): tombstones, without
// letting a deleted key come back (I19), and positions in the vectors of contexts, without
// letting a read show less (I17). Both decisions rest on surveys, in which all members of a
// view say what they hold.
//
// A decision is a function of the answers to a survey. The types hold the state of a survey, a
// collection and a stable cut between the messages. They are state machines without I/O: the
// caller sends the questions, brings the answers and the time, and carries the decision out.
// The caller begins a survey only under the conditions of docs/causal.md §9.1. One goroutine at
// a time may use the types.
package gc

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of surveys.
const (
	Patience = 2 * wire.Second        // a survey that some member has not answered by then has failed
	AskEvery = 200 * wire.Millisecond // between two copies of an unanswered question
)

// Question is what a survey asks of each member.
type Question struct {
	Slots      []wire.SlotRange // ascending, not overlapping
	Collecting uint64           // the largest counter of the tombstones that are about to go: each node raises its GC counter to it; 0: none go
}

// Answers are the answers of all members of a view to one survey, by member. nil: the survey has
// failed.
type Answers map[ids.Node]*wire.Digest

// Survey asks all members of a view, this node included, what they hold of some slots. It counts
// when all have answered in that view. Then no member holds anything that the answers do not
// show, except for what came after a member's answer.
type Survey struct {
	Question
	Session uint64 // names the question in its answers
	view    ids.View
	begun   wire.Instant
	asked   wire.Instant // when the question was last sent
	others  []ids.Node   // the other members
	answers Answers      // the latest answer of each other member
}

// NewSurvey begins a survey of a view, whose other members are others.
func NewSurvey(q Question, session uint64, view ids.View, others []ids.Node, now wire.Instant) *Survey {
	return &Survey{Question: q, Session: session, view: view, begun: now, others: others, answers: Answers{}}
}

// Ask lists the members that have not answered, and notes that they are asked now.
func (s *Survey) Ask(now wire.Instant) []ids.Node {
	s.asked = now
	return slices.DeleteFunc(slices.Clone(s.others), func(id ids.Node) bool { return s.answers[id] != nil })
}

// Answer takes in the answer of another member, which holds a view. An answer in another view
// does not count: other nodes may own the slots there.
func (s *Survey) Answer(from ids.Node, view ids.View, d *wire.Digest) {
	if view == s.view && slices.Contains(s.others, from) {
		s.answers[from] = d
	}
}

// Complete reports that all other members have answered.
func (s *Survey) Complete() bool { return len(s.answers) == len(s.others) }

// Answers are the answers of all members, with that of this node. The survey must be complete.
func (s *Survey) Answers(self ids.Node, own *wire.Digest) Answers {
	s.answers[self] = own
	return s.answers
}

// Due says what is due now: the survey has failed, or the silent members are to be asked again.
// Otherwise nothing is due before until.
func (s *Survey) Due(now wire.Instant) (failed, again bool, until wire.Instant) {
	return now-s.begun >= Patience, now-s.asked >= AskEvery, s.asked + AskEvery
}

// Surveyor makes surveys, one at a time, for one purpose.
type Surveyor struct {
	open *Survey // nil: no survey is open
}

// Open is the survey that is open; nil: none.
func (o *Surveyor) Open() *Survey { return o.open }

// Conduct makes a survey the open one. Answers to an earlier one do not count any more.
func (o *Surveyor) Conduct(s *Survey) { o.open = s }

// Close ends the open survey, if there is one.
func (o *Surveyor) Close() { o.open = nil }

// held is K of a slot at a member, by its answer; holds is false if the member does not hold the
// slot.
func held(d *wire.Digest, at hashing.Slot) (k wire.Vector, holds bool) {
	run := d.Held.Of(uint32(at))
	if run == nil {
		return nil, false
	}
	return d.Held.Vectors[run.Vector], true
}

// AllHave reports that K of a slot at every replica covers a vector, that no other member holds
// the slot, and that no member is unsynced: data of the slot is nowhere else in the view.
func AllHave(at hashing.Slot, v wire.Vector, replicas []ids.Node, answers Answers) bool {
	if answers == nil {
		return false // the survey has failed
	}
	for id, d := range answers { //maporder:ok all must agree
		k, holds := held(d, at)
		if replica := slices.Contains(replicas, id); d.Unsynced || replica != holds {
			return false
		}
		if holds && !version.Within(v, k) {
			return false
		}
	}
	return true
}
