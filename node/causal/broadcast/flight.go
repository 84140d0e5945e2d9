package broadcast

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// replica is the progress of another replica in the own stream, like the Progress of a follower
// in etcd's raft.
type replica struct {
	id      ids.Node
	acked   uint64 // its present boot has everything up to here, durably; at most Own.last
	awaited bool   // the open flight waits for its acknowledgement
	slow    bool   // it missed the time of a flight and has not caught up since: no flight waits for it
}

// flight is the batch that is under way, at most one at a time. Writes that come meanwhile make
// the next batch, so batches grow with the load, and no write waits for a batch to fill.
type flight struct {
	open  bool
	upTo  uint64       // the last number in the batch
	until wire.Instant // end of the flight at the latest, acknowledged or not: Patience after its begin
}

// Answer is the answer to a write, which is due when the flight of the write is over.
type Answer struct {
	n  uint64 // the number of the write
	Do func() // answers the client
}

// Next begins a flight and returns its batch; nil: a flight is under way, or no durable write is
// unsent. The caller sends the batch to the replicas that it reaches, and calls Await for those
// whose acknowledgements the flight is to wait for.
func (o *Own) Next(now wire.Instant) *wire.Batch {
	if o.flight.open || o.durable == o.sent {
		return nil
	}
	b := o.batch(o.sent+1, o.durable)
	o.sent += uint64(len(b.Items))
	o.flight = flight{open: true, upTo: o.sent, until: now + Patience}
	return b
}

// Await makes the flight wait for a replica, unless the replica is slow: one slow replica must
// not cost each write 30 ms.
func (o *Own) Await(id ids.Node) {
	if p := o.replica(id); p != nil {
		p.awaited = !p.slow
	}
}

// FlightEnd is when the flight ends at the latest; open is false if none is under way.
func (o *Own) FlightEnd() (until wire.Instant, open bool) { return o.flight.until, o.flight.open }

// Complete ends the flight if all awaited replicas have acknowledged it, or if its time is over.
// It returns the answers that are due then. An awaited replica that has not acknowledged by the
// end of the time is slow from then on.
func (o *Own) Complete(now wire.Instant) (due []Answer) {
	if !o.flight.open {
		return nil
	}
	missing := false
	for i := range o.replicas {
		p := &o.replicas[i]
		p.awaited = p.awaited && p.acked < o.flight.upTo
		missing = missing || p.awaited
	}
	if missing && now < o.flight.until {
		return nil
	}
	for i := range o.replicas {
		p := &o.replicas[i]
		p.slow, p.awaited = p.slow || p.awaited, false
	}
	o.flight.open = false
	n := 0
	for n < len(o.waits) && o.waits[n].n <= o.flight.upTo {
		n++
	}
	due = o.waits[:n]
	o.waits = slices.Clone(o.waits[n:])
	return due
}

// Over reports that the flight of a write is over, so its client need not wait any more.
func (o *Own) Over(n uint64) bool { return o.sent >= n && !o.flight.open }

// Wait keeps an answer until the flight of the write n is over. n ascends from call to call.
func (o *Own) Wait(n uint64, do func()) { o.waits = append(o.waits, Answer{n, do}) }

// stop ends the flight and returns the answers that wait, because the view ends: no more
// acknowledgements count.
func (o *Own) stop() []Answer {
	due := o.waits
	o.waits, o.flight.open = nil, false
	return due
}

// Ack notes that another replica, in its present boot, has everything up to n durably. A slow
// replica that has everything which was sent is not slow any more.
func (o *Own) Ack(id ids.Node, n uint64) {
	if p := o.replica(id); p != nil {
		p.acked = max(p.acked, min(n, o.last))
		p.slow = p.slow && p.acked < o.sent
	}
}

// Restarted notes that another replica is in a new boot, and has acknowledged nothing in it.
func (o *Own) Restarted(id ids.Node) {
	if p := o.replica(id); p != nil {
		p.acked, p.slow = 0, false
	}
}

// Unacked is how many durable writes another replica has not acknowledged.
func (o *Own) Unacked(id ids.Node) uint64 {
	if p := o.replica(id); p != nil {
		return o.durable - min(p.acked, o.durable)
	}
	return 0
}
