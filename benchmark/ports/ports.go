// Package ports reserves TCP ports of 127.0.0.1 for servers whose address must be known
// before they start.
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
	// lowest is the lowest port that is reserved: services of a machine use lower ones.
	lowest = 10000
	// fewest is the least number of ports to draw from.
	fewest = 1000
	// draws bounds the attempts of Reserve.
	draws = 2000
)

// Reserved are ports that belong to this process until Close, or until the process dies.
// Reserve listens on none of them; a server that is told a port may listen on it, several
// times.
//
// It is not enough to listen on a port and close it. Until the server listens, and while it
// restarts, the kernel may give the port to any process. So ports are drawn from below
// those that the kernel gives away (ip_local_port_range, ip(7)). To keep them from other
// processes that draw there, Reserve holds the UDP port of the same number.
type Reserved struct {
	addrs []string
	held  []net.PacketConn
}

// Reserve finds n ports on which no process listens; n is some hundreds at most.
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

// drawn is the range that ports are drawn from. If the kernel leaves no ports below its own
// range, it is everything above lowest.
func drawn() (low, high int) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if _, scanErr := fmt.Sscan(string(text), &high); err != nil || scanErr != nil {
		high = 32768 // other systems than Linux
	}
	if high < lowest+fewest {
		high = 1 << 16
	}
	return lowest, high
}

// try takes a port, unless another process has taken it or listens on it.
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

// Addrs returns the ports with their host, all different.
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
