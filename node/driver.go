package node

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// core is the machine, as far as the driver knows it.
type core interface {
	Step(now wire.Instant, in wire.Input) *wire.Output
	Deadline() wire.Instant
	Header() wire.Header
}

// Bounds of the driver.
const (
	callerSteps = 64   // inputs that one caller steps for all, before it may go
	runSteps    = 1024 // inputs between two looks of run at what else there is
	maxQueued   = 8192 // inputs that wait before messages are lost; of clients there is one a connection

	// maxQueuedBytes of messages wait before others are lost, and as many may be
	// what is being stepped.
	maxQueuedBytes = 32 << 20
	maxFollow      = 4096 // inputs that one leads to before others have their turn
)

// driver drives a core. At most one goroutine is inside at a time. A goroutine that
// submits an input while none is inside steps it and carries out the output; the others
// leave their inputs in the queue and go. Waking a loop for every request would cost a
// third of the throughput. Nothing in here blocks.
type driver struct {
	core        core
	self        wire.NodeID
	store       *store.Memory
	conn        bus.Conn
	clients     *requestTable
	publish     func(*wire.Output) // takes status, peers and events
	meters      *meters
	reportLarge func(kind wire.Kind, size int) // a message that no bus takes; nil: not reported
	limits      machine.CausalLimits
	clock       func() wire.Instant
	timer       *time.Timer
	relay       chan struct{} // capacity 1: the goroutine inside hands over to run

	// Of the goroutine inside.
	batch  []wire.Input // taken from the queue, not stepped yet
	taken  []wire.Input // the whole of it, which will be the queue's next buffer
	follow []wire.Input // what outputs led to; stepped before anything else
	buf    []byte       // the message that is encoded
	armed  wire.Instant // when the timer goes off; 0: it has

	// For stuck, which anyone may ask. Each is an instant.
	began atomic.Int64 // when the step began that is going on; 0: no goroutine is inside
	due   atomic.Int64 // armed

	mu struct {
		sync.Mutex
		inside bool
		queue  []wire.Input
		bytes  int // of the messages in queue, as they came
	}
}

// run does what no caller does: it wakes the core by its deadline, and goes on
// where a caller has done its share. It returns when stop is closed.
func (d *driver) run(stop <-chan struct{}) {
	defer d.timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-d.timer.C:
			d.submit(&wire.Tick{})
		case <-d.relay:
			d.work(runSteps)
		}
	}
}

// submit gives the core one input, after all inputs that were submitted before. If no
// goroutine is inside, the caller steps the input at once. Otherwise the goroutine inside
// does.
func (d *driver) submit(in wire.Input) {
	d.mu.Lock()
	d.mu.queue = append(d.mu.queue, in)
	enter := !d.mu.inside
	d.mu.inside = true
	d.mu.Unlock()
	if enter {
		d.work(callerSteps)
	}
}

// admit reports that a message of so many bytes may be brought; otherwise it should
// rather be lost.
func (d *driver) admit(bytes int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.mu.queue) >= maxQueued || d.mu.bytes+bytes > maxQueuedBytes {
		return false
	}
	d.mu.bytes += bytes
	return true
}

// work steps what waits. After limit inputs it leaves the rest to run.
func (d *driver) work(limit int) {
	for {
		for ; len(d.batch) > 0; limit-- {
			if limit == 0 {
				d.relay <- struct{}{} // never full: one goroutine is inside
				return
			}
			in := d.batch[0]
			d.batch[0], d.batch = nil, d.batch[1:]
			if !d.step(in) {
				limit = 1
			}
		}
		d.arm()
		if !d.refill() {
			return
		}
	}
}

// refill takes the queued inputs. If there are none, no goroutine is inside any more.
func (d *driver) refill() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken, d.mu.queue, d.mu.bytes = d.mu.queue, d.taken[:0], 0
	d.batch = d.taken
	d.mu.inside = len(d.batch) > 0
	if !d.mu.inside {
		d.began.Store(0)
	}
	return d.mu.inside
}

// arm sets the timer when the deadline is earlier than it. When the deadline has
// moved away instead, the timer goes off too early, which is harmless and costs
// less than setting it again each time.
func (d *driver) arm() {
	if at := d.core.Deadline(); d.armed == 0 || at < d.armed {
		d.armed = at
		d.due.Store(int64(at))
		d.timer.Reset(time.Duration(at - d.clock()))
	}
}

// step steps one input, and then whatever its output leads to. If that is more than
// any honest input leads to, the rest waits behind what others have brought, and it
// reports false.
func (d *driver) step(in wire.Input) bool {
	if _, ok := in.(*wire.Tick); ok {
		d.armed = 0
	}
	d.execute(in)
	i := 0
	for ; i < min(len(d.follow), maxFollow); i++ {
		d.execute(d.follow[i])
	}
	done := i == len(d.follow)
	if !done {
		d.meters.deferred.Add(float64(len(d.follow) - i))
		d.mu.Lock()
		d.mu.queue = append(d.mu.queue, d.follow[i:]...)
		d.mu.Unlock()
	}
	clear(d.follow)
	d.follow = d.follow[:0]
	return done
}
