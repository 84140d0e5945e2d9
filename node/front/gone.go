package front

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// lookEvery is how often connections of waiting requests are looked at. A
// request that waits shorter than this is not looked at at all.
const lookEvery = 100 * time.Millisecond

// watch looks after the waiting requests until close, and sleeps while there are
// none. fasthttp reads nothing from a connection while its handler runs, so a
// client that leaves is noticed here, or not before the answer is written.
func (s *waiters) watch() {
	defer close(s.stopped)
	for {
		select {
		case <-s.wake:
		case <-s.stop:
			return
		}
		if !s.lookAfter() {
			return
		}
	}
}

// lookAfter looks at the waiting requests now and then until none is left; false
// when the goroutine must end.
func (s *waiters) lookAfter() bool {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var batch []watched
	for more := true; more; {
		select {
		case <-look.C:
		case <-s.hurry:
		case <-s.stop:
			return false
		}
		batch, more = s.collect(batch[:0])
		s.sweep(batch)
	}
	return true
}

// watched is a waiting request as it was when it was looked up.
type watched struct {
	w      *waiting
	serial uint64
	conn   *conn
}

// collect appends the requests that have waited since before the last tick, or
// all of them when all must end. more: somebody waits.
func (s *waiters) collect(batch []watched) (out []watched, more bool) {
	all := s.ending.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.mu.all {
		if all || w.since != s.mu.tick {
			batch = append(batch, watched{w: w, serial: w.serial.Load(), conn: w.conn})
		}
	}
	s.mu.tick++
	return batch, len(s.mu.all) > 0
}

func (s *waiters) sweep(batch []watched) {
	all := s.ending.Load()
	for i, b := range batch {
		switch {
		case all:
			s.end(b.w, b.serial, stopping)
		case b.conn != nil && b.conn.gone():
			s.end(b.w, b.serial, clientGone)
		}
		batch[i] = watched{}
	}
}

// conn is a connection as the front needs it: it can be looked at while fasthttp
// does not read it, and a write has a deadline of its own, so that an answer of
// any length may take its time as long as it gets on.
type conn struct {
	net.Conn
	raw   syscall.RawConn // nil: not a socket
	state atomic.Int32    // fasthttp.ConnState
	line  bool            // the request line has arrived; of fasthttp's goroutine
}

// Read implements net.Conn. It only notes whether a request line has ended:
// when one overflows the read buffer, fasthttp does not tell what did.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.line {
		c.line = bytes.IndexByte(b[:n], '\n') >= 0
	}
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// gone reports whether the client closed the connection, or its side of it, whatever
// it sent before that and nobody has read.
func (c *conn) gone() bool {
	if c.raw == nil {
		return false
	}
	hung := false
	closed := c.raw.Control(func(fd uintptr) { hung = hungUp(fd) })
	return closed != nil || hung
}

// listener wraps what it accepts. It may be closed twice.
type listener struct {
	net.Listener
	close func() error
}

func newListener(ln net.Listener) *listener {
	return &listener{Listener: ln, close: sync.OnceValue(ln.Close)}
}

// Close implements net.Listener.
func (l *listener) Close() error { return l.close() }

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	wrapped := &conn{Conn: c}
	if socket, ok := c.(syscall.Conn); ok {
		wrapped.raw, _ = socket.SyscallConn()
	}
	return wrapped, nil
}

// connections are all that are open. fasthttp counts a new connection that says
// nothing as busy for five seconds, too long for a shutdown.
type connections struct {
	mu        sync.Mutex
	open      map[*conn]struct{}
	listeners []*listener
	draining  bool
}

// listen keeps a listener to be closed; it is closed at once when the server
// already drains.
func (c *connections) listen(ln *listener) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, ln)
	if c.draining {
		_ = ln.Close()
	}
}

// changed is fasthttp's hook. It is called twice a request, so the states of
// requests only leave a mark.
func (c *connections) changed(nc net.Conn, state fasthttp.ConnState) {
	one := nc.(*conn)
	one.state.Store(int32(state))
	if state == fasthttp.StateActive || state == fasthttp.StateIdle {
		one.line = one.line && state == fasthttp.StateActive
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if state != fasthttp.StateNew {
		delete(c.open, one)
		return
	}
	c.open[one] = struct{}{}
	if c.draining {
		_ = one.Close()
	}
}

// drain stops accepting and closes the connections that serve no request, now
// and when they come.
func (c *connections) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	for _, ln := range c.listeners {
		_ = ln.Close()
	}
	for one := range c.open {
		if fasthttp.ConnState(one.state.Load()) != fasthttp.StateActive {
			_ = one.Close()
		}
	}
}

// cut closes every connection.
func (c *connections) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.open {
		_ = one.Close()
	}
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}
