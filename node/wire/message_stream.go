package wire

import "github.com/cohortkv/cohort/node/ids"

// Batch carries writes of the sender's stream in a view, the first under number
// First, the next ones under the numbers that follow.
type Batch struct {
	View  ids.View
	First uint64
	Items []Item
}

// Kind implements Message.
func (*Batch) Kind() Kind { return KindBatch }

func (m *Batch) fields(c *causalCodec) {
	c.viewID(&m.View)
	c.ordinal(&m.First)
	c.items(&m.Items)
}

// BatchAck says that of the receiver's stream in a view everything up to N is held,
// durably.
type BatchAck struct {
	View ids.View
	N    uint64
}

// Kind implements Message.
func (*BatchAck) Kind() Kind { return KindBatchAck }

func (m *BatchAck) fields(c *codec) {
	c.viewID(&m.View)
	c.ordinal(&m.N)
}

// ResendRequest asks for a part of the receiver's own stream again.
type ResendRequest struct {
	View     ids.View
	From, To uint64 // both included
}

// Kind implements Message.
func (*ResendRequest) Kind() Kind { return KindResendRequest }

func (m *ResendRequest) fields(c *codec) {
	c.viewID(&m.View)
	c.ordinal(&m.From)
	c.ordinal(&m.To)
}

// Truncated answers ResendRequest: the writes that are asked for, up to UpTo, are not
// kept any more. An exchange brings them.
type Truncated struct {
	View ids.View
	UpTo uint64
}

// Kind implements Message.
func (*Truncated) Kind() Kind { return KindTruncated }

func (m *Truncated) fields(c *codec) {
	c.viewID(&m.View)
	c.ordinal(&m.UpTo)
}
