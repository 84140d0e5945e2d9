package wire

import "github.com/cohortkv/cohort/node/ids"

// Forward brings writes from a member to the primary, as a bus request. The request id of a
// write is the sender, its boot, and Counter.
type Forward struct {
	Ballot     ids.Ballot    // in which the sender expects the primary to order them
	LowestOpen uint64        // all counters below are answered and may be forgotten
	Ops        []ForwardedOp // ascending by Counter; at most 1,024, or 256 KiB
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
	Counter uint64 // of its request id
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

// ForwardReply answers a Forward.
type ForwardReply struct {
	Ballot  ids.Ballot // as in the Forward
	Refused bool       // the sender does not serve the ballot, or not yet
	Answers []Answer   // of those writes that were decided
}

// Kind implements Message.
func (*ForwardReply) Kind() Kind { return KindForwardReply }

func (m *ForwardReply) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.bool(&m.Refused)
	c.answers(0, &m.Answers)
}

// Cancel says that the clients of some writes have left. The primary drops those that are not
// in its log, and cuts off those that are when that is safe (docs/strong.md §3).
type Cancel struct {
	Ballot   ids.Ballot
	Counters []uint64 // of their request ids, ascending; the primary remembers 4,096 of a member
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

// Prepare brings a batch of entries of the ballot to a member, and the commit position.
type Prepare struct {
	Ballot  ids.Ballot
	First   uint64  // position of the first entry
	Commit  uint64  // all entries up to here are committed
	Entries []Entry // with consecutive positions; at most 1,024, or 256 KiB; empty: only Commit is news
}

// Kind implements Message.
func (*Prepare) Kind() Kind { return KindPrepare }

func (m *Prepare) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.delta(&c.index, &m.First) // the first entry's index, so that it is short there
	c.uvarint(&m.Commit)
	c.entries(&m.Entries)
}

// Ack says that the sender's log is durable up to Index, and that it is this log.
type Ack struct {
	Ballot ids.Ballot
	Index  uint64 // included
	Sum    uint64 // running sum of the log at Index (kv.Sum); equal sums mean equal logs
}

// Kind implements Message.
func (*Ack) Kind() Kind { return KindAck }

func (m *Ack) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.uvarint(&m.Index)
	c.fixed64(&m.Sum)
}

// Confirm asks a member whether it is still bound to the ballot. It serves reads that arrived
// before it was sent.
type Confirm struct {
	Ballot ids.Ballot
	Nonce  uint64 // comes back in the answer
}

// Kind implements Message.
func (*Confirm) Kind() Kind { return KindConfirm }

func (m *Confirm) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.uvarint(&m.Nonce)
}

// Confirmed says that the sender is bound to the ballot.
type Confirmed struct {
	Ballot ids.Ballot
	Nonce  uint64 // as in the Confirm
	Commit uint64 // position up to which the sender knows the ballot to be committed
}

// Kind implements Message.
func (*Confirmed) Kind() Kind { return KindConfirmed }

func (m *Confirmed) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.uvarint(&m.Nonce)
	c.uvarint(&m.Commit)
}
