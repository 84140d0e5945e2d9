package view

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// OnHello notes that a member of the view is there. It reports whether the
// sender holds the same view, so that the models may listen to it.
func (mgr *Manager) OnHello(h wire.Header, m *wire.Hello) bool {
	if m.Data && h.View.Compare(mgr.dataHeardIn) > 0 && !mgr.local.Data() {
		mgr.dataHeardIn = h.View
	}
	p := mgr.peer(h.From)
	if p == nil {
		return false
	}
	switch c := h.View.Compare(mgr.view.ID); {
	case c == 0 && mgr.twin(p, h):
		mgr.box.Event(core.Event{Kind: EventTwin, Peer: h.From, View: h.View})
	case c == 0:
		p.at, p.ever, p.inc, p.progress = mgr.now, true, h.Inc, m.Progress+m.CausalProgress
		return true
	case c < 0 && mgr.now-p.passed >= passOnEvery:
		p.passed = mgr.now
		mgr.box.Send(h.From, &wire.NewView{View: *mgr.view})
	}
	return false
}

// twin reports that a message comes from a process with the id of a member that is
// alive, and is another one: two processes were given one id. The one that the author of
// the view heard counts, or else the one that was heard first in the view.
func (mgr *Manager) twin(p *peer, h wire.Header) bool {
	alive := p.ever && mgr.now-p.at < probeSilence
	return alive && !mutant.On(mutant.BothTwins) && h.Inc != p.inc && !mgr.view.SawIncarnation(h.From, h.Inc)
}

// twinSaid reports that a node hears another process with this node's id. Under a view
// below the one held here that may be a late hello of an earlier boot of this node.
func (mgr *Manager) twinSaid(m *wire.QueryReply) bool {
	return m.Twin && m.View.ID.Compare(mgr.view.ID) >= 0
}

// yieldID takes this node out of its view: its id belongs to another process.
func (mgr *Manager) yieldID(told ids.Node, v ids.View) {
	if !mgr.leftBehind {
		mgr.leftBehind, mgr.changed = true, true
		mgr.box.Event(core.Event{Kind: EventTwin, Peer: told, View: v, Note: "this node's id was given to another process"})
	}
}

// sendHellos greets the members of the view: those that are far and were heard lately
// in one round of farRounds, not all in the same.
func (mgr *Manager) sendHellos(hello wire.Hello) {
	if len(mgr.heard) == 0 {
		return
	}
	m := &hello
	for i := range mgr.heard {
		p := &mgr.heard[i]
		if !p.far || mgr.leftBehind || mgr.silent(p) || (mgr.round+i)%farRounds == 0 {
			mgr.box.Send(p.id, m)
		}
	}
	mgr.round++
}

// silent reports that a member has not been heard in this view, or not for long.
func (mgr *Manager) silent(p *peer) bool { return !p.ever || mgr.now-p.at >= p.silence() }

// probe asks members that have been silent what they hold. The answer tells
// whether this node was left behind; it needs no address of ours at the peer.
func (mgr *Manager) probe() {
	if mgr.view == nil || mgr.outside {
		return
	}
	for i := range mgr.heard {
		p := &mgr.heard[i]
		if mgr.silent(p) && mgr.now-p.probed >= probeSilence {
			p.probed = mgr.now
			mgr.box.Ask(p.id, &wire.Query{Ballot: mgr.local.Ballot()})
		}
	}
}

// onProbeReply finds out that a member replaced this view by one without this
// node, or that it missed this one.
func (mgr *Manager) onProbeReply(h wire.Header, m *wire.QueryReply) {
	if mgr.peer(h.From) == nil || !mgr.credible(m) {
		return
	}
	if !m.Present || m.View.ID.Compare(mgr.view.ID) < 0 {
		mgr.box.Send(h.From, &wire.NewView{View: *mgr.view}) // it missed this one
		return
	}
	if mgr.twinSaid(m) || mgr.otherAddress(&m.View) && m.View.Descends(mgr.view.ID) && !m.View.SawIncarnation(mgr.self, mgr.inc) {
		mgr.yieldID(h.From, m.View.ID)
		return
	}
	switch {
	case len(m.View.Layout.Members()) == 0:
		// The member was told the empty list: it has left, and no member went on without this node.
	case m.View.Descends(mgr.view.ID) && !m.View.Has(mgr.self):
		if !mgr.leftBehind {
			mgr.leftBehind, mgr.changed = true, true
			mgr.box.Event(core.Event{Kind: EventLeftBehind, Peer: h.From, View: m.View.ID})
		}
	default:
		mgr.FollowIfAllowed(&m.View)
	}
}

// Tick does what time asks for.
func (mgr *Manager) Tick(hello func() wire.Hello) {
	if mgr.undialAtTick {
		mgr.undialAtTick = false
		mgr.reach()
	}
	if mgr.view != nil && mgr.now >= mgr.helloAt {
		mgr.helloAt = mgr.now + mgr.helloPause()
		mgr.sendHellos(hello())
		mgr.probe()
		mgr.unheard = mgr.findUnheard()
	}
	mgr.tickPuts()
}

// helloPause is how long after hellos the next ones are due.
func (mgr *Manager) helloPause() wire.Instant {
	switch {
	case mgr.leftBehind, mgr.outside:
		return helloBehind
	case len(mgr.heard) > mgr.crowd:
		return helloToCrowd
	}
	return helloEvery
}

// NextHello is when the next hellos are due; false without a view.
func (mgr *Manager) NextHello() (wire.Instant, bool) {
	return mgr.helloAt, mgr.view != nil && len(mgr.heard) > 0
}
