// Package gc decides what of causal buckets is needed no more: tombstones, and positions
// in the vectors of contexts (docs/causal.md §9). Both decisions rest on surveys, in
// which all members of a view say what they hold.
//
// A decision is a function of the answers to a survey. The types hold the state of a
// survey, a collection and a stable cut between the messages. They are state machines
// without I/O: the caller sends the questions, brings the answers and the time, and does
// what was decided. They may be called by one goroutine at a time.
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
	Patience = 2 * wire.Second        // a survey that not all have answered by then has failed
	AskEvery = 200 * wire.Millisecond // unanswered questions are repeated
)

// Question is what a survey asks of each member.
type Question struct {
	Slots      []wire.SlotRange // ascending, apart
	Collecting uint64           // the largest counter of the tombstones that are about to go; 0: none is
}

// Answers are what the members of a view said in one survey, by member.
type Answers map[ids.Node]*wire.Digest

// Survey asks all members of a view, its own node among them, what they hold of some
// slots. A survey counts when all have answered in that view. So no node of the view can
// hold something that the answers do not show, but for what came after they were given.
type Survey struct {
	Question
	Session uint64
	view    ids.View
	begun   wire.Instant
	asked   wire.Instant
	others  []ids.Node // the other members
	answers Answers    // the latest of each
}

// NewSurvey begins a survey of a view, whose members but for this node are others.
func NewSurvey(q Question, session uint64, view ids.View, others []ids.Node, now wire.Instant) *Survey {
	return &Survey{Question: q, Session: session, view: view, begun: now, others: others, answers: Answers{}}
}

// Ask lists the members that are to be asked now: those that have not answered.
func (s *Survey) Ask(now wire.Instant) []ids.Node {
	s.asked = now
	return slices.DeleteFunc(slices.Clone(s.others), func(id ids.Node) bool { return s.answers[id] != nil })
}

// Answer takes in what another member says in a view. An answer from another view tells
// of other owners, and does not count.
func (s *Survey) Answer(from ids.Node, view ids.View, d *wire.Digest) {
	if view == s.view && slices.Contains(s.others, from) {
		s.answers[from] = d
	}
}

// Complete reports that all other members have answered.
func (s *Survey) Complete() bool { return len(s.answers) == len(s.others) }

// Answers are the answers of all members, with that of this node.
func (s *Survey) Answers(self ids.Node, own *wire.Digest) Answers {
	s.answers[self] = own
	return s.answers
}

// Due says what time asks for: that the survey has failed, that the silent members are
// asked again, or neither until an instant.
func (s *Survey) Due(now wire.Instant) (failed, again bool, until wire.Instant) {
	return now-s.begun >= Patience, now-s.asked >= AskEvery, s.asked + AskEvery
}

// Surveyor is whatever makes surveys, one at a time.
type Surveyor struct {
	open *Survey // nil: none
}

// Open is the survey that is open; nil: none.
func (o *Surveyor) Open() *Survey { return o.open }

// Conduct begins a survey.
func (o *Surveyor) Conduct(s *Survey) { o.open = s }

// Close ends the survey, if one is open.
func (o *Surveyor) Close() { o.open = nil }

// held is K of a slot at a member, as its answer says; false: it holds nothing there.
func held(d *wire.Digest, at hashing.Slot) (k wire.Vector, holds bool) {
	run := d.Held.Of(uint32(at))
	if run == nil {
		return nil, false
	}
	return d.Held.Vectors[run.Vector], true
}

// AllHave reports that every replica of a slot has a vector durably, and that no other
// member holds anything of the slot or may still get something of it.
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
