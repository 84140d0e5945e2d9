package wire

import "fmt"

// Kind tells message types apart on the wire. Numbers are never reused.
type Kind uint8

// The kinds.
const (
	KindQuery Kind = iota + 1
	KindQueryReply
	KindNewView
	KindNewViewReply
	KindHello
	KindBaseCheck
	KindBaseCheckReply
	KindJoinRequest
	KindJoin
	KindBallotTooLow
	KindStart
	KindStarted
	KindActive
	KindFetch
	KindChunk
	KindPrepare
	KindAck
	KindForward
	KindForwardReply
	KindConfirm
	KindConfirmed
	KindPull
	KindPullReply
	KindCancel
	KindBatch
	KindBatchAck
	KindResendRequest
	KindTruncated
	KindDigestRequest
	KindDigest
	KindFetchItems
	KindItems
	KindHandoff
	KindHandoffAck
	KindKeyRequest
	KindKeyReply
	KindCausalForward
	KindCausalForwardReply
	KindCausalForwardCancel
	KindViewInfoRequest
	KindViewInfo
)

// kindTable has a row for each kind: its name, for errors, traces and labels of metrics, and
// how an empty message is made.
var kindTable = [...]struct {
	name string
	new  func() Message
}{
	KindQuery:               {"query", func() Message { return new(Query) }},
	KindQueryReply:          {"query reply", func() Message { return new(QueryReply) }},
	KindNewView:             {"new view", func() Message { return new(NewView) }},
	KindNewViewReply:        {"new view reply", func() Message { return new(NewViewReply) }},
	KindHello:               {"hello", func() Message { return new(Hello) }},
	KindBaseCheck:           {"base check", func() Message { return new(BaseCheck) }},
	KindBaseCheckReply:      {"base check reply", func() Message { return new(BaseCheckReply) }},
	KindJoinRequest:         {"join request", func() Message { return new(JoinRequest) }},
	KindJoin:                {"join", func() Message { return new(Join) }},
	KindBallotTooLow:        {"ballot too low", func() Message { return new(BallotTooLow) }},
	KindStart:               {"start", func() Message { return new(Start) }},
	KindStarted:             {"started", func() Message { return new(Started) }},
	KindActive:              {"active", func() Message { return new(Active) }},
	KindFetch:               {"fetch", func() Message { return new(Fetch) }},
	KindChunk:               {"chunk", func() Message { return new(Chunk) }},
	KindPrepare:             {"prepare", func() Message { return new(Prepare) }},
	KindAck:                 {"ack", func() Message { return new(Ack) }},
	KindForward:             {"forward", func() Message { return new(Forward) }},
	KindForwardReply:        {"forward reply", func() Message { return new(ForwardReply) }},
	KindConfirm:             {"confirm", func() Message { return new(Confirm) }},
	KindConfirmed:           {"confirmed", func() Message { return new(Confirmed) }},
	KindPull:                {"pull", func() Message { return new(Pull) }},
	KindPullReply:           {"pull reply", func() Message { return new(PullReply) }},
	KindCancel:              {"cancel", func() Message { return new(Cancel) }},
	KindBatch:               {"batch", func() Message { return new(Batch) }},
	KindBatchAck:            {"batch ack", func() Message { return new(BatchAck) }},
	KindResendRequest:       {"resend request", func() Message { return new(ResendRequest) }},
	KindTruncated:           {"truncated", func() Message { return new(Truncated) }},
	KindDigestRequest:       {"digest request", func() Message { return new(DigestRequest) }},
	KindDigest:              {"digest", func() Message { return new(Digest) }},
	KindFetchItems:          {"fetch items", func() Message { return new(FetchItems) }},
	KindItems:               {"items", func() Message { return new(Items) }},
	KindHandoff:             {"handoff", func() Message { return new(Handoff) }},
	KindHandoffAck:          {"handoff ack", func() Message { return new(HandoffAck) }},
	KindKeyRequest:          {"key request", func() Message { return new(KeyRequest) }},
	KindKeyReply:            {"key reply", func() Message { return new(KeyReply) }},
	KindCausalForward:       {"causal forward", func() Message { return new(CausalForward) }},
	KindCausalForwardReply:  {"causal forward reply", func() Message { return new(CausalForwardReply) }},
	KindCausalForwardCancel: {"causal forward cancel", func() Message { return new(CausalForwardCancel) }},
	KindViewInfoRequest:     {"view info request", func() Message { return new(ViewInfoRequest) }},
	KindViewInfo:            {"view info", func() Message { return new(ViewInfo) }},
}

