package causal

import (
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/wire"
)

// beginSurvey begins a survey of the members of the view (docs/causal.md §9.1). In the second
// round of a collection the question also says the largest counter that is about to go, for
// this node as for the others.
func (r *Replica) beginSurvey(o *gc.Surveyor, q *gc.Question) {
	o.Conduct(gc.NewSurvey(*q, r.step.Session(), r.view.ID(), r.peers.Members(), r.step.Now()))
	r.raiseGCCounter(q.Collecting)
	r.askSurvey(o.Open())
}

// askSurvey asks the members that have not answered. A node that is the only member has all
// answers at once.
func (r *Replica) askSurvey(s *gc.Survey) {
	for _, id := range s.Ask(r.step.Now()) {
		r.step.Ask(id, &wire.DigestRequest{Session: s.Session, Slots: s.Slots, Survey: true, Collecting: s.Collecting, Births: r.view.Births()})
	}
	r.step.Alarm(r.step.Now() + gc.AskEvery)
	r.completeSurvey(s)
}

// openSurveys are the surveys that are open: one for a stable cut and one for a collection,
// at most.
func (r *Replica) openSurveys() []*gc.Survey {
	var list []*gc.Survey
	for _, o := range []*gc.Surveyor{&r.cuts.Surveyor, &r.collector.Surveyor} {
		if s := o.Open(); s != nil {
			list = append(list, s)
		}
	}
	return list
}

// surveyAnswer takes in a Digest that answers an open survey; false: the Digest belongs to an
// exchange, or is late.
func (r *Replica) surveyAnswer(h wire.Header, m *wire.Digest) bool {
	for _, s := range r.openSurveys() {
		if s.Session == m.Session {
			s.Answer(h.From, m.View, m)
			r.completeSurvey(s)
			return true
		}
	}
	return false
}

// completeSurvey ends a survey when all members have answered, and adds this node's own
// answer.
func (r *Replica) completeSurvey(s *gc.Survey) {
	if s.Complete() {
		own := &wire.Digest{Unsynced: r.unsynced(), StableCut: r.stableCutSum(), Held: r.slots.Holdings(s.Slots, true)}
		r.endSurvey(s, s.Answers(r.cfg.Self, own))
	}
}

// endSurvey hands the answers of a survey to its surveyor; nil: the survey has failed.
func (r *Replica) endSurvey(s *gc.Survey, answers gc.Answers) {
	if s == r.cuts.Open() {
		r.concludeStableCut(answers)
		return
	}
	r.concludeCollection(answers)
}

// tickSurveys ends surveys whose time is over, and repeats unanswered questions.
func (r *Replica) tickSurveys() {
	for _, s := range r.openSurveys() {
		switch failed, again, until := s.Due(r.step.Now()); {
		case failed:
			r.endSurvey(s, nil)
		case again:
			r.askSurvey(s)
		default:
			r.step.Alarm(until)
		}
	}
}
