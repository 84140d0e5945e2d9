package causal

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Receive takes a message of a peer, and reports whether it concerns causal buckets. A message
// that breaks a rule of docs/causal.md §12 is dropped. sameCluster says whether a node with some
// births is of this node's cluster: data is given to no other (docs/views.md §3.2).
func (r *Replica) Receive(in *core.Received, sameCluster func(births []ids.View) bool) bool {
	if r.guard.Refuses(in.Header, in.Message) {
		return true
	}
	return r.receiveWrites(in) || r.receiveQuestion(in, sameCluster) || r.receiveAnswer(in)
}

// receiveWrites takes a message of a stream. Only the streams themselves say what it proves of its
// sender: it may have been under way for long.
func (r *Replica) receiveWrites(in *core.Received) bool {
	h := in.Header
	switch m := in.Message.(type) {
	case *wire.Batch:
		r.broadcast.OnBatch(h, m, in.Items)
	case *wire.BatchAck:
		r.broadcast.OnBatchAck(h, m)
	case *wire.ResendRequest:
		r.broadcast.OnResendRequest(h, m)
	case *wire.Truncated:
		r.broadcast.OnTruncated(h, m)
	case *wire.CausalForwardCancel:
		r.requests.Incoming.OnCancel(h, m)
	case *wire.ViewInfoRequest:
		r.info.OnRequest(h, in.ReplyTo, m)
	case *wire.ViewInfo:
		r.info.OnInfo(h, m)
	default:
		return false
	}
	return true
}

// receiveQuestion takes a question, an offer or a request of a client of another node.
func (r *Replica) receiveQuestion(in *core.Received, sameCluster func(births []ids.View) bool) bool {
	h := in.Header
	switch m := in.Message.(type) {
	case *wire.DigestRequest:
		if sameCluster(m.Births) {
			r.sign(h)
			r.responder.OnDigestRequest(h, in.ReplyTo, m)
		}
	case *wire.FetchItems:
		r.sign(h)
		r.responder.OnFetchItems(h, in.ReplyTo, m)
	case *wire.KeyRequest:
		if sameCluster(m.Births) {
			r.sign(h)
			r.requests.Questions.OnRequest(h, in.ReplyTo, m, in.Items)
		}
	case *wire.Handoff:
		r.sign(h)
		r.handoffs.OnHandoff(h, m)
	case *wire.CausalForward:
		r.sign(h)
		r.requests.Incoming.OnForward(h, in.ReplyTo, m, in.Items)
	default:
		return false
	}
	return true
}

// receiveAnswer takes an answer to a question of this node.
func (r *Replica) receiveAnswer(in *core.Received) bool {
	h := in.Header
	switch m := in.Message.(type) {
	case *wire.Digest:
		if r.guard.Credible(h.From, m) {
			r.sign(h)
			if !r.surveys.Answer(h, m) {
				r.exchanges.OnDigest(h, m)
			}
		}
	case *wire.Items:
		r.sign(h)
		r.exchanges.OnItems(h, m, in.Items)
	case *wire.HandoffAck:
		r.sign(h)
		r.handoffs.OnAck(h, m)
	case *wire.KeyReply:
		r.sign(h)
		r.requests.Questions.OnReply(h, m, in.Items)
	case *wire.CausalForwardReply:
		r.sign(h)
		r.requests.Outgoing.OnReply(h, m)
	default:
		return false
	}
	return true
}
