package node

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// stepper is what the driver uses of a machine.
type stepper interface {
	Step(now wire.Instant, in core.Input) *core.Output
	Deadline() wire.Instant
	Header() wire.Header
}

// Bounds of the driver.
const (
	callerSteps = 64   // inputs that one caller steps for all before it returns
	runSteps    = 1024 // inputs that run steps before it checks its channels
	maxQueued   = 8192 // inputs that wait before messages are lost; a connection of a client has at most one

	// maxQueuedBytes of messages wait before more are lost. As many bytes may be in the
	// batch that is being stepped.
	maxQueuedBytes = 32 << 20
	maxFollow      = 4096 // inputs that one input leads to before others have their turn
)

// driver drives a core. At most one goroutine is inside at a time. If no goroutine is inside, the
// goroutine that brings an input enters, steps the input and carries out the output. Otherwise it
// queues the input and returns. To wake a loop for every request would cost a third of the
// throughput. No code inside blocks.
type driver struct {
	core        stepper
	self        ids.Node
	store       *store.Memory // the state of disk, to be read
	disk        Store
	conn        bus.Conn
	clients     *requestTable
	publish     func(*core.Output) // takes status, peers and events
	meters      *meters
	reportLarge func(kind wire.Kind, size int) // called for a message that no bus takes; may be nil
	limits      machine.CausalLimits
	clock       func() wire.Instant
	timer       *time.Timer
	relay       chan struct{} // capacity 1: the goroutine inside hands over to run

	// Used by the goroutine inside.
	batch  []core.Input // taken from the queue, not stepped yet
	taken  []core.Input // the whole of it, which will be the queue's next buffer
	follow []core.Input // inputs that outputs led to; stepped before any others
	buf    []byte       // for the message that is being encoded
	armed  wire.Instant // when the timer fires; 0: it has fired

	// Writes of this boot, by number; used by the goroutine inside.
	written, durable uint64
	lists            []heldListing // ascending by number; at most one for each request of a client

	// For stuck, which any goroutine may call. Each is an instant.
	began atomic.Int64 // when the current step began; 0: no goroutine is inside
	due   atomic.Int64 // armed

	mu struct {
		sync.Mutex
		inside bool
		queue  []core.Input
		bytes  int // encoded size of the messages in queue
	}
}

// run wakes the core at its deadline, and goes on with the work of a caller that has stepped its
// share. It returns when stop is closed.
func (d *driver) run(stop <-chan struct{}) {
	defer d.timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-d.timer.C:
			d.submit(&core.Tick{})
		case <-d.relay:
			d.work(runSteps)
		}
	}
}

// submit gives the core one input, after all inputs that were submitted before. If no
// goroutine is inside, the caller steps the input at once. Otherwise the goroutine inside
// does.
func (d *driver) submit(in core.Input) {
	d.mu.Lock()
	d.mu.queue = append(d.mu.queue, in)
	enter := !d.mu.inside
	d.mu.inside = true
	d.mu.Unlock()
	if enter {
		d.work(callerSteps)
	}
}

// admit reports whether the queue takes a message of so many bytes. If not, the message must be
// dropped.
func (d *driver) admit(bytes int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.mu.queue) >= maxQueued || d.mu.bytes+bytes > maxQueuedBytes {
		return false
	}
	d.mu.bytes += bytes
	return true
}

// work steps the queued inputs. After limit inputs it leaves the rest to run.
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

// refill takes the queue as the next batch. If the queue is empty, the goroutine leaves.
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

// arm sets the timer if the deadline is earlier than the timer. If the deadline is later, the
// timer fires too early. This is harmless, and costs less than setting the timer each time.
func (d *driver) arm() {
	if at := d.core.Deadline(); d.armed == 0 || at < d.armed {
		d.armed = at
		d.due.Store(int64(at))
		d.timer.Reset(time.Duration(at - d.clock()))
	}
}

// step steps one input, and then the inputs that its output leads to. If these are more than any
// correct input leads to, the rest is queued behind the inputs of others, and step reports
// false.
func (d *driver) step(in core.Input) bool {
	if _, ok := in.(*core.Tick); ok {
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
