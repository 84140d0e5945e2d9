package broadcast

import (
	"math"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Limits bounds what a stream keeps and sends.
type Limits struct {
	BatchOps    int // items in one Batch
	BatchBytes  int // of their keys and values; one item always fits
	WindowBytes int // of writes that are kept to be sent again
}

// Times and bounds of the own stream.
const (
	Patience  = 30 * wire.Millisecond // a batch waits no longer for the other replicas
	MaxResent = 8 << 20               // bytes that one ResendRequest brings; the rest is requested again
	MaxEnds   = 2000                  // former views whose last number is remembered
)

// Own is the stream of this boot in the present view: the writes of this node, numbered
// from 1 without gaps. Three positions move along it, each at or behind the one before:
//
//	sent ≤ durable ≤ last
//
// A write is *last* when it has its number, *durable* when it is on the log, and *sent*
// when it went out in a batch. Batches begin only from durable writes, so no other
// replica can have a write that its own node may lose and name anew (I16).
type Own struct {
	limits   Limits
	id       wire.Stream
	last     uint64
	durable  uint64
	sent     uint64
	window   window // the writes up to last, from the first one that some replica may request
	replicas []replica
	flight   flight
	waits    []Answer // of writes that are durable, ascending

	ends   map[ids.View]uint64 // the last number of this boot's streams of former views
	forgot bool                // some of them were dropped for want of room
}

// begin starts the stream of a view with other replicas, which ascend. The stream of the
// view before ends.
func (o *Own) begin(id wire.Stream, replicas []ids.Node) {
	o.rememberEnd()
	*o = Own{limits: o.limits, id: id, ends: o.ends, forgot: o.forgot}
	for _, node := range replicas {
		o.replicas = append(o.replicas, replica{id: node})
	}
	if mutant.On(mutant.CausalReuseDots) {
		o.id.Boot = 1
	}
}

// rememberEnd remembers the last number of a stream that ends.
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

// Last is the number of the last write; Durable and Sent are the last numbers that are
// durable, and that went out.
func (o *Own) Last() uint64    { return o.last }
func (o *Own) Durable() uint64 { return o.durable }
func (o *Own) Sent() uint64    { return o.sent }

// LastOf is the last number of a stream of this boot, in this view or a former one. If
// that is forgotten it is the largest number there is: nothing can be said against it.
func (o *Own) LastOf(s *wire.Stream) uint64 {
	if *s == o.id {
		return o.last
	}
	if n, known := o.ends[s.View]; known || !o.forgot {
		return n
	}
	return math.MaxUint64
}

// Append numbers a write, which completes the item's version, and keeps the write in the
// window. The window drops its oldest writes beyond its bound, but none that has not
// gone out.
func (o *Own) Append(item *wire.Item) {
	o.last++
	item.Version.Dot = wire.Dot{Stream: o.id, N: o.last}
	o.window.add(item)
	for o.window.bytes > o.limits.WindowBytes && o.window.n > 1 && o.first() <= o.sent {
		o.window.drop()
	}
}

// MarkDurable notes that the writes up to n of the stream of a view are durable. It
// reports whether that lets a batch go out.
func (o *Own) MarkDurable(view ids.View, n uint64) bool {
	if o.id.View != view || n <= o.durable {
		return false
	}
	o.durable = n
	return true
}

// first is the number of the first write in the window.
func (o *Own) first() uint64 { return o.last - uint64(o.window.n) + 1 }

// Trim gives back what no replica can request: it went out, and all replicas have
// acknowledged it. A replica whose boot begins with nothing takes it by an exchange.
func (o *Own) Trim() {
	all := o.sent
	for i := range o.replicas {
		all = min(all, o.replicas[i].acked)
	}
	for o.window.n > 0 && o.first() <= all {
		o.window.drop()
	}
}

// batch makes a message of writes that are in the window, as many as fit.
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

// messageBytes is about what an item takes in a message.
func messageBytes(i *wire.Item) int {
	return len(i.Key) + len(i.Value) + len(i.ContentType) + 64 + 48*len(i.Deps.Exact) + 48*len(i.Deps.Vector)
}

// Resend answers a request for the numbers from one to another, of those that were sent.
// The numbers up to truncated have left the window; 0: none has. The rest comes in
// batches of about MaxResent bytes at most.
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

// replica finds another replica; nil: it is none.
func (o *Own) replica(id ids.Node) *replica {
	i := slices.IndexFunc(o.replicas, func(r replica) bool { return r.id == id })
	if i < 0 {
		return nil
	}
	return &o.replicas[i]
}
