package node

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// Store is the state of a node, and makes its writes durable (docs/durability.md §1). The
// goroutine inside the driver calls Write and Apply, in the order of the outputs. Neither may
// wait for a disk.
type Store interface {
	// State is the state with all that Write and Apply have done, durable or not. The node reads
	// it only.
	State() *store.Memory
	// Write carries out writes, and reports whether they are durable already. If they are not, the
	// store calls the function durable of Notify later.
	Write(writes []wire.Write) (durable bool)
	// Apply applies committed entries.
	Apply(entries []wire.Entry)
	// Notify is called once, before the first Write. durable says that all writes up to a number
	// (wire.Write) are durable; the numbers ascend. failed says that no write becomes durable any
	// more. Any goroutine may call the two, one at a time.
	Notify(durable func(seq uint64), failed func(error))
	// Close makes durable what was written. When it has returned, neither function of Notify is
	// called any more.
	Close() error
}

// memory is a Store that keeps nothing when its process ends. Its writes are durable at once, so
// that a node without a disk never waits: what is lost with it, is lost with its incarnation (I9).
type memory struct{ *store.Memory }

func (m memory) State() *store.Memory { return m.Memory }

func (m memory) Write(writes []wire.Write) bool {
	m.Memory.Write(writes)
	return true
}

func (memory) Notify(func(uint64), func(error)) {}

func (memory) Close() error { return nil }

// heldListing is a listing that shows items which are not durable yet.
type heldListing struct {
	seq     uint64 // of the last write that the listing may show
	token   ids.Token
	listing *listing
}

// write gives the writes of a step to the store.
func (d *driver) write(writes []wire.Write) {
	d.written = writes[len(writes)-1].Seq
	if d.disk.Write(writes) {
		d.follow = append(d.follow, &core.Durable{Seq: d.written})
	}
}

// onDurable takes a report of the store, on a goroutine of the store. That goroutine may step the
// machine. To hand the report over to run instead made no difference: with three nodes and 64
// clients, the medians of 14 runs were 5% apart, in either direction.
func (d *driver) onDurable(seq uint64) { d.submit(&core.Durable{Seq: seq}) }

// markDurable returns the listings that show nothing but durable items now. The goroutine inside
// calls it after the machine was told.
func (d *driver) markDurable(seq uint64) {
	d.durable = max(d.durable, seq)
	n := 0
	for ; n < len(d.lists) && d.lists[n].seq <= d.durable; n++ {
		d.clients.list(d.lists[n].token, d.lists[n].listing)
	}
	rest := copy(d.lists, d.lists[n:])
	clear(d.lists[rest:])
	d.lists = d.lists[:rest]
}

// list carries out a ReadItems: it freezes the items now, and returns them when they are durable.
func (d *driver) list(r *core.Read) {
	l := d.listing(r)
	if d.written > d.durable {
		d.lists = append(d.lists, heldListing{seq: d.written, token: r.Token, listing: l})
		return
	}
	d.clients.list(r.Token, l)
}
