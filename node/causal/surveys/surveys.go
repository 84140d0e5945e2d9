// Package surveys conducts the surveys of the members of a view (docs/causal.md §9): it makes the
// stable cut of the view, and collects tombstones. Package gc decides what the answers mean.
//
// Surveys is a state machine without I/O. One goroutine at a time may use it.
package surveys

import (
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/satisfied"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/wire"
)

// Host is the replica that a survey is conducted at.
type Host interface {
	// Synced reports that data is neither on its way to this node nor from it.
	Synced() bool
	// Unsynced reports that data may still be on its way here, or may come from a former member.
	Unsynced() bool
	// WritePending persists pending knowledge.
	WritePending()
}

// Surveys conducts at most two surveys at a time: one for the stable cut, and one for a
// collection.
type Surveys struct {
	step      *step.Step
	view      *membership.View
	peers     *peers.List
	catalog   *catalog.Catalog
	slots     *slots.Table
	items     *items.Items
	collector *gc.Collector
	satisfied *satisfied.Checker
	host      Host

	cuts gc.CutMaker
}

// Parts are the parts of a replica that surveys are conducted with.
type Parts struct {
	Step      *step.Step
	View      *membership.View
	Peers     *peers.List
	Catalog   *catalog.Catalog
	Slots     *slots.Table
	Items     *items.Items
	Collector *gc.Collector
	Satisfied *satisfied.Checker
	Host      Host
}

// New returns a node's surveys: none.
func New(p Parts) *Surveys {
	return &Surveys{
		step: p.Step, view: p.View, peers: p.Peers, catalog: p.Catalog, slots: p.Slots, items: p.Items,
		collector: p.Collector, satisfied: p.Satisfied, host: p.Host,
	}
}

// Reset ends all surveys, because the view has ended. What they were for begins anew.
func (y *Surveys) Reset() {
	y.cuts = gc.CutMaker{}
	y.collector.Close()
}

// begin begins a survey of the members of the view (docs/causal.md §9.1). In the second
// round of a collection the question also says the largest counter that is about to go, for
// this node as for the others.
func (y *Surveys) begin(o *gc.Surveyor, q *gc.Question) {
	o.Conduct(gc.NewSurvey(*q, y.step.Session(), y.view.ID(), y.peers.Members(), y.step.Now()))
	y.RaiseGCCounter(q.Collecting)
	y.ask(o.Open())
}

// ask asks the members that have not answered. A node that is the only member has all
// answers at once.
func (y *Surveys) ask(s *gc.Survey) {
	for _, id := range s.Ask(y.step.Now()) {
		y.step.Ask(id, &wire.DigestRequest{Session: s.Session, Slots: s.Slots, Survey: true, Collecting: s.Collecting, Births: y.view.Births()})
	}
	y.step.Alarm(y.step.Now() + gc.AskEvery)
	y.complete(s)
}

// open are the surveys that are open: one for a stable cut and one for a collection,
// at most.
func (y *Surveys) open() []*gc.Survey {
	var list []*gc.Survey
	for _, o := range []*gc.Surveyor{&y.cuts.Surveyor, &y.collector.Surveyor} {
		if s := o.Open(); s != nil {
			list = append(list, s)
		}
	}
	return list
}

// Answer takes in a Digest that answers an open survey; false: the Digest belongs to an
// exchange, or is late.
func (y *Surveys) Answer(h wire.Header, m *wire.Digest) bool {
	for _, s := range y.open() {
		if s.Session == m.Session {
			s.Answer(h.From, m.View, m)
			y.complete(s)
			return true
		}
	}
	return false
}

// complete ends a survey when all members have answered, and adds this node's own
// answer.
func (y *Surveys) complete(s *gc.Survey) {
	if s.Complete() {
		own := &wire.Digest{Unsynced: y.host.Unsynced(), StableCut: y.CutSum(), Held: y.slots.Holdings(s.Slots, true)}
		y.end(s, s.Answers(y.step.Self.Node, own))
	}
}

// end hands the answers of a survey to its surveyor; nil: the survey has failed.
func (y *Surveys) end(s *gc.Survey, answers gc.Answers) {
	if s == y.cuts.Open() {
		y.concludeCut(answers)
		return
	}
	y.concludeCollection(answers)
}

// Tick ends surveys whose time is over, and repeats unanswered questions.
func (y *Surveys) Tick() {
	for _, s := range y.open() {
		switch failed, again, until := s.Due(y.step.Now()); {
		case failed:
			y.end(s, nil)
		case again:
			y.ask(s)
		default:
			y.step.Alarm(until)
		}
	}
}

// healthy reports that a survey may begin (docs/causal.md §9.1, rule 3): all members can
// answer, and no data is on its way to or from this node.
func (y *Surveys) healthy() bool {
	if !y.view.Member() || y.view.Closed() || !y.host.Synced() || y.slots.Unready() > 0 || y.peers.HasFormer() || y.slots.ForOthers() {
		return false
	}
	return y.peers.AllReady()
}
