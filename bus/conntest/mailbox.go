package conntest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

const (
	// patience bounds every wait, also on a slow machine.
	patience = 2 * time.Minute
	// retry is the interval after which a message that may be lost is sent again.
	retry = 20 * time.Millisecond
)

// mailbox is a handler that keeps all messages.
type mailbox struct {
	changed chan struct{} // one signal for any number of messages

	mu struct {
		sync.Mutex
		got []bus.Message
	}
}

func newMailbox() *mailbox { return &mailbox{changed: make(chan struct{}, 1)} }

func (m *mailbox) take(msg bus.Message) {
	msg.Payload = bytes.Clone(msg.Payload)
	m.mu.Lock()
	m.mu.got = append(m.mu.got, msg)
	m.mu.Unlock()
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// messages are all messages that have arrived so far.
func (m *mailbox) messages() []bus.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.got[:len(m.mu.got):len(m.mu.got)]
}

// payloads are the payloads of messages, as strings.
func (m *mailbox) payloads() []string {
	var all []string
	for _, msg := range m.messages() {
		all = append(all, string(msg.Payload))
	}
	return all
}

// await waits until ok holds. It calls again, if given, at the beginning and at intervals, to
// repeat messages that may be lost.
func (m *mailbox) await(t *testing.T, what string, ok func() bool, again func()) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(retry)
	defer tick.Stop()
	if again != nil {
		again()
	}
	for !ok() {
		select {
		case <-m.changed:
		case <-tick.C:
			if again != nil {
				again()
			}
		case <-late.C:
			t.Fatalf("%s: not within %v; %d messages arrived", what, patience, len(m.messages()))
		}
	}
}

// has reports whether a message with this payload has arrived.
func (m *mailbox) has(payload string) bool {
	for _, msg := range m.messages() {
		if string(msg.Payload) == payload {
			return true
		}
	}
	return false
}

// listen makes a node keep its messages.
func listen(t *testing.T, n Node, shards ...string) *mailbox {
	t.Helper()
	m := newMailbox()
	if err := n.Conn.Listen(m.take, shards...); err != nil {
		t.Fatal(err)
	}
	return m
}

// join starts a node that leaves at the end of the test.
func join(t *testing.T, b *Bus, id uint64) Node {
	t.Helper()
	return joinAt(t, b, id, "")
}

func joinAt(t *testing.T, b *Bus, id uint64, addr string) Node {
	t.Helper()
	n := b.Join(t, ids.Node(id), addr)
	t.Cleanup(n.Leave)
	return n
}

// introduce makes a node reach others, and waits until a message of the node has arrived at each
// of them. Afterwards only faults lose messages.
func introduce(t *testing.T, from Node, boxes map[*mailbox]bus.Peer) {
	t.Helper()
	var peers []bus.Peer
	for _, p := range boxes {
		peers = append(peers, p)
	}
	from.Conn.Reach(peers)
	greet(t, from, boxes)
}

// greet is introduce for a node that reaches the others already.
func greet(t *testing.T, from Node, boxes map[*mailbox]bus.Peer) {
	t.Helper()
	hello := fmt.Sprintf("hello from %d", from.ID)
	for box, peer := range boxes {
		box.await(t, fmt.Sprintf("greeting from %d to %d", from.ID, peer.ID),
			func() bool { return box.has(hello) },
			func() { _ = from.Conn.Send(bus.Envelope{To: peer.ID, Kind: "hello", Payload: []byte(hello)}) })
	}
}
