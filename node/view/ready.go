package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// OnCoveredReply tells a node outside the view that its data is in it.
func (k *Keeper) OnBaseCheckReply(_ wire.Header, m *wire.BaseCheckReply) {
	p := k.findPut(m.PutID)
	if p == nil {
		return
	}
	p.afar = m.Progress
	if m.Contained {
		p.covered = true
		k.check(p)
		return
	}
	outdone := p.made && p.higher.View.Compare(p.view.ID) > 0 && k.viewID() == p.view.ID
	if m.Serving && outdone && !p.member && p.mints < maxMints {
		// The view that stands was made without knowledge of this node's data.
		replace(p.view, p.higher.View, p.higher.Renewed)
		k.remint(p, p.higher.View)
	}
}

// CheckPuts answers what has become ready.
func (k *Keeper) CheckPuts() {
	for _, p := range slices.Clone(k.puts) {
		k.check(p)
	}
}

// check answers a PUT when the node is ready to serve its view (API §1.2.2).
func (k *Keeper) check(p *put) {
	if p.stage == querying || k.findPut(p.id) == nil || !k.ready(p) {
		return
	}
	k.finish(p, wire.ViewServed)
}

func (k *Keeper) ready(p *put) bool {
	if mutant.On(mutant.AnswerBeforeReady) {
		return true
	}
	if p.member {
		return k.local.Serving()
	}
	causal, only := k.local.Handed()
	return causal && (only || p.covered || k.blank()) && k.spreadFar(p)
}

// spreadFar reports that every member that answered has taken the view: a node
// outside it has nothing else to make sure of it.
func (k *Keeper) spreadFar(p *put) bool {
	if !p.made {
		return true
	}
	for a := range p.answers {
		if !a.accepted {
			return false
		}
	}
	return true
}

// overtake answers the PUTs of other lists: another view took their place.
func (k *Keeper) overtake(v *wire.View) {
	for _, p := range slices.Clone(k.puts) {
		if p.stage != querying && p.view != nil && p.view != v && !p.layout.Equal(v.Layout) {
			k.finish(p, wire.ViewOvertaken)
		}
	}
}

func (k *Keeper) finish(p *put, o wire.Outcome) {
	k.puts = slices.DeleteFunc(k.puts, func(q *put) bool { return q == p })
	report := k.report(p)
	if k.let = k.let || p.check; !p.check {
		k.reach()
	}
	k.box.Reply(wire.Reply{Token: p.token, Outcome: o, View: report})
}

// Abandon forgets a PUT whose client has left.
func (k *Keeper) Abandon(token wire.Token) bool {
	for _, p := range k.puts {
		if p.token == token {
			k.puts = slices.DeleteFunc(k.puts, func(q *put) bool { return q == p })
			k.reach()
			return true
		}
	}
	return false
}

func (k *Keeper) tickPuts() {
	for _, p := range slices.Clone(k.puts) {
		k.tickPut(p)
	}
}

func (k *Keeper) tickPut(p *put) {
	if p.stage == querying {
		if k.now >= p.resend {
			k.ask(p)
		}
		k.conclude(p)
		return
	}
	k.check(p)
	if k.findPut(p.id) == nil {
		return
	}
	if now := k.progress() + p.afar; now != p.mark {
		p.mark, p.markAt = now, k.now
	}
	if k.now-p.markAt >= putStalled || k.now-p.begun >= p.limit || k.onlyForeign(p) && k.now-p.begun >= putForeign {
		k.finish(p, wire.ViewUnready)
		return
	}
	if p.made && k.now >= p.resend && k.viewID() == p.view.ID {
		k.spreadAgain(p)
	}
	if !p.member && !p.covered && !k.blank() {
		k.askCovered(p)
	}
}

// progress sums up what this node and the members have got done: this one may wait for
// what others bring in.
func (k *Keeper) progress() uint64 {
	sum := k.local.Progress()
	for i := range k.heard {
		sum += k.heard[i].progress
	}
	return sum
}

func (k *Keeper) askCovered(p *put) {
	if id, ok := p.view.Primary(); ok {
		k.box.Post(wire.Envelope{
			To: id, Request: p.id, Message: &wire.BaseCheck{PutID: p.id, Ballot: k.local.Ballot()},
		})
	}
}
