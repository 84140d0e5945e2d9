package cluster

import (
	"context"
	"fmt"
	"net"
	"sync"
)

const (
	// bufferSize is how much of a flow a proxy holds in each direction; what is sent
	// beyond that waits in the sockets of the kernel, which are bounded too.
	bufferSize = 32 << 10
	// maxHeld is how many connection attempts of one node wait for the end of a
	// cut. A node tries one at a time: whatever is older has been given up.
	maxHeld = 4
)

// proxy is the way to one node's bus: an address of ours that the views name in
// place of the node's own. It carries bytes and knows nothing about them, and
// freezes each direction of each connection on its own while that is cut. A cut
// looks as when an interface disappears: bytes stop flowing, neither end gets an error, a
// connection that one end closes stays open at the other, new connections do not
// get an answer. After the heal a flow goes on where it stopped, if both ends
// still want it; what was on its way arrives late.
//
// Two things differ from a network without privileges to spare. A sender's
// kernel sees its bytes acknowledged until the buffers on the way are full, so
// it is silence above TCP that tells of the cut. And while one direction is cut
// the other carries data for as long as the ends like, not only until the first
// window is full of what could not be acknowledged.
type proxy struct {
	to       int
	target   string // the node's own bus
	listener net.Listener
	cuts     *cuts
	callerOf func(near net.Conn) (int, error) // the node that dialled
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu struct {
		sync.Mutex
		held map[int][]context.CancelFunc // by the node that dialled, the oldest first
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

// addr is what a view names.
func (c *proxy) addr() string { return c.listener.Addr().String() }

// close ends all connections.
func (c *proxy) close() {
	c.cancel()
	_ = c.listener.Close() // nothing to lose
	c.running.Wait()
}

func (c *proxy) accept(ctx context.Context) {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return // closed
		}
		c.running.Go(func() { c.serve(ctx, near) })
	}
}

// serve carries one connection from its first byte to its end.
func (c *proxy) serve(ctx context.Context, near net.Conn) {
	defer near.Close()
	from, err := c.callerOf(near)
	if err != nil {
		return // it has gone already, or is none of ours
	}
	there := direction{from, c.to}
	if !c.admit(ctx, there) {
		return
	}
	far, err := net.Dial("tcp", c.target)
	if err != nil {
		_ = near.(*net.TCPConn).SetLinger(0) // as a port that nobody listens on: reset
		return
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { near.Close(); far.Close() })()
	var both sync.WaitGroup
	both.Go(func() { c.forward(ctx, far, near, there) })
	both.Go(func() { c.forward(ctx, near, far, there.reverse()) })
	both.Wait()
}

// admit holds a new connection while one of its directions is cut: neither a SYN
// nor its answer may be lost. It returns false if the connection is given up.
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

// forward copies what one end sends to the other. That one end has closed is news
// that travels in the same direction, and waits for the same heal. If the other
// end takes no more, its own direction will tell.
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
			_ = dst.Close() // it may have closed, too
			return
		}
	}
}
