package natsbus

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// outboxBound is how much may wait for a socket that takes nothing: beyond
	// it, sending to this peer fails. The peer's own socket holds as much again.
	outboxBound = 4 << 20
	// closeTimeout is how long a closing connection may go on writing what waits.
	closeTimeout = 100 * time.Millisecond
)

// outbox is a connection whose Write never blocks. nats.go writes under the lock
// that every publish takes, so a peer that has stopped reading (SIGSTOP, a cut
// cable) would block its senders. Write gives the socket what it takes
// at once; the rest waits here and a goroutine writes it. Write itself refuses
// nothing, because half a message would break the stream: senders ask full first.
type outbox struct {
	net.Conn
	raw     syscall.RawConn // nil: there is no way to ask the socket without waiting
	waiting atomic.Int64    // bytes in backlog, and those that the goroutine is writing
	drains  sync.WaitGroup

	mu struct {
		sync.Mutex
		backlog []byte
		busy    bool // the goroutine runs: it alone writes
		closed  bool
		err     error // of the goroutine's last write
		attempt attempt
	}
}

// attempt is one write that must not wait. It lives in the outbox, with its
// function made once, so that writing allocates nothing.
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
		return true // done, whatever was written: never wait for the socket
	}
	return o
}

// full reports that nothing more should be written for now.
func (o *outbox) full() bool { return o.waiting.Load() >= outboxBound }

// Write takes all of p, or none of it and the connection is broken.
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

// tryWrite gives the socket what it takes; nothing, when it is full.
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

// drain writes the backlog until there is none. The connection's Close ends it.
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

// writeAll waits for the socket, and lets senders go on as it takes more.
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

// Close lets a backlog out that the socket takes within closeTimeout, and does not
// wait for that.
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

// SetDeadline is about reading only, for the same reason.
func (o *outbox) SetDeadline(t time.Time) error { return o.SetReadDeadline(t) }
