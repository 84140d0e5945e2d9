package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// suspectDelay is how long a request waits for a boot before the node is asked whether
// it is in that boot.
const suspectDelay = 2 * resend

// requestMissingInfo asks for what requests wait for and this node does not know: all
// members for views, and nodes for the boot they are in.
func (r *Replica) requestMissingInfo() {
	l, unknown := &r.boots, r.catalog.Unknown()
	if r.view == nil || len(unknown) == 0 && len(l.suspects) == 0 {
		return
	}
	if r.now < r.infoAt {
		r.alarm(r.infoAt)
		return
	}
	r.infoAt = r.now + suspectDelay
	ask := &wire.ViewInfoRequest{Session: r.session(), Views: unknown}
	for _, p := range r.peers {
		due := func(s suspect) bool { return s.boot.Node == p.id && r.now-s.since >= suspectDelay }
		if !p.apart && (len(unknown) > 0 || slices.ContainsFunc(l.suspects, due)) {
			r.request(p.id, ask)
		}
	}
	if r.waiting.Len() == 0 {
		r.catalog.DropUnknown()
		l.suspects = slices.DeleteFunc(l.suspects, func(s suspect) bool { return r.now-s.since >= stalled })
	}
	r.alarm(r.infoAt)
}

// requestUnknownViews asks a node that named unknown views what they are.
func (r *Replica) requestUnknownViews(from ids.Node, list []wire.Vector) {
	if unknown := r.catalog.UnknownIn(list); len(unknown) > 0 {
		r.request(from, &wire.ViewInfoRequest{Views: unknown})
	}
}

// OnViewInfoRequest says what is known of views.
func (r *Replica) OnViewInfoRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.ViewInfoRequest) {
	r.respond(h.From, replyTo, &wire.ViewInfo{Session: m.Session, Views: r.catalog.Known(m.Views)})
}

// isPeerOrOutside reports that a node is a peer, or was one before this node was told a
// view without itself.
func (r *Replica) isPeerOrOutside(id ids.Node) bool {
	return r.peer(id) != nil || slices.ContainsFunc(r.outside, func(m wire.Member) bool { return m.ID == id })
}

// OnViewInfo takes in what others know of views, and stable cuts that are published.
func (r *Replica) OnViewInfo(h wire.Header, m *wire.ViewInfo) {
	if !r.isPeerOrOutside(h.From) {
		return // it was not asked
	}
	r.boots.answered(h, m.Session)
	news := false
	for _, k := range m.Views {
		k.Layout = k.Layout.Canonical()
		if r.catalog.Add(k) {
			news = true
			r.change.Views = append(r.change.Views, k)
		}
	}
	if news {
		r.after(r.commit(), r.wakeAll)
	}
}
