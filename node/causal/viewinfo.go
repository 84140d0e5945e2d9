package causal

import (
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// requestMissingInfo asks for what waiting requests need to know: all peers that are not
// parted for unknown views, and the nodes of suspected boots for their present boots. If no
// request waits, unknown views are dropped at once and suspicions after 3 s. So a forged
// context causes no questions once its client has left.
func (r *Replica) requestMissingInfo() {
	unknown := r.catalog.Unknown()
	if r.view.None() || len(unknown) == 0 && !r.boots.Suspecting() {
		return
	}
	if r.step.Now() < r.infoAt {
		r.step.Alarm(r.infoAt)
		return
	}
	r.infoAt = r.step.Now() + loss.SuspectDelay
	ask := &wire.ViewInfoRequest{Session: r.step.Session(), Views: unknown}
	for _, p := range r.peers.All() {
		if !p.Apart && (len(unknown) > 0 || r.boots.MustAsk(p.ID)) {
			r.step.Ask(p.ID, ask)
		}
	}
	if r.waiting.Len() == 0 {
		r.catalog.DropUnknown()
		r.boots.DropSuspects()
	}
	r.step.Alarm(r.infoAt)
}

// requestUnknownViews asks the sender of a Digest for the unknown views that its vectors
// name.
func (r *Replica) requestUnknownViews(from ids.Node, list []wire.Vector) {
	if unknown := r.catalog.UnknownIn(list); len(unknown) > 0 {
		r.step.Ask(from, &wire.ViewInfoRequest{Views: unknown})
	}
}

// OnViewInfoRequest answers with what is known of some views. The answer is given in any
// state, even about no view at all: its header tells the boot of this node (docs/causal.md
// §10, rule 5).
func (r *Replica) OnViewInfoRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.ViewInfoRequest) {
	r.step.Respond(h.From, replyTo, &wire.ViewInfo{Session: m.Session, Views: r.catalog.Known(m.Views)})
}

// OnViewInfo takes in answers about views and boots, and published stable cuts. The news is
// used once it is durable.
func (r *Replica) OnViewInfo(h wire.Header, m *wire.ViewInfo) {
	if !r.peers.Known(h.From) {
		return // this node asks no such node
	}
	r.boots.Answered(h, m.Session)
	news := false
	for _, k := range m.Views {
		k.Layout = k.Layout.Canonical()
		if r.catalog.Add(k) {
			news = true
			r.step.Change.Views = append(r.step.Change.Views, k)
		}
	}
	if news {
		r.step.After(r.step.Commit(), r.wakeAll)
	}
}
