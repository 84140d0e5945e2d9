// Package membus is the bus inside one process, with faults. It has two ways of
// delivering:
//
//   - New: a goroutine for each Conn delivers what has arrived, at once, as a
//     good network would. Real nodes run over it in tests, synctest included: it
//     reads no clock.
//   - NewManual: nothing moves until Step is called. A seeded source chooses
//     which link's message comes next and what goes wrong with it, so one seed
//     and one order of calls give one run.
//
// Links may be cut in one direction and nodes frozen, in both ways of
// delivering. Everything may be called by any goroutine; in the manual way,
// handlers run on the goroutine that calls Step.
package membus

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/wire"
)

// linkBound is how many bytes may wait on one link, as in natsbus.
const linkBound = 4 << 20

// Faults says how often Step does something other than deliver the oldest
// message of a link: probabilities between 0 and 1.
type Faults struct {
	Drop      float64 // the message is lost
	Duplicate float64 // it is delivered, and stays on the link
	Reorder   float64 // another message of the link overtakes it
}

// Net is a network that Conns are attached to.
type Net struct {
	manual bool

	mu struct {
		sync.Mutex
		faults Faults
		random *rand.Rand
		byAddr map[string]*Conn
		byBoot map[wire.Boot]*Conn
		links  []*link // sorted, so that the source's choices mean the same in every run
		cut    map[ends]bool
		frozen map[wire.NodeID]bool
		boots  wire.Boot // Conns made so far
		sent   uint64    // messages put on links so far
	}
}

// ends are sender and receiver of a link.
type ends struct{ from, to wire.NodeID }

// link is what is on its way from one Conn to another.
type link struct {
	ends
	target  *Conn
	packets []packet
	bytes   int
}

// packet is one message on its way.
type packet struct {
	number  uint64 // in the order of sending
	from    wire.NodeID
	payload []byte
	shard   string // not empty: for those who listen to it
	replyTo wire.ReplyTo
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
	n.mu.byBoot = map[wire.Boot]*Conn{}
	n.mu.cut = map[ends]bool{}
	n.mu.frozen = map[wire.NodeID]bool{}
	return n
}

// Attach gives a node access to the network, at an address that nobody else
// has. Close of the Conn frees the address.
func (n *Net) Attach(id wire.NodeID, addr string) (*Conn, error) {
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

// SetFaults says what Step does from now on.
func (n *Net) SetFaults(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.faults = f
}

// Cut loses, from now on, what one node sends to another, and what is on its
// way there. The other direction still works.
func (n *Net) Cut(from, to wire.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.cut[ends{from, to}] = true
	for _, l := range n.mu.links {
		if l.ends == (ends{from, to}) {
			l.clear()
		}
	}
}

// Heal ends what Cut began.
func (n *Net) Heal(from, to wire.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.mu.cut, ends{from, to})
}

// Freeze keeps back what is on its way from and to a node, as if its process
// were stopped. It is not lost, but for what does not fit a link.
func (n *Net) Freeze(id wire.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.frozen[id] = true
}

// Thaw ends what Freeze began.
func (n *Net) Thaw(id wire.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.mu.frozen, id)
	for _, c := range n.mu.byAddr {
		c.wakeUp()
	}
}

// put lays a packet on the link between two Conns. What is cut off is lost on
// the way: the sender does not notice.
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

// open reports whether the link has something that may be delivered now.
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
