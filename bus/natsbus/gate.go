package natsbus

import (
	"net"
	"sync"
	"sync/atomic"
)

// inboundBytes is how much may be read from connections before the handler has
// taken all of it. Handlers do not block, so it is hardly ever reached; a reader
// waits then, and the sender's own bounds do the rest.
const inboundBytes = 32 << 20

// gate bounds the bytes between the sockets and the handler. nats.go counts
// messages only there. What was read is counted here, and forgotten whenever
// nothing waits for the handler: so nothing can be counted that stays for ever,
// whatever nats.go does with it.
type gate struct {
	idle func() bool  // nothing waits for the handler
	read atomic.Int64 // bytes since nothing waited

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

// empty is called when nothing waits for the handler.
func (g *gate) empty() {
	if g.read.Swap(0) < inboundBytes {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.mu.opened)
	g.mu.opened = make(chan struct{})
}

// pass waits while too much has been read, or until the connection is closed.
func (g *gate) pass(closed <-chan struct{}) {
	for g.read.Load() >= inboundBytes {
		g.mu.Lock()
		opened := g.mu.opened
		g.mu.Unlock()
		if g.idle() {
			g.empty() // what was read were no messages, or were lost
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

// watch makes a connection's reading pass the gate.
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
