package natsbus

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// outboxBound bounds the bytes that wait for a socket. Beyond it, sending to this peer
	// fails. The socket of the peer buffers as much again.
	outboxBound = 4 << 20
	// closeTimeout is how long a closing connection may go on writing its backlog.
	closeTimeout = 100 * time.Millisecond
)

// outbox is a connection whose Write never blocks. nats.go writes under the lock that every
// publish takes. So a peer that has stopped reading (SIGSTOP, a cut cable) would block its
// senders. Write gives the socket the bytes that it takes at once. The rest is buffered, and a
// goroutine writes it. Write refuses nothing, because half a message would break the stream;
// senders call full first.
type outbox struct {
	net.Conn
	raw     syscall.RawConn // nil: the socket cannot be written to without waiting
	waiting atomic.Int64    // bytes in backlog, and those that the goroutine is writing
	drains  sync.WaitGroup

	mu struct {
		sync.Mutex
		backlog []byte
		busy    bool // the goroutine runs; only the goroutine writes then
		closed  bool
		err     error // of the goroutine's last write
		attempt attempt
	}
}

// attempt is one write that must not wait. The attempt is part of the outbox, and its function
// is made once, so that writing does not allocate.
type attempt struct {
	p   []byte
	n   int
	err error
	run func(fd uintptr) bool
}

func newOutbox(conn net.Conn) *outbox {
	o := &outbox{Conn: conn}
	if sc, ok := conn.(syscall.Conn); ok && canAttempt {
		if raw, err := sc.SyscallConn(); err == nil {
			o.raw = raw
		}
	}
	a := &o.mu.attempt
	a.run = func(fd uintptr) bool {
		a.n, a.err = writeNow(fd, a.p)
		return true // never wait for the socket, even if nothing was written
	}
	return o
}

// full reports that no more should be written for now.
func (o *outbox) full() bool { return o.waiting.Load() >= outboxBound }

// Write takes all of p. If it takes nothing, the connection is broken.
func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mu.closed {
		return 0, net.ErrClosed
	}
	if o.mu.err != nil {
		return 0, o.mu.err
	}
	n := 0
	if !o.mu.busy && o.raw != nil {
		var err error
		if n, err = o.tryWrite(p); err != nil {
			return 0, err
		}
	}
	if n < len(p) {
		o.mu.backlog = append(o.mu.backlog, p[n:]...)
		o.waiting.Add(int64(len(p) - n))
		if !o.mu.busy {
			o.mu.busy = true
			o.drains.Go(o.drain)
		}
	}
	return len(p), nil
}

// tryWrite writes as many bytes as the socket takes without waiting, possibly none.
func (o *outbox) tryWrite(p []byte) (int, error) {
	a := &o.mu.attempt
	a.p, a.n, a.err = p, 0, nil
	err := o.raw.Write(a.run)
	a.p = nil
	if err == nil {
		err = a.err
	}
	return a.n, err
}

// drain writes the backlog until it is empty. Close of the connection ends drain.
func (o *outbox) drain() {
	var chunk []byte
	for {
		o.mu.Lock()
		if len(o.mu.backlog) == 0 || o.mu.err != nil {
			o.mu.busy, o.mu.backlog = false, nil
			if o.mu.closed {
				o.Conn.Close()
			}
			o.mu.Unlock()
			return
		}
		chunk, o.mu.backlog = o.mu.backlog, chunk[:0]
		o.mu.Unlock()
		if err := o.writeAll(chunk); err != nil {
			o.mu.Lock()
			o.mu.err = err
			o.mu.Unlock()
			o.Conn.Close()
		}
	}
}

// writeAll waits for the socket. As the socket takes bytes, senders may add more.
func (o *outbox) writeAll(chunk []byte) error {
	const piece = 64 << 10
	for len(chunk) > 0 {
		n, err := o.Conn.Write(chunk[:min(piece, len(chunk))])
		if err != nil {
			return err
		}
		o.waiting.Add(-int64(n))
		chunk = chunk[n:]
	}
	return nil
}

// Close gives the goroutine closeTimeout to write the backlog, and does not wait for it.
func (o *outbox) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mu.closed {
		return nil
	}
	o.mu.closed = true
	if o.mu.busy {
		return o.Conn.SetWriteDeadline(time.Now().Add(closeTimeout))
	}
	return o.Conn.Close()
}

// wait returns, after Close, when the goroutine has ended.
func (o *outbox) wait() { o.drains.Wait() }

// SetWriteDeadline does nothing: writes do not wait.
func (o *outbox) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline sets the deadline of reads only, for the same reason.
func (o *outbox) SetDeadline(t time.Time) error { return o.SetReadDeadline(t) }
