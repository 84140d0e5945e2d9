package conns

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/access"
)

// What the answer to one request may take. WriteTimeout is for one piece of an
// answer to leave; then the connection is closed.
//
// SlowestReader is in bytes a second. An answer must leave within WriteTimeout plus
// the time that its bytes take at this rate. A client that reads more slowly would
// keep the memory of the answer in use, and is cut off.
const (
	WriteTimeout  = 30 * time.Second
	SlowestReader = 64 << 10
)

// Conn is a connection as the front needs it. It adds two things to net.Conn. The
// front can notice that the client has left while fasthttp does not read. And each
// piece of an answer has a deadline of its own, so a long answer may take its time
// as long as the client keeps reading.
type Conn struct {
	net.Conn
	Local   bool            // its listener is on a loopback address
	Brief   bool            // beyond the bounds: it may send one health check, within briefTime
	raw     syscall.RawConn // nil: not a socket
	address netip.Addr      // of the client, as addressOf gives it; zero: not known
	until   time.Time       // when a brief connection ends
	state   atomic.Int32    // fasthttp.ConnState

	// The fields below belong to the goroutine that serves the connection.

	TLS       *tls.Conn       // nil: not encrypted
	Identity  access.Identity // of the client
	line      bool            // the request line has arrived
	account   account         // bytes that the request holds
	answering bool            // the answer has begun to leave
	began     time.Time       // when the answer began to leave
	sent      int64           // bytes of the answer that have left
}

// Of is the connection of a request; nil if no Table admitted it.
func Of(ctx *fasthttp.RequestCtx) *Conn {
	c, _ := ctx.Conn().(*Conn)
	return c
}

// Read implements net.Conn. It also notes whether a request line has ended: if the
// read buffer overflows, fasthttp does not tell whether the line or the headers
// were too long.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.line {
		c.line = bytes.IndexByte(b[:n], '\n') >= 0
	}
	return n, err
}

// LineArrived reports whether the line of the request under way has ended.
func (c *Conn) LineArrived() bool { return c.line }

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.Brief && (t.IsZero() || t.After(c.until)) {
		t = c.until
	}
	return c.Conn.SetReadDeadline(t)
}

// Write implements net.Conn. Each piece, and the whole answer, must leave within
// WriteTimeout plus the time that a client at SlowestReader needs for its bytes.
func (c *Conn) Write(b []byte) (int, error) {
	now := time.Now()
	if !c.answering {
		c.answering, c.began, c.sent = true, now, 0
	}
	c.sent += int64(len(b))
	end := c.began.Add(WriteTimeout + time.Duration(c.sent)*(time.Second/SlowestReader))
	if piece := now.Add(WriteTimeout + time.Duration(len(b))*(time.Second/SlowestReader)); piece.Before(end) {
		end = piece
	}
	if err := c.SetWriteDeadline(end); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// Gone reports whether the client closed the connection, or its side of it. Bytes
// that the client sent before and that were not read do not hide this.
func (c *Conn) Gone() bool {
	if c.raw == nil {
		return false
	}
	hung := false
	closed := c.raw.Control(func(fd uintptr) { hung = hungUp(fd) })
	return closed != nil || hung
}

// Bounds on what is read of a refused request: bytes, total time, and the time
// between two pieces.
const (
	drainLimit = 64 << 20
	drainTime  = 2 * time.Second
	drainPause = 50 * time.Millisecond
)

// DrainBody reads what the client is still sending. If a socket is closed with
// unread bytes, TCP resets the connection and the client may lose the answer.
func DrainBody(c net.Conn) {
	discard := make([]byte, 32<<10)
	end := time.Now().Add(drainTime)
	for read := 0; read < drainLimit && time.Now().Before(end); {
		if err := c.SetReadDeadline(time.Now().Add(drainPause)); err != nil {
			return
		}
		n, err := c.Read(discard)
		if err != nil {
			return
		}
		read += n
	}
}
