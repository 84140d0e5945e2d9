package cluster

import (
	"context"
	"fmt"
	"net"
	"sync"
)

const (
	// bufferSize is the number of bytes that a proxy holds in each direction of a
	// connection. Further bytes wait in the sockets of the kernel, which are bounded too.
	bufferSize = 32 << 10
	// maxHeld bounds the connection attempts of one node that wait for the end of a cut. A
	// node makes one attempt at a time, so it has given up the older ones.
	maxHeld = 4
)

// proxy stands in front of one node's bus: views name its address in place of the node's
// own. It carries bytes without reading them. It freezes each direction of each connection
// separately while that direction is cut. A cut looks as if an interface had disappeared.
// Bytes stop, and neither end gets an error. If one end closes a connection, it stays open
// at the other. New connections get no answer. After the heal a flow continues where it
// stopped if both ends still want it, and bytes that were under way arrive late.
//
// Two things differ from a real network. The sender's kernel sees its bytes acknowledged
// until the buffers on the way are full, so only silence above TCP shows the cut. And while
// one direction is cut, the other carries data without a limit. In a real network it would
// stop when the window is full of unacknowledged data.
type proxy struct {
	to       int
	target   string // address of the node's own bus
	listener net.Listener
	cuts     *cuts
	callerOf func(near net.Conn) (int, error) // returns the node that dialled
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu struct {
		sync.Mutex
		held map[int][]context.CancelFunc // by node that dialled: its waiting attempts, oldest first
	}
}

// newProxy starts a proxy in front of a node's bus, on a free port.
func newProxy(to int, target string, cuts *cuts, who func(net.Conn) (int, error)) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy to n%d: %w", to, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &proxy{to: to, target: target, listener: listener, cuts: cuts, callerOf: who, cancel: cancel}
	c.mu.held = map[int][]context.CancelFunc{}
	c.running.Go(func() { c.accept(ctx) })
	return c, nil
}

// addr is the address that a view names.
func (c *proxy) addr() string { return c.listener.Addr().String() }

// close ends all connections.
func (c *proxy) close() {
	c.cancel()
	_ = c.listener.Close() // an error would cost nothing
	c.running.Wait()
}

func (c *proxy) accept(ctx context.Context) {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return // the proxy is closed
		}
		c.running.Go(func() { c.serve(ctx, near) })
	}
}

// serve carries one connection from its first byte to its end.
func (c *proxy) serve(ctx context.Context, near net.Conn) {
	defer near.Close()
	from, err := c.callerOf(near)
	if err != nil {
		return // the caller has ended, or is no node of this cluster
	}
	there := direction{from, c.to}
	if !c.admit(ctx, there) {
		return
	}
	far, err := net.Dial("tcp", c.target)
	if err != nil {
		_ = near.(*net.TCPConn).SetLinger(0) // close with a reset, as a port without a listener would
		return
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { near.Close(); far.Close() })()
	var both sync.WaitGroup
	both.Go(func() { c.forward(ctx, far, near, there) })
	both.Go(func() { c.forward(ctx, near, far, there.reverse()) })
	both.Wait()
}

// admit holds a new connection while one of its directions is cut, because a SYN and its
// answer need both. It returns false if the connection is given up.
func (c *proxy) admit(ctx context.Context, there direction) bool {
	if c.cuts.blocked(there, there.reverse()) == nil {
		return true
	}
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	c.mu.Lock()
	held := append(c.mu.held[there.from], giveUp)
	if len(held) > maxHeld {
		held[0]()
		held = held[1:]
	}
	c.mu.held[there.from] = held
	c.mu.Unlock()
	return c.cuts.wait(ctx, there, there.reverse()) == nil
}

// forward copies bytes from one end to the other. The end of a flow travels in the same
// direction, and waits for the same heal. If the receiver accepts no more bytes, its own
// direction reports that.
func (c *proxy) forward(ctx context.Context, dst, src net.Conn, way direction) {
	buf := make([]byte, bufferSize)
	for {
		n, err := src.Read(buf)
		if c.cuts.wait(ctx, way) != nil {
			return
		}
		if n > 0 {
			if _, gone := dst.Write(buf[:n]); gone != nil {
				return
			}
		}
		if err != nil {
			_ = dst.Close() // the other direction may have closed it
			return
		}
	}
}
