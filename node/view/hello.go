package view

import "github.com/cohortkv/cohort/node/wire"

// OnHello notes that a member of the view is there. It reports whether the
// sender holds the same view, so that the models may listen to it.
func (k *Keeper) OnHello(h wire.Header, m *wire.Hello) bool {
	if m.Data && h.View.Compare(k.hearsay) > 0 && !k.local.Data() {
		k.hearsay = h.View
	}
	p := k.peer(h.From)
	if p == nil {
		return false
	}
	switch c := h.View.Compare(k.view.ID); {
	case c == 0 && k.twin(p, h):
		k.box.Event(wire.Event{Kind: EventTwin, Peer: h.From, View: h.View})
	case c == 0:
		p.at, p.ever, p.inc, p.progress = k.now, true, h.Inc, m.Progress+m.CausalProgress
		return true
	case c < 0 && k.now-p.passed >= passOnEvery:
		p.passed = k.now
		k.box.Send(h.From, &wire.NewView{View: *k.view})
	}
	return false
}

// twin reports that a message comes from a process with the id of a member that is
// alive, and is another one: two processes were given one id. The one that the author of
// the view heard counts, or else the one that was heard first in the view.
func (k *Keeper) twin(p *peer, h wire.Header) bool {
	alive := p.ever && k.now-p.at < probeSilence
	return alive && h.Inc != p.inc && !k.view.SawIncarnation(h.From, h.Inc)
}

// twinSaid reports that a node hears another process with this node's id. Under a view
// below the one held here that may be a late greeting of this node's former life.
func (k *Keeper) twinSaid(m *wire.QueryReply) bool {
	return m.Twin && m.View.ID.Compare(k.view.ID) >= 0
}

// giveWay takes this node out of its view: its id belongs to another process.
func (k *Keeper) giveWay(told wire.NodeID, v wire.ViewID) {
	if !k.leftBehind {
		k.leftBehind, k.changed = true, true
		k.box.Event(wire.Event{Kind: EventTwin, Peer: told, View: v, Note: "this node's id was given to another process"})
	}
}

// sendHellos greets the members of the view: those that are far and were heard lately
// in one round of farRounds, not all in the same.
func (k *Keeper) sendHellos(hello wire.Hello) {
	if len(k.heard) == 0 {
		return
	}
	m := &hello
	for i := range k.heard {
		p := &k.heard[i]
		if !p.far || k.leftBehind || k.silent(p) || (k.round+i)%farRounds == 0 {
			k.box.Send(p.id, m)
		}
	}
	k.round++
}

// silent reports that a member has not been heard in this view, or not for long.
func (k *Keeper) silent(p *peer) bool { return !p.ever || k.now-p.at >= p.silence() }

// probe asks members that have been silent what they hold. The answer tells
// whether this node was left behind; it needs no address of ours at the peer.
func (k *Keeper) probe() {
	if k.view == nil || k.outside {
		return
	}
	for i := range k.heard {
		p := &k.heard[i]
		if k.silent(p) && k.now-p.probed >= probeSilence {
			p.probed = k.now
			k.nextPut++
			k.box.Post(wire.Envelope{To: p.id, Request: k.nextPut, Message: &wire.Query{Ballot: k.local.Ballot()}})
		}
	}
}

// onProbeReply finds out that a member replaced this view by one without this
// node, or that it missed this one.
func (k *Keeper) onProbeReply(h wire.Header, m *wire.QueryReply) {
	if k.peer(h.From) == nil || !k.credible(m) {
		return
	}
	if !m.Present || m.View.ID.Compare(k.view.ID) < 0 {
		k.box.Send(h.From, &wire.NewView{View: *k.view}) // it missed this one
		return
	}
	if k.twinSaid(m) || k.elsewhere(&m.View) && m.View.Descends(k.view.ID) && !m.View.SawIncarnation(k.self, k.inc) {
		k.giveWay(h.From, m.View.ID)
		return
	}
	if m.View.Descends(k.view.ID) && !m.View.Has(k.self) {
		if !k.leftBehind {
			k.leftBehind, k.changed = true, true
			k.box.Event(wire.Event{Kind: EventLeftBehind, Peer: h.From, View: m.View.ID})
		}
		return
	}
	k.Offer(&m.View)
}

// Tick does what time asks for.
func (k *Keeper) Tick(hello func() wire.Hello) {
	if k.let {
		k.let = false
		k.reach()
	}
	if k.view != nil && k.now >= k.helloAt {
		k.helloAt = k.now + k.helloPause()
		k.sendHellos(hello())
		k.probe()
		k.unheard = k.lookForUnheard()
	}
	k.tickPuts()
}

// helloPause is how long after hellos the next ones are due.
func (k *Keeper) helloPause() wire.Instant {
	switch {
	case k.leftBehind, k.outside:
		return helloBehind
	case len(k.heard) > k.crowd:
		return helloToCrowd
	}
	return helloEvery
}

// NextHello is when the next hellos are due; false without a view.
func (k *Keeper) NextHello() (wire.Instant, bool) {
	return k.helloAt, k.view != nil && len(k.heard) > 0
}
