package conns

import (
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
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
func (c *Table) admit(nc net.Conn) *Conn {
	one := &Conn{Conn: nc, address: addressOf(nc)}
	one.account.budget = c.budget
	if socket, ok := nc.(syscall.Conn); ok {
		one.raw, _ = socket.SyscallConn()
	}
	if c.tls != nil {
		one.TLS = tls.Server(nc, c.tls)
		one.Conn = one.TLS
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
		one.Brief, one.until = true, time.Now().Add(briefTime)
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
func (c *Table) makeRoom() bool {
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

func (c *Table) remove(one *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(one)
}

// drop removes a connection from all tables. The caller holds c.mu.
func (c *Table) drop(one *Conn) {
	if _, entered := c.open[one]; !entered {
		return
	}
	delete(c.open, one)
	switch {
	case one.Brief:
		c.brief = slices.DeleteFunc(c.brief, func(other *Conn) bool { return other == one })
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
