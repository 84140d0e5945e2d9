// Package membus is the bus inside one process, with faults. It delivers in one of two modes:
//
//   - New: a goroutine for each Conn delivers messages at once, like a good network. Tests run
//     real nodes over it, also with synctest: the package reads no clock.
//   - NewManual: messages are delivered only by Step. A seeded source chooses the link of the
//     next message, and its fault. One seed and one order of calls give one run.
//
// In both modes, links can be cut in one direction, and nodes can be frozen. Any goroutine may
// call any function. In manual mode, handlers run on the goroutine that calls Step.
package membus

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

// linkBound bounds the bytes that wait on one link, as in natsbus.
const linkBound = 4 << 20

// Faults are the probabilities, between 0 and 1, that Step does not simply deliver the oldest
// message of a link.
type Faults struct {
	Drop      float64 // the message is lost
	Duplicate float64 // the message is delivered, and stays on the link
	Reorder   float64 // a later message of the link is delivered first
}

// Net is a network that Conns are attached to.
type Net struct {
	manual bool

	mu struct {
		sync.Mutex
		faults Faults
		random *rand.Rand
		byAddr map[string]*Conn
		byBoot map[ids.Boot]*Conn
		links  []*link // sorted, so that the choices of the source are the same in every run
		cut    map[ends]bool
		frozen map[ids.Node]bool
		boots  ids.Boot // Conns made so far
		sent   uint64   // messages put on links so far
	}
}

// ends are sender and receiver of a link.
type ends struct{ from, to ids.Node }

// link holds the messages that are on their way from one Conn to another.
type link struct {
	ends
	target  *Conn
	packets []packet
	bytes   int
}

// packet is one message on its way.
type packet struct {
	number  uint64 // in the order of sending
	from    ids.Node
	payload []byte
	shard   string // not empty: for the nodes that listen to this shard
	replyTo ids.ReplyTo
	request uint64
	refused bool
}

// New makes a network that delivers at once, on goroutines of the Conns.
func New() *Net { return newNet() }

// NewManual makes a network that delivers when Step is called.
func NewManual(seed uint64) *Net {
	n := newNet()
	n.manual = true
	n.mu.random = rand.New(rand.NewPCG(seed, 0))
	return n
}

func newNet() *Net {
	n := &Net{}
	n.mu.byAddr = map[string]*Conn{}
	n.mu.byBoot = map[ids.Boot]*Conn{}
	n.mu.cut = map[ends]bool{}
	n.mu.frozen = map[ids.Node]bool{}
	return n
}

// Attach gives a node access to the network, at a free address. Close of the Conn frees the
// address.
func (n *Net) Attach(id ids.Node, addr string) (*Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if addr == "" {
		return nil, fmt.Errorf("membus: node %d: empty address", id)
	}
	if other := n.mu.byAddr[addr]; other != nil {
		return nil, fmt.Errorf("membus: node %d: %s belongs to node %d", id, addr, other.id)
	}
	n.mu.boots++
	c := newConn(n, id, addr, n.mu.boots)
	n.mu.byAddr[addr], n.mu.byBoot[c.boot] = c, c
	return c, nil
}

// SetFaults sets the faults of later calls of Step.
func (n *Net) SetFaults(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.faults = f
}

// Cut loses all messages from one node to another, those on their way included, until Heal. The
// other direction still works.
func (n *Net) Cut(from, to ids.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.cut[ends{from, to}] = true
	for _, l := range n.mu.links {
		if l.ends == (ends{from, to}) {
			l.clear()
		}
	}
}

// Heal ends a Cut.
func (n *Net) Heal(from, to ids.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.mu.cut, ends{from, to})
}

// Freeze holds the messages from and to a node, as if its process were stopped. A message is
// lost only if it does not fit the link.
func (n *Net) Freeze(id ids.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.frozen[id] = true
}

// Thaw ends a Freeze.
func (n *Net) Thaw(id ids.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.mu.frozen, id)
	for _, c := range n.mu.byAddr {
		c.wakeUp()
	}
}

// put adds a packet to the link between two Conns. On a cut link the packet is lost without an
// error.
func (n *Net) put(from, to *Conn, p packet) error {
	if n.mu.cut[ends{from.id, to.id}] {
		return nil
	}
	l := n.linkBetween(from, to)
	if l.bytes+len(p.payload) > linkBound {
		return bus.ErrFull
	}
	n.mu.sent++
	p.number = n.mu.sent
	l.packets = append(l.packets, p)
	l.bytes += len(p.payload)
	to.wakeUp()
	return nil
}

func (n *Net) linkBetween(from, to *Conn) *link {
	i, found := slices.BinarySearchFunc(n.mu.links, to, func(l *link, to *Conn) int {
		return cmp.Or(cmp.Compare(l.from, from.id), cmp.Compare(l.to, to.id), cmp.Compare(l.target.boot, to.boot))
	})
	if !found {
		l := &link{ends: ends{from.id, to.id}, target: to}
		n.mu.links = slices.Insert(n.mu.links, i, l)
	}
	return n.mu.links[i]
}

// open reports whether the link has a packet that may be delivered now.
func (n *Net) open(l *link) bool {
	return len(l.packets) > 0 && !n.mu.frozen[l.from] && !n.mu.frozen[l.to]
}

// take removes one packet.
func (l *link) take(i int) packet {
	p := l.packets[i]
	l.packets = slices.Delete(l.packets, i, i+1)
	l.bytes -= len(p.payload)
	return p
}

func (l *link) clear() { l.packets, l.bytes = nil, 0 }
