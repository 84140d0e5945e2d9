package natsbus

import (
	"slices"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

// peer is another node, and the link to its address.
type peer struct {
	bus.Peer
	link *place
}

// connection is the connection to the peer, if the peer is at its address.
func (p *peer) connection() *live {
	if conn := p.link.live.Load(); conn != nil && conn.node == p.ID {
		return conn
	}
	return nil
}

// place is an address of peers. It has several peers if the list names the address several
// times; then at most one entry is right. So each address is dialled only once.
type place struct {
	link
	wanted atomic.Pointer[[]ids.Node]
}

func (p *place) wants(id ids.Node) bool { return slices.Contains(*p.wanted.Load(), id) }

// peerTable is the list of the last Reach. It is replaced, never changed.
type peerTable struct {
	byID   map[ids.Node]*peer
	all    []*peer // in the order of the list
	places map[string]*place
}

// Reach replaces the list of peers. A peer whose address stays keeps its connection. A peer with
// a new address gets a new connection. Connections to addresses that are no longer named are
// closed. If an id occurs twice, its last entry counts.
func (c *Conn) Reach(peers []bus.Peer) {
	if c.external {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.closed {
		return
	}
	old := c.peers.Load()
	next, wanted := c.arrange(peers, old)
	var begun []*place
	for addr, p := range next.places {
		here := wanted[addr]
		if old.places[addr] == nil {
			begun = append(begun, p)
		}
		p.wanted.Store(&here)
	}
	c.peers.Store(next)
	for addr, p := range old.places {
		if next.places[addr] != p {
			p.stop()
		} else if conn := p.live.Load(); conn != nil && !p.wants(conn.node) {
			p.retryLater()
		}
	}
	for _, p := range begun {
		p.start()
	}
}

// Renew replaces the connections to all peers, with the current credentials.
func (c *Conn) Renew() {
	for _, p := range c.peers.Load().places {
		p.retryLater()
	}
}

// arrange finds a place for each peer: the existing one at its address, or a new one.
func (c *Conn) arrange(peers []bus.Peer, old *peerTable) (next *peerTable, wanted map[string][]ids.Node) {
	last := make(map[ids.Node]bus.Peer, len(peers))
	for _, p := range peers {
		last[p.ID] = p
	}
	delete(last, c.node)
	next = &peerTable{byID: make(map[ids.Node]*peer, len(last)), places: map[string]*place{}}
	wanted = map[string][]ids.Node{}
	for _, p := range peers {
		p, ok := last[p.ID]
		if !ok {
			continue
		}
		delete(last, p.ID)
		at := next.places[p.Addr]
		if at == nil {
			if at = old.places[p.Addr]; at == nil {
				at = c.newPlace(p.Addr)
			}
			next.places[p.Addr] = at
		}
		wanted[p.Addr] = append(wanted[p.Addr], p.ID)
		known := &peer{Peer: p, link: at}
		next.byID[p.ID] = known
		next.all = append(next.all, known)
	}
	return next, wanted
}

// newPlace makes a link that is not started yet.
func (c *Conn) newPlace(addr string) *place {
	p := &place{}
	p.link = link{
		conn:    c,
		addr:    addr,
		url:     "nats://" + addr,
		options: []nats.Option{nats.UserInfo(c.name.String(), "")}, // the name that a server without credentials sees
		dial:    dialPeer(c.credentials, p.wants),
		admit:   func(nc *nats.Conn, way *connecting) (ids.Node, error) { return c.meet(p, nc, way) },
		peers:   func() []ids.Node { return *p.wanted.Load() },
	}
	return p
}

// meet refuses a node that is not wanted at the address. The link tries again, because the
// wanted node may come back. For the wanted node, meet subscribes to its answers: all messages
// of this subscription are from this node.
func (c *Conn) meet(at *place, nc *nats.Conn, way *connecting) (ids.Node, error) {
	name, err := bus.ParseServerName(nc.ConnectedServerName())
	switch {
	case err != nil:
		return 0, bus.Refuse(bus.NotCohort, "%v", err)
	case name.Cluster != c.name.Cluster:
		return 0, bus.Refuse(bus.OtherCluster, "node %d of cluster %s is there", name.Node, name.Cluster)
	case way.peer != nil && name.Node != way.peer.Node:
		return 0, bus.Refuse(bus.WrongNode, "node %d is there, and says that it is node %d", way.peer.Node, name.Node)
	case !at.wants(name.Node):
		return 0, bus.Refuse(bus.WrongNode, "node %d is there", name.Node)
	}
	_, err = nc.ChanSubscribe(c.answers.Of(name.Node), c.inbound)
	return name.Node, err
}
