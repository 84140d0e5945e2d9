package front

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// conn is a connection as the front needs it. It adds two things to net.Conn. The
// front can notice that the client has left while fasthttp does not read. And each
// piece of an answer has a deadline of its own, so a long answer may take its time
// as long as the client keeps reading.
type conn struct {
	net.Conn
	raw     syscall.RawConn // nil: not a socket
	address netip.Addr      // of the client, as addressOf gives it; zero: not known
	local   bool            // its listener is on a loopback address
	brief   bool            // beyond the bounds: it may send one health check, within briefTime
	until   time.Time       // when a brief connection ends
	state   atomic.Int32    // fasthttp.ConnState

	// The fields below belong to the goroutine that serves the connection.
	tls       *tls.Conn // nil: not encrypted
	identity  identity
	line      bool      // the request line has arrived
	account   account   // bytes that the request holds
	answering bool      // the answer has begun to leave
	began     time.Time // when the answer began to leave
	sent      int64     // bytes of the answer that have left
}

// Read implements net.Conn. It also notes whether a request line has ended: if the
// read buffer overflows, fasthttp does not tell whether the line or the headers
// were too long.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.line {
		c.line = bytes.IndexByte(b[:n], '\n') >= 0
	}
	return n, err
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.brief && (t.IsZero() || t.After(c.until)) {
		t = c.until
	}
	return c.Conn.SetReadDeadline(t)
}

// Write implements net.Conn. Each piece, and the whole answer, must leave within
// writeTimeout plus the time that a client at slowestReader needs for its bytes.
func (c *conn) Write(b []byte) (int, error) {
	now := time.Now()
	if !c.answering {
		c.answering, c.began, c.sent = true, now, 0
	}
	c.sent += int64(len(b))
	end := c.began.Add(writeTimeout + time.Duration(c.sent)*(time.Second/slowestReader))
	if piece := now.Add(writeTimeout + time.Duration(len(b))*(time.Second/slowestReader)); piece.Before(end) {
		end = piece
	}
	if err := c.SetWriteDeadline(end); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// gone reports whether the client closed the connection, or its side of it. Bytes
// that the client sent before and that were not read do not hide this.
func (c *conn) gone() bool {
	if c.raw == nil {
		return false
	}
	hung := false
	closed := c.raw.Control(func(fd uintptr) { hung = hungUp(fd) })
	return closed != nil || hung
}

// connections are all open connections and the bounds on them.
type connections struct {
	most        int           // bound on open connections
	mostPer     int           // bound on those of one address
	mostBrief   int           // bound on brief connections, beyond most
	budget      *budget       // of all requests; each connection's account draws on it
	tls         *tls.Config   // nil: no encryption
	refused     atomic.Uint64 // closed for want of a place, before a request was read
	acceptFails atomic.Uint64 // failures of accept(2)

	mu        sync.Mutex
	open      map[*conn]struct{} // every connection that is not closed, brief ones too
	height    int                // most connections open at a time since Tide was last called
	per       map[netip.Addr]int // open connections by address, without brief ones; no entry is 0
	brief     []*conn            // the oldest first
	listeners []*listener
	draining  bool // new connections are closed at once
}

func (c *connections) init(l Limits, b *budget) {
	c.most, c.mostPer, c.mostBrief, c.budget = l.Connections, l.ConnectionsPerAddress, healthSlots(l.Connections), b
	c.open, c.per = map[*conn]struct{}{}, map[netip.Addr]int{}
}

// listen keeps a listener so that drain can close it. If the server already drains,
// the listener is closed at once.
func (c *connections) listen(ln *listener) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, ln)
	if c.draining {
		_ = ln.Close()
	}
}

// changed is fasthttp's hook for state changes. fasthttp calls it twice per
// request, so for the states of requests it only stores the state.
func (c *connections) changed(nc net.Conn, state fasthttp.ConnState) {
	one := nc.(*conn)
	one.state.Store(int32(state))
	switch state {
	case fasthttp.StateNew: // was entered by admit
	case fasthttp.StateActive:
		one.answering = false
	case fasthttp.StateIdle:
		one.line = false
		one.account.settle()
	default:
		one.account.settle()
		c.remove(one)
	}
}

// drain stops accepting. It closes connections that serve no request, and those
// that become idle later.
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

// tide returns how many connections are open now, and the most that were open since
// the last call.
func (c *connections) tide() (now, height int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, height = len(c.open), c.height
	c.height = now
	return now, max(now, height)
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}
