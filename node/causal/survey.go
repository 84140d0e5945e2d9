package causal

import (
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// beginSurvey begins a survey, which tells the members what is about to go.
func (r *Replica) beginSurvey(o *gc.Surveyor, q *gc.Question) {
	var others []ids.Node
	for _, p := range r.peers {
		if p.member {
			others = append(others, p.id)
		}
	}
	o.Conduct(gc.NewSurvey(*q, r.session(), r.view.ID, others, r.now))
	r.collector.Raise(q.Collecting)
	r.askSurvey(o.Open())
}

// askSurvey asks the members that have not answered.
func (r *Replica) askSurvey(s *gc.Survey) {
	for _, id := range s.Ask(r.now) {
		r.request(id, &wire.DigestRequest{Session: s.Session, Slots: s.Slots, Survey: true, Collecting: s.Collecting, Births: r.births()})
	}
	r.alarm(r.now + gc.AskEvery)
	r.completeSurvey(s)
}

// openSurveys are the surveys that are open.
func (r *Replica) openSurveys() []*gc.Survey {
	var list []*gc.Survey
	for _, o := range []*gc.Surveyor{&r.cuts.Surveyor, &r.collector.Surveyor} {
		if s := o.Open(); s != nil {
			list = append(list, s)
		}
	}
	return list
}

// surveyAnswer takes in an answer to a survey; false: it is none.
func (r *Replica) surveyAnswer(h wire.Header, m *wire.Digest) bool {
	for _, s := range r.openSurveys() {
		if s.Session == m.Session {
			r.sign(h)
			s.Answer(h.From, m.View, m)
			r.completeSurvey(s)
			return true
		}
	}
	return false
}

// completeSurvey ends a survey that all members have answered.
func (r *Replica) completeSurvey(s *gc.Survey) {
	if s.Complete() {
		own := &wire.Digest{Unsynced: r.unsynced(), StableCut: r.stableCutSum(), Held: r.slots.Holdings(s.Slots)}
		r.endSurvey(s, s.Answers(r.cfg.Self, own))
	}
}

// endSurvey goes on with what the survey was for. Without answers it has failed.
func (r *Replica) endSurvey(s *gc.Survey, answers gc.Answers) {
	if s == r.cuts.Open() {
		r.concludeStableCut(answers)
		return
	}
	r.concludeCollection(answers)
}

func (r *Replica) tickSurveys() {
	for _, s := range r.openSurveys() {
		switch failed, again, until := s.Due(r.now); {
		case failed:
			r.endSurvey(s, nil)
		case again:
			r.askSurvey(s)
		default:
			r.alarm(until)
		}
	}
}