// String names the kind.
func (k Kind) String() string {
	if int(k) < len(kindTable) && kindTable[k].name != "" {
		return kindTable[k].name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Kinds lists all kinds, ascending.
func Kinds() []Kind {
	var all []Kind
	for k := range kindTable {
		if kindTable[k].new != nil {
			all = append(all, Kind(k))
		}
	}
	return all
}

// NewMessage returns an empty message, nil for a kind that is not known.
func NewMessage(k Kind) Message {
	if int(k) < len(kindTable) && kindTable[k].new != nil {
		return kindTable[k].new()
	}
	return nil
}

// message takes the body of a message through. A call through the interface would move the
// codec to the heap, so each description is called by its type. These are the messages of
// docs/strong.md, which come most often.
func (c *codec) message(m Message) {
	switch m := m.(type) {
	case *JoinRequest:
		m.fields(c)
	case *Join:
		m.fields(c)
	case *BallotTooLow:
		m.fields(c)
	case *Start:
		m.fields(c)
	case *Started:
		m.fields(c)
	case *Active:
		m.fields(c)
	case *Fetch:
		m.fields(c)
	case *Chunk:
		m.fields(c)
	case *Prepare:
		m.fields(c)
	case *Ack:
		m.fields(c)
	case *Forward:
		m.fields(c)
	case *ForwardReply:
		m.fields(c)
	case *Confirm:
		m.fields(c)
	case *Confirmed:
		m.fields(c)
	case *Pull:
		m.fields(c)
	case *PullReply:
		m.fields(c)
	case *Cancel:
		m.fields(c)
	default:
		c.viewMessage(m)
	}
}

// viewMessage takes the messages of docs/views.md through.
func (c *codec) viewMessage(m Message) {
	switch m := m.(type) {
	case *Query:
		m.fields(c)
	case *QueryReply:
		m.fields(c)
	case *NewView:
		m.fields(c)
	case *NewViewReply:
		m.fields(c)
	case *Hello:
		m.fields(c)
	case *BaseCheck:
		m.fields(c)
	case *BaseCheckReply:
		m.fields(c)
	default:
		c := causalCodec{codec: c}
		c.message(m)
	}
}

// message takes the messages of docs/causal.md through.
func (c *causalCodec) message(m Message) {
	switch m := m.(type) {
	case *Batch:
		m.fields(c)
	case *BatchAck:
		m.fields(c.codec)
	case *ResendRequest:
		m.fields(c.codec)
	case *Truncated:
		m.fields(c.codec)
	case *DigestRequest:
		m.fields(c)
	case *Digest:
		m.fields(c)
	case *FetchItems:
		m.fields(c)
	case *Items:
		m.fields(c)
	case *Handoff:
		m.fields(c.codec)
	case *HandoffAck:
		m.fields(c)
	case *KeyRequest:
		m.fields(c.codec)
	case *KeyReply:
		m.fields(c)
	case *CausalForward:
		m.fields(c)
	case *CausalForwardReply:
		m.fields(c)
	case *CausalForwardCancel:
		m.fields(c.codec)
	case *ViewInfoRequest:
		m.fields(c.codec)
	case *ViewInfo:
		m.fields(c)
	default:
		panic(fmt.Sprintf("wire: no encoding for %T", m))
	}
}
