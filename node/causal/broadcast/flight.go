package broadcast

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// replica is how far another replica has come in the own stream, as etcd raft's Progress
// is of a follower.
type replica struct {
	id      ids.Node
	acked   uint64 // the present boot of the replica has everything up to here, durably
	awaited bool   // the flight waits for its acknowledgement
	slow    bool   // it missed a flight and has not caught up since: flights do not wait for it
}

// flight is the batch that is under way. There is one at a time: what is written
// meanwhile makes the next one, so batches grow with the load and nothing waits for a
// batch to fill.
type flight struct {
	open  bool
	upTo  uint64       // the last number in the batch
	until wire.Instant // the flight ends then, acknowledged or not
}

// Answer is what is due when the flight that has a write is over.
type Answer struct {
	n  uint64 // the number of the write
	Do func()
}

// Next begins a flight and returns its batch; nil: a flight is under way, or nothing is
// to be sent. The caller sends the batch to the replicas that it reaches, and calls
// Await for those whose acknowledgements the flight is to wait for.
func (o *Own) Next(now wire.Instant) *wire.Batch {
	if o.flight.open || o.durable == o.sent {
		return nil
	}
	b := o.batch(o.sent+1, o.durable)
	o.sent += uint64(len(b.Items))
	o.flight = flight{open: true, upTo: o.sent, until: now + Patience}
	return b
}

// Await has the flight wait for a replica, unless that one is slow.
func (o *Own) Await(id ids.Node) {
	if p := o.replica(id); p != nil {
		p.awaited = !p.slow
	}
}

// FlightEnd is when the flight ends at the latest; false: no batch is under way.
func (o *Own) FlightEnd() (until wire.Instant, open bool) { return o.flight.until, o.flight.open }

// Complete ends the flight, if all awaited replicas have acknowledged it or its time is
// over. It returns the answers that are due then. A replica that has missed the time is
// slow from then on.
func (o *Own) Complete(now wire.Instant) (due []Answer) {
	if !o.flight.open {
		return nil
	}
	missing := false
	for i := range o.replicas {
		p := &o.replicas[i]
		p.awaited = p.awaited && p.acked < o.flight.upTo
		missing = missing || p.awaited || mutant.On(mutant.CausalAcksIgnored)
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

// Over reports that the flight of a write is over: nothing is to be waited for any more.
func (o *Own) Over(n uint64) bool { return o.sent >= n && !o.flight.open }

// Wait keeps an answer until the flight of the write n is over. The numbers ascend.
func (o *Own) Wait(n uint64, do func()) { o.waits = append(o.waits, Answer{n, do}) }

// stop ends the flight and returns the answers that wait: the view ends, and with it the
// acknowledgements.
func (o *Own) stop() []Answer {
	due := o.waits
	o.waits, o.flight.open = nil, false
	return due
}

// Ack notes that another replica has everything up to n, durably.
func (o *Own) Ack(id ids.Node, n uint64) {
	if p := o.replica(id); p != nil {
		p.acked = max(p.acked, min(n, o.last))
		p.slow = p.slow && p.acked < o.sent
	}
}

// Restarted notes that another replica is in a new boot, which may have nothing.
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
