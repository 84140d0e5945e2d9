package natsbus_test

import (
	"errors"
	"runtime"
	"strconv"
	"testing"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/bus/embedded"
	"github.com/cohortkv/cohort/bus/natsbus"
)

// withPeer gives a Conn that has a peer, number 2, in another process.
func withPeer(b testing.TB, h bus.Handler) *natsbus.Conn {
	own, err := embedded.Start(embedded.Config{Cluster: cluster, Node: 1, Listen: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(own.Close)
	conn, err := natsbus.Embedded(natsbus.Config{Cluster: cluster, Node: 1}, own)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	if err := conn.Listen(h); err != nil {
		b.Fatal(err)
	}
	conn.Reach([]bus.Peer{startEcho(b, 2, "2", "").Peer})
	until(b, "connection", func() bool { return conn.Stats().Peers[0].Connected })
	return conn
}

func TestSendingAllocatesNothing(t *testing.T) {
	conn := withPeer(t, func(bus.Message) {})
	e := bus.Envelope{To: 2, Kind: "k", Payload: make([]byte, 128)}
	allocs := testing.AllocsPerRun(2000, func() {
		if err := conn.Send(e); err != nil && !errors.Is(err, bus.ErrFull) {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a message", allocs)
	}
}

// BenchmarkSend measures a stream of messages, and that sending does not allocate. A refused
// message is sent again, so the receiver sets the pace.
func BenchmarkSend(b *testing.B) {
	for _, size := range []int{128, 16 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			conn := withPeer(b, func(bus.Message) {})
			e := bus.Envelope{To: 2, Kind: "k", Payload: make([]byte, size)}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for conn.Send(e) != nil {
					runtime.Gosched()
				}
			}
		})
	}
}

// BenchmarkRequest measures one request and its answer without other load.
func BenchmarkRequest(b *testing.B) {
	answered := make(chan bool, 1)
	conn := withPeer(b, func(m bus.Message) { answered <- !m.Refused })
	e := bus.Envelope{To: 2, Kind: "k", Payload: make([]byte, 128)}
	ask := func() bool {
		e.Request++
		if err := conn.Send(e); err != nil {
			b.Fatal(err)
		}
		return <-answered
	}
	for !ask() { // until the peer listens
	}
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}
