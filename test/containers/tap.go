package containers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// defaultBridge is the interface, on the engine's host, of the network that all containers
// share.
const defaultBridge = "docker0"

// Tap counts the IPv4 packets between containers on the bridges that it listens on. It uses
// packet sockets of this process, because the image has no tools. It needs root on the
// engine's host.
type Tap struct {
	sockets []*os.File
	readers sync.WaitGroup
	mu      struct {
		sync.Mutex
		owner map[[4]byte]home // by address: the node that has it now
		count map[passage]uint64
		err   error
	}
}

// home is the node and the bridge of an address.
type home struct {
	node   int
	bridge string
}

// passage is the way of a packet, with the bridge that its destination is on. A packet for
// a network that a node was removed from goes to the default bridge too, where no process
// receives it.
type passage struct {
	bridge   string
	from, to int
	attempt  bool // a SYN: the sender tries to connect, and no more
}

// NewTap listens on a bridge.
func NewTap(bridge string) (*Tap, error) {
	t := &Tap{}
	t.mu.owner, t.mu.count = map[[4]byte]home{}, map[passage]uint64{}
	return t, t.Listen(bridge)
}

// Know records that a node has an address on a bridge from now on.
func (t *Tap) Know(ip string, node int, bridge string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.owner[netip.MustParseAddr(ip).As4()] = home{node, bridge}
}

// Forget records that no node has an address any more.
func (t *Tap) Forget(ip string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if addr, err := netip.ParseAddr(ip); err == nil {
		delete(t.mu.owner, addr.As4())
	}
}

// Count adds up the packets of some passages. It fails if the kernel dropped packets before
// they were counted.
func (t *Tap) Count(counts func(p passage) bool) (sum uint64, err error) {
	for _, s := range t.sockets {
		if err := lost(s); err != nil {
			return 0, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for p, n := range t.mu.count {
		if counts(p) {
			sum += n
		}
	}
	return sum, t.mu.err
}

// Close ends the counting.
func (t *Tap) Close() error {
	var errs []error
	for _, s := range t.sockets {
		errs = append(errs, s.Close())
	}
	t.readers.Wait()
	return errors.Join(errs...)
}

// Listen adds a bridge.
func (t *Tap) Listen(bridge string) error {
	link, err := net.InterfaceByName(bridge)
	if err != nil {
		return fmt.Errorf("tap on %s: %w", bridge, err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("tap on %s: %w", bridge, err)
	}
	socket := os.NewFile(uintptr(fd), bridge)
	t.sockets = append(t.sockets, socket)
	// A bridge shows what passes from port to port only when it is promiscuous.
	everything := &unix.PacketMreq{Ifindex: int32(link.Index), Type: unix.PACKET_MR_PROMISC}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20),
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, everything),
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &headersOnly),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_IP), Ifindex: link.Index}),
	)
	if err != nil {
		return fmt.Errorf("tap on %s: %w", bridge, err)
	}
	t.readers.Go(func() { t.read(socket, bridge) })
	return nil
}

// lost returns an error if packets were dropped since the last call, because a socket's
// buffer was too small.
func lost(socket *os.File) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var stats *unix.TpacketStats
	var failed error
	err = raw.Control(func(fd uintptr) {
		stats, failed = unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
	})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("tap on %s: %w", socket.Name(), err)
	}
	if stats.Drops > 0 {
		return fmt.Errorf("tap on %s: %d packets were dropped before they were counted", socket.Name(), stats.Drops)
	}
	return nil
}

// headersOnly is a filter that keeps the first bytes of each packet: the longest possible
// IPv4 header and a TCP header.
var headersOnly = unix.SockFprog{Len: 1, Filter: &unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: headerSize}}

const (
	ipv4Header = 20 // without options
	headerSize = 60 + 20
)

func htons(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}

// read counts until the socket is closed.
func (t *Tap) read(socket *os.File, bridge string) {
	header := make([]byte, headerSize)
	for {
		n, err := socket.Read(header)
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			t.broken(bridge, err)
			return
		case n >= ipv4Header:
			t.note([4]byte(header[12:16]), [4]byte(header[16:20]), isAttempt(header[:n]))
		}
	}
}

// isAttempt reports that an IPv4 packet is a TCP SYN without an ACK.
func isAttempt(packet []byte) bool {
	const protocol, flags, syn, ack = 9, 13, 0x02, 0x10
	tcp := int(packet[0]&0x0f) * 4
	return packet[protocol] == unix.IPPROTO_TCP && len(packet) > tcp+flags && packet[tcp+flags]&(syn|ack) == syn
}

func (t *Tap) note(from, to [4]byte, attempt bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, known := t.mu.owner[from]
	b, both := t.mu.owner[to]
	if known && both && a.node != b.node {
		t.mu.count[passage{b.bridge, a.node, b.node, attempt}]++
	}
}

// broken makes every later Count fail: packets that were not counted may be those that
// matter.
func (t *Tap) broken(bridge string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.err = fmt.Errorf("tap on %s: %w", bridge, err)
}
