package hello

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Tick sends hellos and probes that are due. hello returns what the next hello says. ballot is
// that of the node's history.
func (p *Peers) Tick(now wire.Instant, hello func() wire.Hello, ballot ids.Ballot) {
	if p.held.View() == nil || now < p.dueAt {
		return
	}
	p.dueAt = now + p.pause()
	p.send(now, hello())
	p.probe(now, ballot)
	p.unheard = p.findUnheard(now)
}

// Due makes the next hellos due.
func (p *Peers) Due(now wire.Instant) { p.dueAt = now }

// Next returns when the next hellos are due; false: this node has no member to send them to.
func (p *Peers) Next() (wire.Instant, bool) {
	return p.dueAt, p.held.View() != nil && len(p.all) > 0
}

// pause returns the time between two hellos.
func (p *Peers) pause() wire.Instant {
	switch {
	case p.held.LeftBehind(), p.held.Outside():
		return everyBehind
	case len(p.all) > p.crowd:
		return everyInCrowd
	}
	return every
}

// send sends a hello to the members of the view. A far member that is not silent gets one in
// farRounds of them; the far members take turns.
func (p *Peers) send(now wire.Instant, hello wire.Hello) {
	if len(p.all) == 0 {
		return
	}
	m := &hello // one for all: it is encoded once
	for i := range p.all {
		to := &p.all[i]
		if !to.far || p.held.LeftBehind() || to.silent(now) || (p.round+i)%farRounds == 0 {
			p.box.Send(to.id, m)
		}
	}
	p.round++
}

// probe asks silent members what they hold. The answer tells whether this node was left behind
// (I23). It comes back on the connection of the query, so the member needs no address of this
// node.
func (p *Peers) probe(now wire.Instant, ballot ids.Ballot) {
	if p.held.Outside() {
		return
	}
	for i := range p.all {
		m := &p.all[i]
		if m.silent(now) && now-m.probed >= silence {
			m.probed = now
			m.probe = p.box.Ask(m.id, &wire.Query{Ballot: ballot})
		}
	}
}
