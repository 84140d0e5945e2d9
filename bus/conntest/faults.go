package conntest

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohortkv/cohort/bus"
)

func closeLeavesNothing(t *testing.T, b *Bus) {
	before := runtime.NumGoroutine()
	var nodes []Node
	boxes := map[*mailbox]bus.Peer{}
	for id := range uint64(4) {
		n := join(t, b, id)
		nodes = append(nodes, n)
		boxes[listen(t, n, "s")] = n.Peer
	}
	for _, n := range nodes {
		introduce(t, n, boxes)
	}
	// No node is there. Close must not wait for a dial or a hello either.
	nodes[0].Conn.Reach([]bus.Peer{{ID: 50, Addr: "192.0.2.1:1"}, nodes[1].Peer})
	for _, n := range nodes {
		n.Leave()
		if err := n.Conn.Send(bus.Envelope{To: 0, Kind: "k"}); err == nil {
			t.Error("Send after Close: no error")
		}
		if err := n.Conn.Listen(func(bus.Message) {}); !errors.Is(err, bus.ErrClosed) {
			t.Errorf("Listen after Close: %v", err)
		}
		n.Conn.Reach(nil)
		if err := n.Conn.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}
	newMailbox().await(t, "end of all goroutines", func() bool {
		left := runtime.NumGoroutine() <= before
		if !left {
			runtime.Gosched()
		}
		return left
	}, nil)
}

// cutAndHeal sends numbers over a path that is cut and healed.
func cutAndHeal(t *testing.T, b *Bus) {
	if b.Path == nil {
		t.Skip("this bus cannot be cut")
	}
	sender, receiver := join(t, b, 1), join(t, b, 2)
	box := listen(t, receiver)
	path := b.Path(t, sender, receiver)
	sender.Conn.Reach([]bus.Peer{{ID: receiver.ID, Addr: path.Addr}})
	number := 0
	send := func() {
		number++
		_ = sender.Conn.Send(bus.Envelope{To: receiver.ID, Kind: "n", Payload: []byte(strconv.Itoa(number))})
	}
	flows := func(what string) {
		t.Helper()
		began, from := time.Now(), number
		box.await(t, what, func() bool { return newest(t, box) > from }, send)
		t.Logf("%s: after %v", what, time.Since(began).Round(time.Millisecond))
	}
	flows("first message")
	path.Cut()
	for range 100 {
		send()
	}
	path.Heal()
	flows("first message after the cut")
	last := 0
	for _, p := range box.payloads() {
		n, err := strconv.Atoi(p)
		if err != nil {
			t.Fatal(err)
		}
		if n <= last {
			t.Fatalf("message %d arrived after message %d", n, last)
		}
		last = n
	}
	if len(box.messages()) == number {
		t.Error("a cut lost nothing: the test has not tested")
	}
	t.Logf("%d of %d messages arrived", len(box.messages()), number)
}

// newest is the largest number that has arrived.
func newest(t *testing.T, box *mailbox) int {
	t.Helper()
	last := 0
	for _, p := range box.payloads() {
		n, err := strconv.Atoi(p)
		if err != nil {
			t.Fatal(err)
		}
		last = max(last, n)
	}
	return last
}

// frozenPeer floods a peer that has stopped reading, while another goroutine exchanges messages
// with a healthy peer. Every Send must return before the frozen peer is thawed, so no Send waits
// for this peer. No Send may wait for a time-out either. Such a Send would take longer than very
// many round trips to the other peer, in every flood. A busy machine delays only single Sends.
func frozenPeer(t *testing.T, b *Bus) {
	if b.Freezable == nil {
		t.Skip("this bus cannot freeze a peer")
	}
	const outlasts, floods = 2000, 4
	node, well := join(t, b, 1), join(t, b, 2)
	frozen := b.Freezable(t, 3)
	if err := well.Conn.Listen(Echo(well.Conn)); err != nil {
		t.Fatal(err)
	}
	node.Conn.Reach([]bus.Peer{well.Peer, frozen.Peer})
	for n := uint64(1); ; n++ {
		answers := listen(t, node)
		ask(t, node, answers, well.Peer, n*1_000_000+1)
		ask(t, node, answers, frozen.Peer, n*1_000_000+2)
		worst := floodFrozen(t, b, node, well.Peer, frozen)
		answers = listen(t, node)
		began := time.Now()
		ask(t, node, answers, frozen.Peer, n*1_000_000+500_000)
		t.Logf("answers again after %v", time.Since(began).Round(time.Millisecond))
		if worst <= outlasts || b.InProcess {
			return
		}
		if n == floods {
			t.Fatalf("in each of %d floods a Send to a frozen peer outlasted %d round trips to another", floods, outlasts)
		}
	}
}

