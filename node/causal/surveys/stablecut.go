package surveys

import (
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// cutEvery is the time between two tries of a stable cut.
const cutEvery = 1 * wire.Second

// MakeCut begins the next survey on the way to a common stable cut of the view
// (docs/causal.md §9.2). Only the member with the lowest id does, so a view gets one cut
// unless that node restarts. Nothing is left to do once the cut is common.
func (y *Surveys) MakeCut() {
	c := &y.cuts
	if y.view.None() || !y.view.Member() || c.Open() != nil || !y.host.Synced() {
		return
	}
	known := y.catalog.Get(y.view.ID())
	if first, ok := y.view.Held().Primary(); !ok || first != y.step.Self.Node || known.Common {
		return
	}
	if y.step.Now() < c.At || !y.healthy() {
		c.At = max(c.At, y.step.Now()+gc.AskEvery)
		y.step.Alarm(c.At)
		return
	}
	c.At = y.step.Now() + cutEvery
	q := &gc.Question{}
	if !known.HasStableCut {
		q.Slots = slots.All(y.slots.Space())
	}
	y.begin(&c.Surveyor, q)
}

// concludeCut takes the step that a survey leads to: to make the cut, to publish it
// again, or to publish it as common. answers is nil if the survey has failed.
func (y *Surveys) concludeCut(answers gc.Answers) {
	y.cuts.Close()
	y.step.Alarm(y.cuts.At)
	known := y.catalog.Get(y.view.ID()).KnownView
	step, unknown := gc.NextCutStep(&known, y.step.Self.Node, answers)
	for _, id := range unknown {
		y.step.Ask(id, &wire.ViewInfoRequest{Views: []ids.View{known.ID}})
	}
	switch step {
	case gc.CutWait:
		return
	case gc.CutMake:
		known.HasStableCut, known.StableCut = true, gc.Least(answers, y.view.SlotsOf, y.catalog.Concerns)
	case gc.CutCommon:
		known.Common = true
	}
	y.publish(known)
}

// CutSum is the fingerprint of the view's stable cut, by which members compare theirs;
// 0: the cut is not known here.
func (y *Surveys) CutSum() uint64 {
	if y.view.None() {
		return 0
	}
	return gc.CutSum(&y.catalog.Get(y.view.ID()).KnownView)
}

// publish tells all peers the stable cut of a view, once it is durable here.
func (y *Surveys) publish(k wire.KnownView) {
	if y.catalog.Add(k) {
		y.step.Change.Views = append(y.step.Change.Views, k)
		y.step.Commit()
	}
	for _, p := range y.peers.All() {
		y.step.SendDurable(p.ID, &wire.ViewInfo{Views: []wire.KnownView{k}})
	}
	y.step.Event(core.Event{Kind: EventStableCut, View: k.ID, Count: uint64(len(k.StableCut))})
}
