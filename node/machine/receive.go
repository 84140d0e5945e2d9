package machine

import "github.com/cohortkv/cohort/node/wire"

// receive hands a message to the part that it concerns. Views that come along
// are followed, or not, before the message is looked at.
func (m *Machine) receive(in *wire.Received) {
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
	case *wire.Covered:
		m.views.OnCovered(h, in.ReplyTo, msg)
	case *wire.CoveredReply:
		m.views.OnCoveredReply(h, msg)
	case *wire.Hello:
		if m.views.OnHello(h, msg) {
			m.strong.OnHello(h, msg)
		}
	default:
		m.replicate(in)
	}
}

func (m *Machine) replicate(in *wire.Received) {
	h, s := in.Header, m.strong
	switch msg := in.Message.(type) {
	case *wire.Prepare:
		s.OnPrepare(h, msg)
	case *wire.Ack:
		s.OnAck(h, msg)
	case *wire.Forward:
		s.OnForward(h, in.ReplyTo, msg, in.Stored)
	case *wire.ForwardReply:
		s.OnForwardReply(h, in.Request, msg)
	case *wire.Confirm:
		s.OnConfirm(h, msg)
	case *wire.Confirmed:
		s.OnConfirmed(h, msg)
	case *wire.Collect:
		m.views.Offer(&msg.View)
		s.OnCollect(h, msg)
	case *wire.Join:
		s.OnJoin(h, msg)
	case *wire.Pull:
		s.OnPull(h, in.ReplyTo, msg, func() wire.Fate { return m.views.Leave(&msg.View, &msg.Owed) })
	case *wire.PullReply:
		s.OnPullReply(h, msg)
	case *wire.Cancel:
		s.OnCancel(h, msg)
	case *wire.Low:
		s.OnLow(h, msg)
	case *wire.Start:
		s.OnStart(h, msg)
	case *wire.Started:
		s.OnStarted(h, msg)
	case *wire.Active:
		s.OnActive(h, msg)
	case *wire.Fetch:
		s.OnFetch(h, msg)
	case *wire.Chunk:
		s.OnChunk(h, msg)
	}
}
