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
		m.views.OnQueryReply(h, msg)
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
		if !m.receiveCausal(in) {
			m.receiveStrong(in)
		}
	}
}

// receiveCausal gives a message to causal buckets; false: it is not for them. Messages that
// break a rule are dropped here. Data is given only to nodes of this node's cluster
// (docs/views.md §3.2).
func (m *Machine) receiveCausal(in *core.Received) bool {
	h, c := in.Header, m.causal
	if c.Refuses(h, in.Message) {
		return true
	}
	switch msg := in.Message.(type) {
	case *wire.Batch:
		c.OnBatch(h, msg, in.Items)
	case *wire.BatchAck:
		c.OnBatchAck(h, msg)
	case *wire.ResendRequest:
		c.OnResendRequest(h, msg)
	case *wire.Truncated:
		c.OnTruncated(h, msg)
	case *wire.DigestRequest:
		if m.views.SameCluster(msg.Births) {
			c.OnDigestRequest(h, in.ReplyTo, msg)
		}
	case *wire.Digest:
		c.OnDigest(h, msg)
	case *wire.FetchItems:
		c.OnFetchItems(h, in.ReplyTo, msg)
	case *wire.Items:
		c.OnItems(h, msg, in.Items)
	case *wire.Handoff:
		c.OnHandoff(h, msg)
	case *wire.HandoffAck:
		c.OnHandoffAck(h, msg)
	case *wire.KeyRequest:
		if m.views.SameCluster(msg.Births) {
			c.OnKeyRequest(h, in.ReplyTo, msg, in.Items)
		}
	case *wire.KeyReply:
		c.OnKeyReply(h, msg, in.Items)
	case *wire.CausalForward:
		c.OnForward(h, in.ReplyTo, msg, in.Items)
	case *wire.CausalForwardReply:
		c.OnForwardReply(h, msg)
	case *wire.CausalForwardCancel:
		c.OnForwardCancel(h, msg)
	case *wire.ViewInfoRequest:
		c.OnViewInfoRequest(h, in.ReplyTo, msg)
	case *wire.ViewInfo:
		c.OnViewInfo(h, msg)
	default:
		return false
	}
	return true
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
