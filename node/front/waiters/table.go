// Package waiters has the requests that wait for the node: how they are submitted, how
// each wait ends, and what a client is told if it ends without a result.
//
// The package promises:
//
//  1. A wait ends once: because the node answered, the client left, the timeout ran
//     out, or the server stops.
//  2. A request whose wait ends in another way than by an answer is taken back from the
//     node first (Node.Abandon).
//  3. Such a write is answered 504, a read 503 or 408 (I12 in ARCHITECTURE.md).
//
// The handler calls NewRequest, gives the Waiter to the node, calls Await, and frees
// the request. The table's goroutine ends with Close.
package waiters

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cohortkv/cohort/node/front/answer"
)

// Table is the requests that were not answered at once. One goroutine watches
// all of them, and sleeps while there are none.
type Table struct {
	node    Node
	answers *answer.Writer
	wake    chan struct{} // capacity 1: at least one request waits
	hurry   chan struct{} // capacity 1: look now instead of at the next tick
	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when the goroutine has ended
	started sync.Once
	closed  sync.Once
	ending  atomic.Bool // every wait ends at once
	drains  atomic.Bool // no new request is begun

	mu struct {
		sync.Mutex
		all  []*Request
		tick uint64
	}
}

// New returns a table without requests. The first request that waits starts its
// goroutine, and Close ends it.
func New(node Node, answers *answer.Writer) *Table {
	return &Table{
		node: node, answers: answers,
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
}

// Await waits until a submitted request has ended, and says how it ended. A timeout
// of 0 means no bound.
func (t *Table) Await(w *Request, timeout time.Duration) Ending {
	select {
	case <-w.Done:
		return Answered
	default:
	}
	t.add(w)
	if timeout > 0 {
		serial := w.serial.Load()
		defer time.AfterFunc(timeout, func() { t.end(w, serial, TimedOut) }).Stop()
	}
	<-w.Done
	t.remove(w)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial.Add(1) // an attempt to end this wait that comes late finds another serial
	return w.ended
}

// end takes a waiter back from the backend and wakes its handler. It does nothing
// if the wait with this serial has ended already.
func (t *Table) end(w *Request, serial uint64, how Ending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.serial.Load() != serial || w.ended != Answered || !t.node.Abandon(&w.Waiter) {
		return
	}
	w.ended = how
	w.Done <- struct{}{}
}

func (t *Table) add(w *Request) {
	t.started.Do(func() { go t.watch() })
	t.mu.Lock()
	w.place, w.since = len(t.mu.all), t.mu.tick
	t.mu.all = append(t.mu.all, w)
	first := len(t.mu.all) == 1
	t.mu.Unlock()
	if first {
		poke(t.wake)
	}
}

func (t *Table) remove(w *Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := len(t.mu.all) - 1
	moved := t.mu.all[last]
	t.mu.all[w.place], moved.place = moved, w.place
	t.mu.all[last] = nil
	t.mu.all = t.mu.all[:last]
}

// Count is the number of requests that wait.
func (t *Table) Count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.mu.all)
}

// poke leaves one signal in a channel of capacity one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Drain makes Refuse answer every request from now on.
func (t *Table) Drain() { t.drains.Store(true) }

// Drains reports whether Drain was called.
func (t *Table) Drains() bool { return t.drains.Load() }

// EndAll ends every wait, and every wait that begins later.
func (t *Table) EndAll() {
	t.ending.Store(true)
	poke(t.hurry)
}

// Close ends the goroutine and waits for it.
func (t *Table) Close() {
	t.started.Do(func() { close(t.stopped) })
	t.closed.Do(func() { close(t.stop) })
	<-t.stopped
}
