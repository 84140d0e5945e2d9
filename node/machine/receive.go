package machine

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/view"
	"github.com/cohortkv/cohort/node/wire"
)

// receive gives a message to the core that it concerns. If the message carries a view, the view
// is followed first, if the rules allow it. A hello goes to the models only if its sender holds the same
// view.
func (m *Machine) receive(in *core.Received) {
	h := in.Header
	switch msg := in.Message.(type) {
	case *wire.Query:
		m.views.OnQuery(h, in.ReplyTo, msg)
	case *wire.QueryReply:
		m.views.OnQueryReply(h, in.Request, msg)
	case *wire.NewView:
		m.views.OnNewView(h, in.ReplyTo, msg)
	case *wire.NewViewReply:
		m.views.OnNewViewReply(h, msg)
	case *wire.BaseCheck:
		m.views.OnBaseCheck(h, in.ReplyTo, msg)
	case *wire.BaseCheckReply:
		m.views.OnBaseCheckReply(msg)
	case *wire.Hello:
		if m.views.OnHello(h, msg) {
			m.strong.OnHello(h, msg)
			m.causal.OnHello(h, msg)
		}
	default:
		if !m.causal.Receive(in, m.views.SameCluster) {
			m.receiveStrong(in)
		}
	}
}

// receiveStrong gives a message to strong buckets. A view that comes with a JoinRequest or a
// Pull counts only from its primary (docs/views.md §3.4).
func (m *Machine) receiveStrong(in *core.Received) {
	switch msg := in.Message.(type) {
	case *wire.JoinRequest:
		if view.IsPrimaryOf(in.Header, &msg.View, msg.Ballot) {
			m.views.FollowIfAllowed(&msg.View)
		}
	case *wire.Pull:
		if !view.IsPrimaryOf(in.Header, &msg.View, msg.Ballot) {
			return
		}
	}
	m.strong.Receive(in, func(p *wire.Pull) wire.Fate { return m.views.Leave(&p.View, &p.Owed) })
}
