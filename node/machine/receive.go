package machine

import (
	"github.com/cohortkv/cohort/node/view"
	"github.com/cohortkv/cohort/node/wire"
)

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
			m.causal.OnHello(h, msg)
		}
	default:
		if !m.spread(in) {
			m.replicate(in)
		}
	}
}

// spread hands over what concerns causal buckets; false: it does not.
func (m *Machine) spread(in *wire.Received) bool {
	h, c := in.Header, m.causal
	if c.Refuses(h, in.Message) {
		return true
	}
	switch msg := in.Message.(type) {
	case *wire.Batch:
		c.OnBatch(h, msg, in.Items)
	case *wire.BatchAck:
		c.OnBatchAck(h, msg)
	case *wire.Missing:
		c.OnMissing(h, msg)
	case *wire.Outrun:
		c.OnOutrun(h, msg)
	case *wire.Open:
		if m.views.Kin(msg.Births) {
			c.OnOpen(h, in.ReplyTo, msg)
		}
	case *wire.Have:
		c.OnHave(h, msg)
	case *wire.Want:
		c.OnWant(h, in.ReplyTo, msg)
	case *wire.Items:
		c.OnItems(h, msg, in.Items)
	case *wire.Offer:
		c.OnOffer(h, msg)
	case *wire.Taken:
		c.OnTaken(h, msg)
	case *wire.AskKey:
		if m.views.Kin(msg.Births) {
			c.OnAskKey(h, in.ReplyTo, msg, in.Items)
		}
	case *wire.KeyAnswer:
		c.OnKeyAnswer(h, msg, in.Items)
	case *wire.Carry:
		c.OnCarry(h, in.ReplyTo, msg, in.Items)
	case *wire.CarryAnswer:
		c.OnCarryAnswer(h, msg)
	case *wire.CarryCancel:
		c.OnCarryCancel(h, msg)
	case *wire.Explain:
		c.OnExplain(h, in.ReplyTo, msg)
	case *wire.Explained:
		c.OnExplained(h, msg)
	default:
		return false
	}
	return true
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
		if view.Leads(h, &msg.View, msg.Ballot) {
			m.views.Offer(&msg.View)
		}
		s.OnCollect(h, msg)
	case *wire.Join:
		s.OnJoin(h, msg)
	case *wire.Pull:
		if !view.Leads(h, &msg.View, msg.Ballot) {
			return
		}
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
