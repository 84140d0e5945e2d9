// Package ports reserves TCP ports of 127.0.0.1 for servers that are to be started
// under an address that others must know before.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
)

const (
	// lowest is below what is reserved, and above what services of a machine use.
	lowest = 10000
	// fewest is how many ports there must be to draw from.
	fewest = 1000
	// draws is how often Reserve draws before it gives up.
	draws = 2000
)

// Reserved are ports that are this process's until Close, or until it dies. Nobody
// listens on them; whoever is told may, again and again.
//
// A port that somebody has listened on and closed is not enough: until the server
// listens on it, and while it is restarted, the kernel may give it to anyone who
// asks for any port or dials. So they are drawn from below those that the kernel
// gives away (ip_local_port_range, ip(7)), and kept from other processes that draw
// there by holding the UDP port of the same number.
type Reserved struct {
	addrs []string
	held  []net.PacketConn
}

// Reserve finds n ports on which nobody listens; some hundreds at most.
func Reserve(n int) (*Reserved, error) {
	r := &Reserved{}
	low, high := drawn()
	var taken error
	for range draws {
		if len(r.addrs) >= n {
			return r, nil
		}
		if err := r.try("127.0.0.1:" + strconv.Itoa(low+rand.IntN(high-low))); err != nil {
			taken = err
		}
	}
	return nil, errors.Join(fmt.Errorf("no %d free ports found between %d and %d", n, low, high-1), taken, r.Close())
}

// drawn is the range that ports are drawn from: where the kernel leaves none below
// its own, everything above lowest.
func drawn() (low, high int) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if _, scanErr := fmt.Sscan(string(text), &high); err != nil || scanErr != nil {
		high = 32768 // not Linux
	}
	if high < lowest+fewest {
		high = 1 << 16
	}
	return lowest, high
}

// try takes the port unless another process does, or listens on it.
func (r *Reserved) try(addr string) error {
	held, err := net.ListenPacket("udp", addr)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return errors.Join(err, held.Close())
	}
	r.addrs, r.held = append(r.addrs, addr), append(r.held, held)
	return listener.Close()
}

// Addrs are the ports with their host, all different.
func (r *Reserved) Addrs() []string { return r.addrs }

// Close gives the ports back. It may be called twice.
func (r *Reserved) Close() error {
	var errs []error
	for _, held := range r.held {
		errs = append(errs, held.Close())
	}
	r.held = nil
	return errors.Join(errs...)
}
