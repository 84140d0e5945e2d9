package waiters

import (
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/conns"
)

// Ending is the reason why a request no longer waits.
type Ending uint8

const (
	Answered   Ending = iota // the backend signalled
	ClientGone               // the client closed its side of the connection
	TimedOut                 // ?timeout= ran out
	Stopping                 // the server shuts down
)

// Request is one request on its way through the backend, with the memory that its
// handler needs meanwhile.
//
// The handler blocks on one channel only, the waiter's. If the client leaves, the
// timeout runs out or the server stops, end first takes the waiter back from the
// backend, and then signals the channel itself. So the channel gets one signal.
type Request struct {
	Waiter
	Scratch []byte      // for headers and small answers; the handler may replace it
	conn    *conns.Conn // nil: a connection that cannot be watched

	serial atomic.Uint64 // counts the requests that have used this value
	mu     sync.Mutex    // held while the wait is ended from outside
	ended  Ending        // under mu

	place int    // index in Table.mu.all
	since uint64 // tick at which the request was put there
}

// keepScratch is the size in bytes of the largest buffer that goes back into the
// pool.
const keepScratch = 64 << 10

var requests = sync.Pool{New: func() any {
	return &Request{Waiter: Waiter{Done: make(chan struct{}, 1)}, Scratch: make([]byte, 0, 512)}
}}

// NewRequest returns a request that has not been submitted.
func NewRequest(ctx *fasthttp.RequestCtx) *Request {
	w := requests.Get().(*Request)
	w.conn = conns.Of(ctx)
	return w
}

// Free gives the value back to the pool. No request may be waiting on it.
func (w *Request) Free() {
	w.conn, w.Reply, w.Listing, w.Token, w.ended = nil, core.Reply{}, nil, 0, Answered
	if w.Scratch == nil || cap(w.Scratch) > keepScratch {
		w.Scratch = make([]byte, 0, 512)
	}
	requests.Put(w)
}
