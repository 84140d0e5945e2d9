package view

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// OnHello records that a member of the view is alive. It reports whether the models may take
// the hello into account: the sender holds the same view, and its process is the one that
// counts. A sender with a lower view is sent this node's view.
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

// twin reports whether a message comes from a second process with the id of a live member.
// Of two processes with one id, the one that the author of the view had heard counts. If the
// author had heard neither, the one that was heard first in this view counts
// (docs/views.md §3.5).
func (mgr *Manager) twin(p *peer, h wire.Header) bool {
	alive := p.ever && mgr.now-p.at < probeSilence
	return alive && !mutant.On(mutant.BothTwins) && h.Inc != p.inc && !mgr.view.SawIncarnation(h.From, h.Inc)
}

// twinSaid reports whether a peer hears another process with this node's id. An answer under a
// view below the held one says nothing: the peer may have a late hello of an earlier boot of
// this node.
func (mgr *Manager) twinSaid(m *wire.QueryReply) bool {
	return m.Twin && m.View.ID.Compare(mgr.view.ID) >= 0
}

// yieldID gives way to another process with this node's id: the node counts as left behind.
func (mgr *Manager) yieldID(told ids.Node, v ids.View) {
	if !mgr.leftBehind {
		mgr.leftBehind, mgr.changed = true, true
		mgr.box.Event(core.Event{Kind: EventTwin, Peer: told, View: v, Note: "this node's id was given to another process"})
	}
}

// sendHellos sends a hello to the members of the view. A far member that is not silent gets one
// in farRounds of them; the far members take turns.
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

// silent reports whether no hello of a member has come in this view for the member's silence.
func (mgr *Manager) silent(p *peer) bool { return !p.ever || mgr.now-p.at >= p.silence() }

// probe asks silent members what they hold. The answer tells whether this node was left behind
// (I23). It comes back on the connection of the query, so the member needs no address of this
// node.
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

// onProbeReply takes the answer to a probe (docs/views.md §3.1, rule 8). A member without a
// view, or with a lower one, is sent this node's view. If the member's view descends from the
// held one and does not list this node, the node is left behind. Otherwise the member's view is
// followed, if the rules allow it.
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

// Tick sends hellos and probes that are due, and goes on with open PUTs. hello returns what the
// next hello says.
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

// helloPause returns the time between two hellos.
func (mgr *Manager) helloPause() wire.Instant {
	switch {
	case mgr.leftBehind, mgr.outside:
		return helloBehind
	case len(mgr.heard) > mgr.crowd:
		return helloToCrowd
	}
	return helloEvery
}

// NextHello returns when the next hellos are due; false: this node has no member to send them to.
func (mgr *Manager) NextHello() (wire.Instant, bool) {
	return mgr.helloAt, mgr.view != nil && len(mgr.heard) > 0
}
