package node

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// execute steps one input and carries out the output. Status and peers come before the messages
// and replies that depend on them. The rest follows the order of the fields. (To wake the clients
// before sending would be correct, too. With three processes and 16, 64 and 256 clients it made
// no difference.)
func (d *driver) execute(in core.Input) {
	now := d.clock()
	d.began.Store(int64(now))
	d.store.Annotate(in)
	out := d.core.Step(now, in)
	recycle(in)
	if done, ok := in.(*core.Durable); ok {
		d.markDurable(done.Seq)
	}
	if len(out.Writes) > 0 {
		d.write(out.Writes)
	}
	d.publish(out)
	if len(out.Messages) > 0 {
		d.send(d.core.Header(), out.Messages)
	}
	if n := len(out.Applies); n > 0 {
		d.disk.Apply(out.Applies)
		d.meters.applied.Observe(float64(n))
	}
	for i := range out.Reads {
		d.read(&out.Reads[i])
	}
	for i := range out.Replies {
		d.clients.end(out.Replies[i])
	}
}

// read carries out a read. The values that the core asked for become inputs. A read of a client
// signals the client, which then reads the store itself.
func (d *driver) read(r *core.Read) {
	switch r.Kind {
	case core.ReadChunk:
		d.follow = append(d.follow, d.store.Chunk(*r))
	case core.ReadKey:
		d.follow = append(d.follow, d.store.Key(*r))
	case core.ReadStored:
		d.follow = append(d.follow, &core.StoredRead{Session: r.Session, Keys: r.Keys})
	case core.ReadSlots:
		d.follow = append(d.follow, d.store.Slots(*r))
	case core.ReadItems:
		d.list(r)
	case core.ReadClient:
		d.clients.end(core.Reply{Token: r.Token, Outcome: core.Done})
	default:
		panic(fmt.Sprintf("node: a read of the unknown kind %d", r.Kind))
	}
}

// send encodes and sends messages. A message to several nodes is encoded once.
func (d *driver) send(header wire.Header, envelopes []core.Envelope) {
	var encoded wire.Message
	for i := range envelopes {
		e := &envelopes[i]
		if e.To == header.From && e.Request == 0 && e.Answer == "" {
			d.follow = append(d.follow, &core.Received{Header: header, Message: e.Message})
			continue
		}
		if e.Message != encoded {
			d.buf, encoded = wire.AppendMessage(d.buf[:0], header, e.Message), e.Message
		}
		kind := e.Message.Kind()
		err := d.conn.Send(bus.Envelope{
			To: e.To, Answer: e.Answer, Request: e.Request, Kind: subjectKinds()[kind], Payload: d.buf,
		})
		d.meters.countSent(kind)
		if err != nil {
			d.unsent(e)
		}
		if errors.Is(err, bus.ErrTooLarge) && d.reportLarge != nil {
			d.reportLarge(kind, len(d.buf)) // sending it again would not help
		}
	}
	if cap(d.buf) > keptBuffer {
		d.buf = nil
	}
}

// keptBuffer is the largest buffer that is kept for the next message.
const keptBuffer = 1 << 20

// unsent counts a message that the bus did not take. A bus request then fails at once, as if no
// process had listened.
func (d *driver) unsent(e *core.Envelope) {
	d.meters.unsent.Inc()
	if e.Request != 0 {
		d.follow = append(d.follow, &core.RequestFailed{Request: e.Request})
	}
}

// receive takes a message from the bus, on a goroutine of the bus. It drops damaged messages,
// messages that name another sender than the bus does, and all messages while the queue is full.
// To the cores, that is a loss on the network.
func (d *driver) receive(m bus.Message) {
	if m.Refused {
		d.submit(&core.RequestFailed{Request: m.Request})
		return
	}
	header, message, err := wire.DecodeMessage(m.Payload)
	switch {
	case err != nil, header.From == d.self:
		d.meters.damaged.Inc() // or of another process with this node's id
	case header.From != m.From:
		d.meters.misnamed.Inc()
	case !d.admit(len(m.Payload)):
		d.meters.overrun.Inc()
	default:
		d.submit(&core.Received{Header: header, Message: message, ReplyTo: m.ReplyTo, Request: m.Request})
	}
}

// subjectKinds are the kinds of messages as tokens of subjects.
var subjectKinds = sync.OnceValue(func() *[256]string {
	var kinds [256]string
	for k := range kinds {
		kinds[k] = strings.ReplaceAll(wire.Kind(k).String(), " ", "-")
	}
	return &kinds
})
