package causal

import (
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// makeStableCut begins the next survey on the way to a common stable cut of the view
// (docs/causal.md §9.2). Only the member with the lowest id does, so a view gets one cut
// unless that node restarts. Nothing is left to do once the cut is common.
func (r *Replica) makeStableCut() {
	c := &r.cuts
	if r.view.None() || !r.view.Member() || c.Open() != nil || !r.synced {
		return
	}
	known := r.catalog.Get(r.view.ID())
	if first, ok := r.view.Held().Primary(); !ok || first != r.cfg.Self || known.Common {
		return
	}
	if r.step.Now() < c.At || !r.healthy() {
		c.At = max(c.At, r.step.Now()+gc.AskEvery)
		r.step.Alarm(c.At)
		return
	}
	c.At = r.step.Now() + gossipEvery
	q := &gc.Question{}
	if !known.HasStableCut {
		q.Slots = slots.All(r.slots.Space())
	}
	r.beginSurvey(&c.Surveyor, q)
}

// concludeStableCut takes the step that a survey leads to: to make the cut, to publish it
// again, or to publish it as common. answers is nil if the survey has failed.
func (r *Replica) concludeStableCut(answers gc.Answers) {
	r.cuts.Close()
	r.step.Alarm(r.cuts.At)
	known := r.catalog.Get(r.view.ID()).KnownView
	step, unknown := gc.NextCutStep(&known, r.cfg.Self, answers)
	for _, id := range unknown {
		r.step.Ask(id, &wire.ViewInfoRequest{Views: []ids.View{known.ID}})
	}
	switch step {
	case gc.CutWait:
		return
	case gc.CutMake:
		known.HasStableCut, known.StableCut = true, gc.Least(answers, r.view.SlotsOf, r.catalog.Concerns)
	case gc.CutCommon:
		known.Common = true
	}
	r.publish(known)
}

// stableCutSum is the fingerprint of the view's stable cut, by which members compare theirs;
// 0: the cut is not known here.
func (r *Replica) stableCutSum() uint64 {
	if r.view.None() {
		return 0
	}
	return gc.CutSum(&r.catalog.Get(r.view.ID()).KnownView)
}

// publish tells all peers the stable cut of a view, once it is durable here.
func (r *Replica) publish(k wire.KnownView) {
	if r.catalog.Add(k) {
		r.step.Change.Views = append(r.step.Change.Views, k)
		r.step.Commit()
	}
	for _, p := range r.peers.All() {
		r.step.SendDurable(p.ID, &wire.ViewInfo{Views: []wire.KnownView{k}})
	}
	r.step.Event(core.Event{Kind: EventStableCut, View: k.ID, Count: uint64(len(k.StableCut))})
}
