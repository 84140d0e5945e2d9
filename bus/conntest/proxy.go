package conntest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy forwards TCP between two ends and can be cut. During a cut, sent bytes are lost without
// an error. Connections that were open during a cut stay silent for ever, because bytes are
// missing.
type Proxy struct {
	Addr string // address of the listener

	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu struct {
		sync.Mutex
		cut    bool
		closed bool
		calls  map[*call]struct{}
	}
}

// call is one connection through the proxy.
type call struct {
	near, far net.Conn
	silent    atomic.Bool
}

// NewProxy makes a proxy to an address. It ends with the test at the latest.
func NewProxy(t *testing.T, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), target: target, listener: l}
	p.mu.calls = map[*call]struct{}{}
	p.running.Go(p.accept)
	t.Cleanup(p.Close)
	return p
}

// Cut silences every connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.cut = true
	for c := range p.mu.calls {
		c.silent.Store(true)
	}
}

// Heal lets new connections through again.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.cut = false
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(near) })
	}
}

func (p *Proxy) serve(near net.Conn) {
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		near.Close()
		return
	}
	c := &call{near: near, far: far}
	if !p.enter(c) {
		c.close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { c.copy(far, near) })
	both.Go(func() { c.copy(near, far) })
	both.Wait()
	p.mu.Lock()
	delete(p.mu.calls, c)
	p.mu.Unlock()
}

func (p *Proxy) enter(c *call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.calls[c] = struct{}{}
	c.silent.Store(p.mu.cut)
	return !p.mu.closed
}

// copy ends both directions when one of them ends.
func (c *call) copy(to io.Writer, from io.Reader) {
	defer c.close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if c.silent.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (c *call) close() {
	c.near.Close()
	c.far.Close()
}

// Close ends all connections. It may be called again.
func (p *Proxy) Close() {
	p.listener.Close()
	p.mu.Lock()
	p.mu.closed = true
	for c := range p.mu.calls {
		c.close()
	}
	p.mu.Unlock()
	p.running.Wait()
}
