package core

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Outbox collects what the parts of one machine want done in a Step. It keeps the rule that no
// message leaves before the write that it depends on is durable: such a message is held back,
// and leaves when Durable comes. Held messages leave in the order in which they were given.
//
// The parts of one machine share one Outbox, so one numbering of writes orders them all.
type Outbox struct {
	out     Output
	seq     uint64         // number of the last write; 0: there was none
	durable uint64         // all writes up to here are durable; at most seq
	held    []heldEnvelope // messages that wait for a write, in the order in which they were given

	requestBase uint64 // the boot's bus requests have the numbers that follow this one
	requests    uint64 // number of bus requests in this boot
}

// heldEnvelope is a message that leaves when the write seq is durable.
type heldEnvelope struct {
	seq uint64
	env Envelope
}

// Reset empties the output for a new Step. It reuses the slices: the Output of the last Step is
// not valid any more.
func (o *Outbox) Reset() {
	clear(o.out.Messages)
	clear(o.out.Writes)
	clear(o.out.Applies)
	o.out = Output{
		Writes:   o.out.Writes[:0],
		Messages: o.out.Messages[:0],
		Applies:  o.out.Applies[:0],
		Reads:    o.out.Reads[:0],
		Replies:  o.out.Replies[:0],
		Events:   o.out.Events[:0],
	}
}

// Output returns what was collected since Reset.
func (o *Outbox) Output() *Output { return &o.out }

// Persist adds a durable write and returns its number, which PostAfter and Durable refer to.
func (o *Outbox) Persist(w wire.Write) uint64 {
	o.seq++
	w.Seq = o.seq
	o.out.Writes = append(o.out.Writes, w)
	return o.seq
}

// LastWrite returns the number of the newest write. A message that depends on all writes so far
// waits for this one.
func (o *Outbox) LastWrite() uint64 { return o.seq }

// IsDurable reports whether the write with this number, and all writes before it, are durable.
func (o *Outbox) IsDurable(seq uint64) bool { return seq <= o.durable }

// Send sends a message that depends on no write.
func (o *Outbox) Send(to ids.Node, m wire.Message) {
	o.out.Messages = append(o.out.Messages, Envelope{To: to, Message: m})
}

// Post sends an envelope that depends on no write, or whose writes are known to be durable.
func (o *Outbox) Post(e Envelope) { o.out.Messages = append(o.out.Messages, e) }

// PostAfter sends an envelope as soon as the write seq is durable.
func (o *Outbox) PostAfter(seq uint64, e Envelope) {
	if seq <= o.durable {
		o.Post(e)
		return
	}
	o.held = append(o.held, heldEnvelope{seq, e})
}

// MarkDurable releases the messages that waited for writes up to seq.
func (o *Outbox) MarkDurable(seq uint64) {
	if seq <= o.durable {
		return
	}
	o.durable = seq
	n := 0
	for n < len(o.held) && o.held[n].seq <= seq {
		o.Post(o.held[n].env)
		n++
	}
	if n > 0 {
		rest := copy(o.held, o.held[n:])
		clear(o.held[rest:])
		o.held = o.held[:rest]
	}
}

// NumberRequests sets where the numbers of bus requests begin. Each boot begins at another
// number. So Asked refuses a late answer to an earlier boot.
func (o *Outbox) NumberRequests(boot ids.Boot) { o.requestBase, o.requests = uint64(boot), 0 }

// nextRequest returns the number of one more bus request; it is never zero.
func (o *Outbox) nextRequest() uint64 {
	o.requests++
	if o.requestBase+o.requests == 0 { // zero means: no request
		o.requests++
	}
	return o.requestBase + o.requests
}

// Ask sends a bus request and returns its number. The number comes back with the answer, in
// Received, or in RequestFailed.
func (o *Outbox) Ask(to ids.Node, m wire.Message) (request uint64) {
	request = o.nextRequest()
	o.Post(Envelope{To: to, Request: request, Message: m})
	return request
}

// AskDurable sends a bus request as soon as all writes so far are durable.
func (o *Outbox) AskDurable(to ids.Node, m wire.Message) {
	o.PostAfter(o.seq, Envelope{To: to, Request: o.nextRequest(), Message: m})
}

// Asked reports whether this boot sent a bus request with this number.
func (o *Outbox) Asked(request uint64) bool {
	n := request - o.requestBase // right also if the numbers wrap
	return request != 0 && n > 0 && n <= o.requests
}

// Apply adds committed entries, in the order of the log.
func (o *Outbox) Apply(entries ...wire.Entry) { o.out.Applies = append(o.out.Applies, entries...) }

// Read adds a read of the state as it is after all Applies of this Step.
func (o *Outbox) Read(r Read) { o.out.Reads = append(o.out.Reads, r) }

// Reply ends a client request.
func (o *Outbox) Reply(r Reply) { o.out.Replies = append(o.out.Replies, r) }

// Event adds an event.
func (o *Outbox) Event(e Event) { o.out.Events = append(o.out.Events, e) }

// Peers replaces the list of nodes that the bus may dial.
func (o *Outbox) Peers(p []wire.Member) { o.out.Peers, o.out.PeersChanged = p, true }

// Status replaces what the node shows. The caller must not change s afterwards.
func (o *Outbox) Status(s *NodeStatus) { o.out.Status = s }
