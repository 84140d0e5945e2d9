package conntest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cohortkv/cohort/bus"
)

func addressOfAnother(t *testing.T, b *Bus) {
	if !b.Addressed {
		t.Skip("nodes of this bus have no addresses")
	}
	node, right := join(t, b, 1), join(t, b, 2)
	box := listen(t, right)
	introduce(t, node, map[*mailbox]bus.Peer{box: right.Peer})
	right.Leave()

	wrong := joinAt(t, b, 3, right.Addr)
	strangers := listen(t, wrong)
	before := met(node)
	send := func(payload string) {
		_ = node.Conn.Send(bus.Envelope{To: right.ID, Kind: "k", Payload: []byte(payload)})
	}
	strangers.await(t, "meeting the stranger", func() bool { return met(node) > before }, func() { send("for 2 only") })
	for range 100 {
		send("for 2 only")
	}
	wrong.Leave()
	if n := len(strangers.messages()); n != 0 {
		t.Errorf("another node at the peer's address got %d of its messages", n)
	}

	back := joinAt(t, b, 2, right.Addr)
	box = listen(t, back)
	box.await(t, "the right node again", func() bool { return box.has("welcome back") }, func() { send("welcome back") })
}

// met is how often a node has closed a connection because another node answered. A bus
// without counters checks the node at the address at every Send.
func met(n Node) uint64 {
	if r, ok := n.Conn.(bus.Reporter); ok {
		return r.Stats().Strangers
	}
	return uint64(time.Now().UnixNano())
}

func changedAddress(t *testing.T, b *Bus) {
	if !b.Addressed {
		t.Skip("nodes of this bus have no addresses")
	}
	node, peer, other := join(t, b, 1), join(t, b, 2), join(t, b, 3)
	box, others := listen(t, peer), listen(t, other)
	introduce(t, node, map[*mailbox]bus.Peer{box: peer.Peer, others: other.Peer})
	peer.Leave()

	moved := join(t, b, 2)
	box = listen(t, moved)
	introduce(t, node, map[*mailbox]bus.Peer{box: moved.Peer, others: other.Peer})

	// Back to an address without a node: the previous connection is not used.
	node.Conn.Reach([]bus.Peer{{ID: 2, Addr: peer.Addr}, other.Peer})
	if err := node.Conn.Send(bus.Envelope{To: 2, Kind: "k", Payload: []byte("x")}); !errors.Is(err, bus.ErrUnreachable) {
		t.Errorf("peer whose address has nobody: %v", err)
	}
	node.Conn.Reach([]bus.Peer{other.Peer})
	if err := node.Conn.Send(bus.Envelope{To: 2, Kind: "k", Payload: []byte("x")}); !errors.Is(err, bus.ErrUnreachable) {
		t.Errorf("peer that is not named any more: %v", err)
	}
	// The other node was in the list all the time and has kept its connection.
	if err := node.Conn.Send(bus.Envelope{To: 3, Kind: "k", Payload: []byte("still here")}); err != nil {
		t.Errorf("peer that stayed: %v", err)
	}
	others.await(t, "message to the peer that stayed", func() bool { return others.has("still here") }, nil)
}

func manyNodes(t *testing.T, b *Bus) {
	const count, rounds = 22, 5
	began := time.Now()
	nodes, boxes, peers := make([]Node, count), make([]*mailbox, count), make([]bus.Peer, count)
	for i := range nodes {
		nodes[i] = join(t, b, uint64(i))
		boxes[i] = listen(t, nodes[i], "all")
		peers[i] = nodes[i].Peer
	}
	for _, n := range nodes {
		n.Conn.Reach(peers)
	}
	for _, n := range nodes {
		greeted := map[*mailbox]bus.Peer{}
		for i, box := range boxes {
			greeted[box] = peers[i]
		}
		greet(t, n, greeted)
	}
	t.Logf("%d nodes had met after %v", count, time.Since(began).Round(time.Millisecond))

	began = time.Now()
	for round := range rounds {
		for _, n := range nodes {
			payload := fmt.Appendf(nil, "round %d of %d", round, n.ID)
			if err := n.Conn.Send(bus.Envelope{Shard: "all", Kind: "round", Payload: payload}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, box := range boxes {
		for _, n := range nodes {
			if n.ID == nodes[i].ID {
				continue
			}
			last := fmt.Sprintf("round %d of %d", rounds-1, n.ID)
			box.await(t, last, func() bool { return box.has(last) }, nil)
		}
		if got := roundsIn(box); got != (count-1)*rounds {
			t.Errorf("node %d got %d broadcasts, not %d", nodes[i].ID, got, (count-1)*rounds)
		}
	}
	t.Logf("%d broadcasts of each took %v", rounds, time.Since(began).Round(time.Millisecond))
}

func roundsIn(box *mailbox) int {
	n := 0
	for _, p := range box.payloads() {
		if len(p) > 5 && p[:5] == "round" {
			n++
		}
	}
	return n
}
