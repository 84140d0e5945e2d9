package wire

import "github.com/cohortkv/cohort/node/ids"

// Forward carries writes from a member to the primary, as a bus request. The
// request ids are (sender, its boot, Counter).
type Forward struct {
	Ballot     ids.Ballot
	LowestOpen uint64
	Ops        []ForwardedOp // ascending by Counter
}

// Kind implements Message.
func (*Forward) Kind() Kind { return KindForward }

func (m *Forward) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.uvarint(&m.LowestOpen)
	last := m.LowestOpen
	for i := range list(c, &m.Ops, &forwardedOpList) {
		m.Ops[i].fields(c, &last)
	}
}

// ForwardedOp is one client's write on its way to the primary.
type ForwardedOp struct {
	Counter uint64
	Op      Op
}

// fields writes the counter as the distance from the last one.
func (f *ForwardedOp) fields(c *codec, last *uint64) {
	c.delta(last, &f.Counter)
	f.Op.fields(c)
	c.enum((*byte)(&f.Op.Condition), &conditions)
	hasMatch := f.Op.Match != Version{}
	c.bool(&hasMatch)
	if hasMatch {
		f.Op.Match.fields(c)
	}
}

var forwardedOpList = elements("operations", func(c *causalCodec) {
	(&ForwardedOp{Op: Op{Kind: OpPut, Key: "k"}}).fields(c.codec, new(uint64))
})

// ForwardReply answers a Forward: Answers has those that were decided; Refused
// says that the receiver does not serve the ballot (any more, or yet).
type ForwardReply struct {
	Ballot  ids.Ballot
	Refused bool
	Answers []Answer
}

// Kind implements Message.
func (*ForwardReply) Kind() Kind { return KindForwardReply }

func (m *ForwardReply) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.bool(&m.Refused)
	c.answers(0, &m.Answers)
}

// Cancel says that the clients of these writes have left: what is not in a log is
// dropped, what is in one is cut off when that is safe (docs/strong.md §3).
type Cancel struct {
	Ballot   ids.Ballot
	Counters []uint64 // ascending
}

// Kind implements Message.
func (*Cancel) Kind() Kind { return KindCancel }

func (m *Cancel) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.requestCounters(&m.Counters)
}

var counterList = elements("counters", func(c *causalCodec) { c.delta(new(uint64), new(uint64)) })

// requestCounters writes counters as distances.
func (c *codec) requestCounters(s *[]uint64) {
	last := uint64(0)
	for i := range list(c, s, &counterList) {
		c.delta(&last, &(*s)[i])
	}
}

// Prepare carries a batch of entries of the ballot, the first at position First,
// and the committed position. Empty Entries: only the position.
type Prepare struct {
	Ballot  ids.Ballot
	First   uint64
	Commit  uint64
	Entries []Entry
}

// Kind implements Message.
func (*Prepare) Kind() Kind { return KindPrepare }

func (m *Prepare) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.delta(&c.index, &m.First) // the first entry's index, so that it is short there
	c.uvarint(&m.Commit)
	c.entries(&m.Entries)
}

// Ack says that the log is durable up to and including Index, and what it is: Sum is
// the running sum of its entries there (kv.Sum).
type Ack struct {
	Ballot ids.Ballot
	Index  uint64
	Sum    uint64
}

// Kind implements Message.
func (*Ack) Kind() Kind { return KindAck }

func (m *Ack) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.uvarint(&m.Index)
	c.fixed64(&m.Sum)
}

// Confirm asks a member whether it is still bound to the ballot, for reads that
// arrived before it was sent.
type Confirm struct {
	Ballot ids.Ballot
	Nonce  uint64
}

// Kind implements Message.
func (*Confirm) Kind() Kind { return KindConfirm }

func (m *Confirm) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.uvarint(&m.Nonce)
}

// Confirmed says yes. Commit is what the sender knows to be committed.
type Confirmed struct {
	Ballot ids.Ballot
	Nonce  uint64
	Commit uint64
}

// Kind implements Message.
func (*Confirmed) Kind() Kind { return KindConfirmed }

func (m *Confirmed) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.uvarint(&m.Nonce)
	c.uvarint(&m.Commit)
}
