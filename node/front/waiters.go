package front

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/conns"
)

// ending is the reason why a request no longer waits.
type ending uint8

const (
	answered   ending = iota // the backend signalled
	clientGone               // the client closed its side of the connection
	timedOut                 // ?timeout= ran out
	stopping                 // the server shuts down
)

// waiting is one request on its way through the backend, with the memory that its
// handler needs meanwhile.
//
// The handler blocks on one channel only, the waiter's. If the client leaves, the
// timeout runs out or the server stops, end first takes the waiter back from the
// backend, and then signals the channel itself. So the channel gets one signal.
type waiting struct {
	Waiter
	conn    *conns.Conn // nil: a connection that cannot be watched
	scratch []byte      // for headers and small answers

	serial atomic.Uint64 // counts the requests that have used this value
	mu     sync.Mutex    // held while the wait is ended from outside
	ended  ending        // under mu

	place int    // index in waiters.all
	since uint64 // tick at which the request was put there
}

// keepScratch is the size in bytes of the largest buffer that goes back into the
// pool.
const keepScratch = 64 << 10

var waitings = sync.Pool{New: func() any {
	return &waiting{Waiter: Waiter{Done: make(chan struct{}, 1)}, scratch: make([]byte, 0, 512)}
}}

func newWaiting(ctx *fasthttp.RequestCtx) *waiting {
	w := waitings.Get().(*waiting)
	w.conn = conns.Of(ctx)
	return w
}

// free gives the value back to the pool. No request may be waiting on it.
func (w *waiting) free() {
	w.conn, w.Reply, w.Listing, w.Token, w.ended = nil, core.Reply{}, nil, 0, answered
	if w.scratch == nil || cap(w.scratch) > keepScratch {
		w.scratch = make([]byte, 0, 512)
	}
	waitings.Put(w)
}

// waiters are the requests that were not answered at once. One goroutine watches
// all of them, and sleeps while there are none.
type waiters struct {
	backend Backend
	wake    chan struct{} // capacity 1: at least one request waits
	hurry   chan struct{} // capacity 1: look now instead of at the next tick
	stop    chan struct{} // closed by close
	stopped chan struct{} // closed when the goroutine has ended
	started sync.Once
	closed  sync.Once
	ending  atomic.Bool // every wait ends at once

	mu struct {
		sync.Mutex
		all  []*waiting
		tick uint64
	}
}

func (s *waiters) init(backend Backend) {
	s.backend = backend
	s.wake = make(chan struct{}, 1)
	s.hurry = make(chan struct{}, 1)
	s.stop = make(chan struct{})
	s.stopped = make(chan struct{})
}

// await waits until a submitted request has ended, and says how it ended. A timeout
// of 0 means no bound.
func (s *waiters) await(w *waiting, timeout time.Duration) ending {
	select {
	case <-w.Done:
		return answered
	default:
	}
	s.add(w)
	if timeout > 0 {
		serial := w.serial.Load()
		defer time.AfterFunc(timeout, func() { s.end(w, serial, timedOut) }).Stop()
	}
	<-w.Done
	s.remove(w)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial.Add(1) // an attempt to end this wait that comes late finds another serial
	return w.ended
}

// end takes a waiter back from the backend and wakes its handler. It does nothing
// if the wait with this serial has ended already.
func (s *waiters) end(w *waiting, serial uint64, how ending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.serial.Load() != serial || w.ended != answered || !s.backend.Abandon(&w.Waiter) {
		return
	}
	w.ended = how
	w.Done <- struct{}{}
}

func (s *waiters) add(w *waiting) {
	s.started.Do(func() { go s.watch() })
	s.mu.Lock()
	w.place, w.since = len(s.mu.all), s.mu.tick
	s.mu.all = append(s.mu.all, w)
	first := len(s.mu.all) == 1
	s.mu.Unlock()
	if first {
		poke(s.wake)
	}
}

func (s *waiters) remove(w *waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.mu.all) - 1
	moved := s.mu.all[last]
	s.mu.all[w.place], moved.place = moved, w.place
	s.mu.all[last] = nil
	s.mu.all = s.mu.all[:last]
}

func (s *waiters) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.all)
}

// poke leaves one signal in a channel of capacity one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// endAll ends every wait, and every wait that begins later.
func (s *waiters) endAll() {
	s.ending.Store(true)
	poke(s.hurry)
}

// close ends the goroutine and waits for it.
func (s *waiters) close() {
	s.started.Do(func() { close(s.stopped) })
	s.closed.Do(func() { close(s.stop) })
	<-s.stopped
}
