package natsbus

import (
	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/wire"
)

// peer is another node, and the link to its server.
type peer struct {
	bus.Peer
	link
}

// peerTable is what Reach asked for. It is replaced, never changed.
type peerTable struct {
	byID map[wire.NodeID]*peer
	all  []*peer // in the order of the list
}

// Reach replaces the list of peers. A peer whose address stays keeps its
// connection, one whose address changed gets a new one. When an id occurs twice
// its last entry counts.
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
	next := &peerTable{byID: make(map[wire.NodeID]*peer, len(peers))}
	wanted := make(map[wire.NodeID]bus.Peer, len(peers))
	for _, p := range peers {
		wanted[p.ID] = p
	}
	delete(wanted, c.node)
	for _, p := range peers {
		want, ok := wanted[p.ID]
		if !ok {
			continue
		}
		delete(wanted, p.ID)
		link := old.byID[p.ID]
		if link == nil || link.Addr != want.Addr {
			link = c.newPeer(want)
		}
		next.byID[p.ID] = link
		next.all = append(next.all, link)
	}
	c.peers.Store(next)
	for _, p := range old.all {
		if next.byID[p.ID] != p {
			p.stop()
		}
	}
}

func (c *Conn) newPeer(want bus.Peer) *peer {
	p := &peer{Peer: want}
	p.link = link{
		url:     "nats://" + want.Addr,
		options: []nats.Option{c.auth},
		dial:    dialTCP,
		admit:   func(nc *nats.Conn) error { return c.meet(want, nc) },
		counts:  &c.counts,
		running: &c.linking,
	}
	p.start()
	return p
}

// meet refuses another node that answers at the peer's address; the link tries
// again, because the right one may come back. Then it listens for answers there.
func (c *Conn) meet(want bus.Peer, nc *nats.Conn) error {
	name, err := bus.ParseServerName(nc.ConnectedServerName())
	switch {
	case err != nil:
		err = refuse(bus.NotCohort, "%s: %v", want.Addr, err)
	case name.Cluster != c.cluster:
		err = refuse(bus.OtherCluster, "%s is node %d of cluster %s", want.Addr, name.Node, name.Cluster)
	case name.Node != want.ID:
		err = refuse(bus.WrongNode, "%s is node %d", want.Addr, name.Node)
	}
	if err != nil {
		c.counts.strangers.Add(1)
		return err
	}
	_, err = nc.ChanSubscribe(c.answers.All(), c.inbound)
	return err
}