// floodFrozen freezes a peer, floods it and thaws it. It returns the number of round trips to
// the other peer during the slowest Send.
func floodFrozen(t *testing.T, b *Bus, node Node, well bus.Peer, frozen Freezable) int64 {
	t.Helper()
	frozen.Freeze()
	defer frozen.Thaw()
	trips := newRoundTrips(node, well)
	if err := node.Conn.Listen(trips.answered); err != nil {
		t.Fatal(err)
	}
	stop := trips.run(t)
	worst, slowest, failed := flood(node, frozen.Peer, trips)
	stop()
	t.Logf("slowest Send %v, during %d of %d round trips to another peer; %d of %d refused",
		slowest, worst, trips.count.Load(), failed, floodMessages)
	if b.Addressed && failed == 0 {
		t.Error("what waits for a frozen peer has no bound")
	}
	return worst
}

const floodMessages = 1000

// flood sends 64 MB to a peer, more than all sockets on the way buffer.
func flood(node Node, to bus.Peer, trips *roundTrips) (worst int64, slowest time.Duration, failed int) {
	payload := make([]byte, 64<<10)
	for range floodMessages {
		began, before := time.Now(), trips.count.Load()
		if node.Conn.Send(bus.Envelope{To: to.ID, Kind: "flood", Payload: payload}) != nil {
			failed++
		}
		slowest = max(slowest, time.Since(began))
		worst = max(worst, trips.count.Load()-before)
		// Continue only when the traffic of the other peer proceeds, so that both run.
		trips.next(before)
	}
	return worst, slowest, failed
}

// roundTrips exchanges requests and answers with one peer, one at a time.
type roundTrips struct {
	node  Node
	peer  bus.Peer
	count atomic.Int64
	back  chan uint64
	mu    struct {
		sync.Mutex
		cond *sync.Cond
		over bool
	}
}

func newRoundTrips(node Node, peer bus.Peer) *roundTrips {
	r := &roundTrips{node: node, peer: peer, back: make(chan uint64, 16)}
	r.mu.cond = sync.NewCond(&r.mu)
	return r
}

func (r *roundTrips) answered(m bus.Message) {
	select {
	case r.back <- m.Request:
	default:
	}
}

// run exchanges messages until it is stopped. Without an answer the test fails.
func (r *roundTrips) run(t *testing.T) (stop func()) {
	var running sync.WaitGroup
	done := make(chan struct{})
	running.Go(func() {
		defer r.end()
		for request := uint64(10); ; request++ {
			select {
			case <-done:
				return
			default:
			}
			if err := r.once(request); err != nil {
				t.Errorf("request %d to the peer that is well: %v", request, err)
				return
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

func (r *roundTrips) once(request uint64) error {
	if err := r.node.Conn.Send(bus.Envelope{To: r.peer.ID, Kind: "ask", Request: request}); err != nil {
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case got := <-r.back:
			if got == request {
				r.mu.Lock()
				r.count.Add(1)
				r.mu.cond.Broadcast()
				r.mu.Unlock()
				return nil
			}
		case <-late.C:
			return fmt.Errorf("no answer within %v", patience)
		}
	}
}

// next waits for one more round trip than there were.
func (r *roundTrips) next(before int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.count.Load() <= before && !r.mu.over {
		r.mu.cond.Wait()
	}
}

func (r *roundTrips) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.over = true
	r.mu.cond.Broadcast()
}
