// Package viewinfo asks other nodes for what waiting requests need to know: the views that their
// contexts name, and in which boots nodes are (docs/causal.md §9.2, §10). It answers the same
// questions.
//
// An Asker is a state machine without I/O. One goroutine at a time may use it.
package viewinfo

import (
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Requests are the requests of clients at this node.
type Requests interface {
	// Waiting is how many requests wait.
	Waiting() int
	// WakeAll tries all waiting requests again.
	WakeAll()
}

// Asker asks for views and boots.
type Asker struct {
	step     *step.Step
	view     *membership.View
	catalog  *catalog.Catalog
	boots    *loss.Boots
	peers    *peers.List
	requests Requests

	at wire.Instant // peers are not asked for unknown views and suspected boots before this time
}

// New returns an Asker that has asked nothing.
func New(s *step.Step, v *membership.View, c *catalog.Catalog, b *loss.Boots, p *peers.List, r Requests) *Asker {
	return &Asker{step: s, view: v, catalog: c, boots: b, peers: p, requests: r}
}

// AskMissing asks for what waiting requests need to know: all peers that are not
// parted for unknown views, and the nodes of suspected boots for their present boots. If no
// request waits, unknown views are dropped at once and suspicions after 3 s. So a forged
// context causes no questions once its client has left.
func (a *Asker) AskMissing() {
	unknown := a.catalog.Unknown()
	if a.view.None() || len(unknown) == 0 && !a.boots.Suspecting() {
		return
	}
	if a.step.Now() < a.at {
		a.step.Alarm(a.at)
		return
	}
	a.at = a.step.Now() + loss.SuspectDelay
	ask := &wire.ViewInfoRequest{Session: a.step.Session(), Views: unknown}
	for _, p := range a.peers.All() {
		if !p.Apart && (len(unknown) > 0 || a.boots.MustAsk(p.ID)) {
			a.step.Ask(p.ID, ask)
		}
	}
	if a.requests.Waiting() == 0 {
		a.catalog.DropUnknown()
		a.boots.DropSuspects()
	}
	a.step.Alarm(a.at)
}

// AskUnknown asks the sender of a Digest for the unknown views that its vectors
// name.
func (a *Asker) AskUnknown(from ids.Node, list []wire.Vector) {
	if unknown := a.catalog.UnknownIn(list); len(unknown) > 0 {
		a.step.Ask(from, &wire.ViewInfoRequest{Views: unknown})
	}
}

// OnRequest answers with what is known of some views. The answer is given in any
// state, even about no view at all: its header tells the boot of this node (docs/causal.md
// §10, rule 5).
func (a *Asker) OnRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.ViewInfoRequest) {
	a.step.Respond(h.From, replyTo, &wire.ViewInfo{Session: m.Session, Views: a.catalog.Known(m.Views)})
}

// OnInfo takes in answers about views and boots, and published stable cuts. The news is
// used once it is durable.
func (a *Asker) OnInfo(h wire.Header, m *wire.ViewInfo) {
	if !a.peers.Known(h.From) {
		return // this node asks no such node
	}
	a.boots.Answered(h, m.Session)
	news := false
	for _, k := range m.Views {
		k.Layout = k.Layout.Canonical()
		if a.catalog.Add(k) {
			news = true
			a.step.Change.Views = append(a.step.Change.Views, k)
		}
	}
	if news {
		a.step.After(a.step.Commit(), a.requests.WakeAll)
	}
}

// AskCut asks the sender of a Digest for the stable cut of its view, if it knows one and this node
// does not: contexts may refer to that cut.
func (a *Asker) AskCut(from ids.Node, m *wire.Digest) {
	if c := a.catalog.Get(m.View); m.StableCut != 0 && (c == nil || !c.HasStableCut) {
		a.step.Ask(from, &wire.ViewInfoRequest{Views: []ids.View{m.View}})
	}
}
