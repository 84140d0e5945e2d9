package conns

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"
)

// Listen wraps a listener. Accept of the result returns only connections that the
// table has admitted, as *Conn, and fails only when the listener is closed. Drain
// closes the listener. If the table already drains, it is closed at once.
func (c *Table) Listen(ln net.Listener, log *slog.Logger) net.Listener {
	l := newListener(ln, c, log)
	c.listen(l)
	return l
}

// listener admits what it accepts. It may be closed twice.
type listener struct {
	net.Listener
	local  bool // on a loopback address
	conns  *Table
	log    *slog.Logger
	close  func() error
	closed chan struct{} // closed by Close; ends a pause of Accept
	said   time.Time     // when a failure to accept was last logged
	unsaid int           // failures since then
}

func newListener(ln net.Listener, conns *Table, log *slog.Logger) *listener {
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
				one.Local = l.local
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

// isLoopback reports whether only this machine can reach an address.
func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
