// Package conns has the connections of clients: which ones are admitted, how many
// bytes their requests may hold, and whether a client has left.
//
// The package promises:
//
//  1. A Table never has more connections open than its bounds allow.
//  2. When all places are taken, a few brief connections are still admitted, so that
//     health checks are answered.
//  3. All requests together hold at most the bytes of the Budget, beyond SmallBody
//     for each connection.
//
// Any goroutine may use a Table or a Budget. A Conn belongs to the goroutine that
// serves it, apart from Gone, which any goroutine may call. The bounds are explained
// in docs/security.md §3.1.
package conns

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// Table is all open connections and the bounds on them.
type Table struct {
	most        int           // bound on open connections
	mostPer     int           // bound on those of one address
	mostBrief   int           // bound on brief connections, beyond most
	budget      *Budget       // of all requests; each connection's account draws on it
	tls         *tls.Config   // nil: no encryption
	refused     atomic.Uint64 // closed for want of a place, before a request was read
	acceptFails atomic.Uint64 // failures of accept(2)

	mu        sync.Mutex
	open      map[*Conn]struct{} // every connection that is not closed, brief ones too
	height    int                // most connections open at a time since Tide was last called
	per       map[netip.Addr]int // open connections by address, without brief ones; no entry is 0
	brief     []*Conn            // the oldest first
	listeners []*listener
	draining  bool // new connections are closed at once
}

// New returns a table without connections. tls may be nil; then connections are not
// encrypted.
func New(b Bounds, budget *Budget, tls *tls.Config) *Table {
	b = b.withDefaults()
	return &Table{
		most: b.Open, mostPer: b.PerAddress, mostBrief: briefPlaces(b.Open), budget: budget, tls: tls,
		open: map[*Conn]struct{}{}, per: map[netip.Addr]int{},
	}
}

// Most is the number of connections that may be open, brief ones included.
func (c *Table) Most() int { return c.most + maxBrief }

// listen keeps a listener so that Drain can close it. If the server already drains,
// the listener is closed at once.
func (c *Table) listen(ln *listener) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, ln)
	if c.draining {
		_ = ln.Close()
	}
}

// Changed is fasthttp's hook for state changes. fasthttp calls it twice per
// request, so for the states of requests it only stores the state.
func (c *Table) Changed(nc net.Conn, state fasthttp.ConnState) {
	one := nc.(*Conn)
	one.state.Store(int32(state))
	switch state {
	case fasthttp.StateNew: // was entered by admit
	case fasthttp.StateActive:
		one.answering = false
	case fasthttp.StateIdle:
		one.line = false
		one.account.settle()
	default:
		one.account.settle()
		c.remove(one)
	}
}

// Drain stops accepting. It closes connections that serve no request, and those
// that become idle later.
func (c *Table) Drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	for _, ln := range c.listeners {
		_ = ln.Close()
	}
	for one := range c.open {
		if fasthttp.ConnState(one.state.Load()) != fasthttp.StateActive {
			_ = one.Close()
		}
	}
}

// Cut closes every connection.
func (c *Table) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.open {
		_ = one.Close()
	}
}

// Tide returns how many connections are open now, and the most that were open since
// the last call.
func (c *Table) Tide() (now, height int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, height = len(c.open), c.height
	c.height = now
	return now, max(now, height)
}

// Count is the number of open connections.
func (c *Table) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// Refused is the number of connections that were closed for want of a place, before
// a request was read.
func (c *Table) Refused() uint64 { return c.refused.Load() }

// AcceptFails is the number of failures of accept(2).
func (c *Table) AcceptFails() uint64 { return c.acceptFails.Load() }
