package front

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// briefTime is how long a connection beyond the bounds may take for its one
// request.
const briefTime = 5 * time.Second

// admit enters a connection that was accepted. If all places are taken, or all
// places of the client's address, the connection becomes a brief one. If the brief
// places are taken too, the oldest brief connection that waits for a request is
// closed to make room. If there is none, or the server drains, admit closes the new
// connection and returns nil.
func (c *connections) admit(nc net.Conn) *conn {
	one := &conn{Conn: nc, address: addressOf(nc)}
	one.account.budget = c.budget
	if socket, ok := nc.(syscall.Conn); ok {
		one.raw, _ = socket.SyscallConn()
	}
	if c.tls != nil {
		one.tls = tls.Server(nc, c.tls)
		one.Conn = one.tls
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		_ = nc.Close()
		return nil
	}
	full := len(c.open)-len(c.brief) >= c.most
	if full || one.address.IsValid() && c.per[one.address] >= c.mostPer {
		if !c.makeRoom() {
			c.refused.Add(1)
			_ = nc.Close()
			return nil
		}
		one.brief, one.until = true, time.Now().Add(briefTime)
		c.brief = append(c.brief, one)
	} else if one.address.IsValid() {
		c.per[one.address]++
	}
	c.open[one] = struct{}{}
	c.height = max(c.height, len(c.open))
	return one
}

// makeRoom makes sure that there is a place for one more brief connection. If all
// are taken, it closes the oldest brief connection that waits for a request. It
// returns false if none does.
func (c *connections) makeRoom() bool {
	if len(c.brief) < c.mostBrief {
		return true
	}
	for _, old := range c.brief {
		if fasthttp.ConnState(old.state.Load()) != fasthttp.StateActive {
			c.refused.Add(1)
			_ = old.Close()
			c.drop(old)
			return true
		}
	}
	return false
}

func (c *connections) remove(one *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(one)
}

// drop removes a connection from all tables. The caller holds c.mu.
func (c *connections) drop(one *conn) {
	if _, entered := c.open[one]; !entered {
		return
	}
	delete(c.open, one)
	switch {
	case one.brief:
		c.brief = slices.DeleteFunc(c.brief, func(other *conn) bool { return other == one })
	case !one.address.IsValid():
	case c.per[one.address] == 1:
		delete(c.per, one.address)
	default:
		c.per[one.address]--
	}
}

// addressOf is the address by which connections are counted: an IPv4 address, or
// the /64 of an IPv6 address, since one client usually has the whole /64.
func addressOf(nc net.Conn) netip.Addr {
	tcp, ok := nc.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	address := tcp.AddrPort().Addr().Unmap()
	if address.Is6() {
		if block, err := address.WithZone("").Prefix(64); err == nil {
			return block.Addr()
		}
	}
	return address
}

// listener admits what it accepts. It may be closed twice.
type listener struct {
	net.Listener
	local  bool // on a loopback address
	conns  *connections
	log    *slog.Logger
	close  func() error
	closed chan struct{} // closed by Close; ends a pause of Accept
	said   time.Time     // when a failure to accept was last logged
	unsaid int           // failures since then
}

func newListener(ln net.Listener, conns *connections, log *slog.Logger) *listener {
	l := &listener{Listener: ln, local: isLoopback(ln.Addr()), conns: conns, log: log, closed: make(chan struct{})}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return ln.Close()
	})
	return l
}

// Close implements net.Listener.
func (l *listener) Close() error { return l.close() }

// Pauses after failures to accept.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// Accept implements net.Listener. fasthttp ends its server at any error, so Accept
// retries errors that are temporary.
func (l *listener) Accept() (net.Conn, error) {
	pause := firstPause
	for {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
			if one := l.conns.admit(c); one != nil {
				one.local = l.local
				return one, nil
			}
			continue
		case !passes(err):
			return nil, err
		}
		l.complain(err)
		select {
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// passes reports errors of accept(2) that are temporary: they say nothing about the
// listener itself.
func passes(err error) bool {
	for _, passing := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, // too many files are open, or too little memory is free
		syscall.ECONNABORTED, syscall.EINTR, syscall.EPERM, syscall.EPROTO, syscall.ENETDOWN, syscall.EHOSTUNREACH, // these concern one connection
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// complain logs failures to accept, at most one line a minute.
func (l *listener) complain(err error) {
	l.conns.acceptFails.Add(1)
	l.unsaid++
	if now := time.Now(); now.Sub(l.said) >= time.Minute {
		l.log.Warn("a connection could not be accepted; it is tried again", "err", err, "times", l.unsaid)
		l.said, l.unsaid = now, 0
	}
}
