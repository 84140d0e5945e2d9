package wire

import "github.com/cohortkv/cohort/node/ids"

// Batch brings writes of the sender's stream in a view, which have consecutive numbers.
type Batch struct {
	View  ids.View
	First uint64 // number of the first write
	Items []Item // at most 256 KiB of keys and values, but at least one item
}

// Kind implements Message.
func (*Batch) Kind() Kind { return KindBatch }

func (m *Batch) fields(c *causalCodec) {
	c.viewID(&m.View)
	c.ordinal(&m.First)
	c.items(&m.Items)
}

// BatchAck says that the sender has, durably, the receiver's stream in a view up to N.
type BatchAck struct {
	View ids.View
	N    uint64 // included
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

// Truncated answers ResendRequest if the sender does not keep the requested writes any more.
// An exchange brings them.
type Truncated struct {
	View ids.View
	UpTo uint64 // no write with this number or a lower one is kept
}

// Kind implements Message.
func (*Truncated) Kind() Kind { return KindTruncated }

func (m *Truncated) fields(c *codec) {
	c.viewID(&m.View)
	c.ordinal(&m.UpTo)
}
