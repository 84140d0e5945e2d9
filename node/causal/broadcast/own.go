package broadcast

import (
	"math"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Limits bounds what the own stream keeps and sends.
type Limits struct {
	BatchOps    int // items in one Batch
	BatchBytes  int // bytes of items in one Batch, as messageBytes counts them; one item always fits
	WindowBytes int // memory of the window; writes that were not sent yet stay beyond it
}

// Times and bounds of the own stream.
const (
	Patience  = 30 * wire.Millisecond // most that a flight, and so a client, waits for other replicas
	MaxResent = 8 << 20               // bytes that one ResendRequest brings; the replica requests the rest again
	MaxEnds   = 2000                  // earlier views whose last numbers are remembered
)

// Own is the stream of this boot in the present view: the writes of this node, numbered from 1
// without gaps. Three positions move along the stream, none ahead of the next:
//
//	sent ≤ durable ≤ last
//
// A batch has durable writes only. Otherwise another replica could have a write that this node
// loses, and this node could give the same dot to another write (I16).
type Own struct {
	limits   Limits
	id       wire.Stream
	last     uint64    // number of the last write; 0: none yet
	durable  uint64    // writes up to here are on the log
	sent     uint64    // writes up to here went out in a batch
	window   window    // the writes up to last, from the first one that some replica may request
	replicas []replica // the other replicas of the view, ascending by id
	flight   flight
	waits    []Answer // answers to durable writes whose flight is not over; n ascends

	ends   map[ids.View]uint64 // last numbers of this boot's streams in earlier views; at most MaxEnds
	forgot bool                // some of ends were dropped for want of room
}

// begin begins the stream of a view, and ends that of the view before. The other replicas
// ascend.
func (o *Own) begin(id wire.Stream, replicas []ids.Node) {
	o.rememberEnd()
	*o = Own{limits: o.limits, id: id, ends: o.ends, forgot: o.forgot}
	for _, node := range replicas {
		o.replicas = append(o.replicas, replica{id: node})
	}
}

// rememberEnd remembers the last number of the stream that ends, so that forged contexts which
// name larger numbers are refused later (docs/causal.md §2.1, rule 3).
func (o *Own) rememberEnd() {
	if o.last == 0 {
		return
	}
	if o.ends == nil || len(o.ends) == MaxEnds {
		o.forgot = o.ends != nil
		o.ends = map[ids.View]uint64{}
	}
	o.ends[o.id.View] = o.last
}

// ID names the stream.
func (o *Own) ID() wire.Stream { return o.id }

// Last is the number of the last write.
func (o *Own) Last() uint64 { return o.last }

// Durable is the number up to which writes are durable.
func (o *Own) Durable() uint64 { return o.durable }

// Sent is the number up to which writes went out in a batch.
func (o *Own) Sent() uint64 { return o.sent }

// LastOf is the last number of a stream of this boot, in this view or an earlier one. If the
// number was dropped for want of room, LastOf is the largest uint64, so no context is refused
// wrongly.
func (o *Own) LastOf(s *wire.Stream) uint64 {
	if *s == o.id {
		return o.last
	}
	if n, known := o.ends[s.View]; known || !o.forgot {
		return n
	}
	return math.MaxUint64
}

// Append gives a write its number, which completes the item's version, and adds the write to the
// window. Beyond its bound the window drops its oldest writes, but none that was not sent yet.
// The window keeps what the item refers to.
func (o *Own) Append(item *wire.Item) {
	o.last++
	item.Version.Dot = wire.Dot{Stream: o.id, N: o.last}
	o.window.add(item)
	for o.window.bytes > o.limits.WindowBytes && o.window.n > 1 && o.first() <= o.sent {
		o.window.drop()
	}
}

// MarkDurable notes that the writes up to n of a view's stream are durable, and reports whether
// that is news. A stream that has ended changes nothing.
func (o *Own) MarkDurable(view ids.View, n uint64) bool {
	if o.id.View != view || n <= o.durable {
		return false
	}
	o.durable = n
	return true
}

// first is the number of the first write in the window.
func (o *Own) first() uint64 { return o.last - uint64(o.window.n) + 1 }

// Trim drops the writes from the window that were sent and that all replicas have acknowledged.
// A replica that restarts with nothing gets them by an exchange.
func (o *Own) Trim() {
	all := o.sent
	for i := range o.replicas {
		all = min(all, o.replicas[i].acked)
	}
	for o.window.n > 0 && o.first() <= all {
		o.window.drop()
	}
}

// batch makes a Batch of the writes from one number to another, as many as fit. All must be in
// the window.
func (o *Own) batch(from, last uint64) *wire.Batch {
	at, n := int(from-o.first()), 0
	most, bytes := min(int(last-from)+1, o.limits.BatchOps), 0
	for ; n < most; n++ {
		if bytes += messageBytes(o.window.at(at + n)); n > 0 && bytes > o.limits.BatchBytes {
			break
		}
	}
	return &wire.Batch{View: o.id.View, First: from, Items: o.window.slice(at, n)}
}

// messageBytes is about the bytes of an item in a message.
func messageBytes(i *wire.Item) int {
	return len(i.Key) + len(i.Value) + len(i.ContentType) + 64 + 48*len(i.Deps.Exact) + 48*len(i.Deps.Vector)
}

// Resend answers a request for the numbers from one to another, as far as they were sent. The
// requested numbers up to truncated have left the window; 0: none has. The rest comes in
// batches of about MaxResent bytes in all, at most.
func (o *Own) Resend(from, to uint64) (truncated uint64, batches []*wire.Batch) {
	first := max(from, o.first())
	if first > from {
		truncated = min(first-1, o.sent)
	}
	bytes := 0
	for to = min(to, o.sent); first <= to && bytes < MaxResent; {
		b := o.batch(first, to)
		batches = append(batches, b)
		first += uint64(len(b.Items))
		for i := range b.Items {
			bytes += messageBytes(&b.Items[i])
		}
	}
	return truncated, batches
}

// replica finds another replica by id; nil: the node is none.
func (o *Own) replica(id ids.Node) *replica {
	i := slices.IndexFunc(o.replicas, func(r replica) bool { return r.id == id })
	if i < 0 {
		return nil
	}
	return &o.replicas[i]
}
