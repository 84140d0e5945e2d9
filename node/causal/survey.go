package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// survey asks all members of the view, this node among them, what they know of some
// slots. It succeeds when all have answered, in the same view.
type survey struct {
	session    uint64
	slots      []wire.SlotRange
	view       ids.View
	collecting uint64 // the largest counter of the tombstones that are to go
	begun      wire.Instant
	asked      wire.Instant
	answers    map[ids.Node]*wire.Digest
	do         func(map[ids.Node]*wire.Digest) // nil: it failed
}

// beginSurvey begins a survey, which tells the members what is about to go.
func (r *Replica) beginSurvey(list []wire.SlotRange, collecting uint64, do func(map[ids.Node]*wire.Digest)) {
	s := &survey{
		session: r.session(), slots: list, view: r.view.ID, collecting: collecting, begun: r.now,
		answers: map[ids.Node]*wire.Digest{}, do: do,
	}
	r.raiseGCCounter(collecting)
	r.surveys = append(r.surveys, s)
	r.askSurvey(s)
}

func (r *Replica) askSurvey(s *survey) {
	s.asked = r.now
	for _, p := range r.peers {
		if p.member && s.answers[p.id] == nil {
			r.request(p.id, &wire.DigestRequest{Session: s.session, Slots: s.slots, Survey: true, Collecting: s.collecting, Births: r.births()})
		}
	}
	r.alarm(r.now + 2*resend)
	r.concludeSurvey(s)
}

// surveyAnswer takes in an answer to a survey; false: it is none.
func (r *Replica) surveyAnswer(h wire.Header, m *wire.Digest) bool {
	i := slices.IndexFunc(r.surveys, func(s *survey) bool { return s.session == m.Session })
	if i < 0 {
		return false
	}
	s := r.surveys[i]
	if p := r.sign(h); p != nil && p.member && m.View == s.view {
		s.answers[h.From] = m
		r.concludeSurvey(s)
	}
	return true
}

func (r *Replica) concludeSurvey(s *survey) {
	members := 0
	for _, p := range r.peers {
		if p.member {
			members++
		}
	}
	if len(s.answers) < members {
		return
	}
	r.dropSurvey(s)
	if s.view == r.viewID() {
		s.answers[r.cfg.Self] = r.ownDigest(s.slots)
		s.do(s.answers)
	}
}

func (r *Replica) dropSurvey(s *survey) {
	r.surveys = slices.DeleteFunc(r.surveys, func(o *survey) bool { return o == s })
}

func (r *Replica) tickSurveys() {
	for _, s := range slices.Clone(r.surveys) {
		switch {
		case r.now-s.begun >= surveyPatience:
			r.dropSurvey(s)
			s.do(nil)
		case r.now-s.asked >= 2*resend:
			r.askSurvey(s)
		default:
			r.alarm(s.asked + 2*resend)
		}
	}
}
