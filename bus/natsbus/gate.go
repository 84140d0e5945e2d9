package natsbus

import (
	"net"
	"sync"
	"sync/atomic"
)

// inboundBytes bounds the bytes that are read from connections and not yet handled. Handlers do
// not block, so the bound is hardly ever reached. At the bound, readers wait, and the bounds of
// the sender take effect.
const inboundBytes = 32 << 20

// gate bounds the bytes between the sockets and the handler; nats.go bounds only the number of
// messages. The gate counts all bytes that are read. It resets the count when no message waits
// for the handler, so the count cannot grow by bytes that nats.go drops.
type gate struct {
	idle func() bool  // no message waits for the handler
	read atomic.Int64 // bytes since no message waited

	mu struct {
		sync.Mutex
		opened chan struct{} // closed, and replaced, when a reader may go on
	}
}

func newGate(idle func() bool) *gate {
	g := &gate{idle: idle}
	g.mu.opened = make(chan struct{})
	return g
}

// empty is called when no message waits for the handler.
func (g *gate) empty() {
	if g.read.Swap(0) < inboundBytes {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.mu.opened)
	g.mu.opened = make(chan struct{})
}

// pass waits until fewer bytes than the bound are unhandled, or the connection is closed.
func (g *gate) pass(closed <-chan struct{}) {
	for g.read.Load() >= inboundBytes {
		g.mu.Lock()
		opened := g.mu.opened
		g.mu.Unlock()
		if g.idle() {
			g.empty() // the bytes read were no messages, or the messages were lost
			return
		}
		if g.read.Load() < inboundBytes {
			return
		}
		select {
		case <-opened:
		case <-closed:
			return
		}
	}
}

// watch makes a connection read through the gate.
func (g *gate) watch(conn net.Conn) net.Conn {
	return &watched{Conn: conn, gate: g, closed: make(chan struct{})}
}

type watched struct {
	net.Conn
	gate   *gate
	once   sync.Once
	closed chan struct{}
}

// Read implements net.Conn.
func (w *watched) Read(p []byte) (int, error) {
	if w.gate.read.Load() >= inboundBytes {
		w.gate.pass(w.closed)
	}
	n, err := w.Conn.Read(p)
	w.gate.read.Add(int64(n))
	return n, err
}

// Close implements net.Conn.
func (w *watched) Close() error {
	w.once.Do(func() { close(w.closed) })
	return w.Conn.Close()
}
