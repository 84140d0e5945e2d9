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

// conn is a connection as the front needs it. The front can look at it while fasthttp
// does not read it. Each answer has a deadline of its own, which moves while the client
// reads: an answer of any length may take its time.
type conn struct {
	net.Conn
	raw     syscall.RawConn // nil: not a socket
	address netip.Addr      // of the client, as connections are shared out; zero: not known
	local   bool            // its listener is on a loopback address
	brief   bool            // beyond the bounds: one health check, and soon
	until   time.Time       // of a brief one: when it ends
	state   atomic.Int32    // fasthttp.ConnState

	// Of the goroutine that serves it.
	tls       *tls.Conn // nil: not encrypted
	identity  identity
	line      bool    // the request line has arrived
	account   account // what the request holds
	answering bool    // the answer has begun to leave,
	began     time.Time
	sent      int64 // and so much of it has left
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

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.brief && (t.IsZero() || t.After(c.until)) {
		t = c.until
	}
	return c.Conn.SetReadDeadline(t)
}

// Write implements net.Conn. A piece must leave within writeTimeout, and the whole
// answer within what slowestReader takes beside that.
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

// connections are all that are open, and who may have one.
type connections struct {
	most        int // open at a time,
	mostPer     int // and of one address
	mostBrief   int // beyond these
	budget      *budget
	tls         *tls.Config   // nil: no encryption
	refused     atomic.Uint64 // closed for want of a place, before they had a request
	acceptFails atomic.Uint64

	mu        sync.Mutex
	open      map[*conn]struct{}
	height    int // of len(open); Server.Tide
	per       map[netip.Addr]int
	brief     []*conn // the oldest first
	listeners []*listener
	draining  bool
}

func (c *connections) init(l Limits, b *budget) {
	c.most, c.mostPer, c.mostBrief, c.budget = l.Connections, l.ConnectionsPerAddress, healthSlots(l.Connections), b
	c.open, c.per = map[*conn]struct{}{}, map[netip.Addr]int{}
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

// tide is how many are open, and were at most since the last call.
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
