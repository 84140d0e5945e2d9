package natsbus_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

// dialCount listens and counts connections; it never answers.
func dialCount(t *testing.T) (addr string, count *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	count = &atomic.Int64{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			conn.Close()
		}
	}()
	return listener.Addr().String(), count
}

func TestAnAddressIsDialledOnceHoweverManyIDsNameIt(t *testing.T) {
	n := joinEmbedded(secret)(t, 0, "")
	alone, aloneCalls := dialCount(t)
	shared, sharedCalls := dialCount(t)
	peers := []bus.Peer{{ID: 1, Addr: alone}}
	for id := range ids.Node(500) {
		peers = append(peers, bus.Peer{ID: id + 2, Addr: shared})
	}
	n.Conn.Reach(peers)
	until(t, "third call", func() bool { return aloneCalls.Load() >= 3 && sharedCalls.Load() >= 3 })
	if a, s := aloneCalls.Load(), sharedCalls.Load(); s > 2*a+2 {
		t.Errorf("the address of 500 ids was called %d times, that of one %d times", s, a)
	}
	if got := len(stats(n).Peers); got != 501 {
		t.Errorf("%d peers are reported", got)
	}
}

func TestTheRightOneOfSeveralIdsAtAnAddressIsReached(t *testing.T) {
	n, peer := joinEmbedded(secret)(t, 1, ""), joinEmbedded(secret)(t, 2, "")
	n.Conn.Reach([]bus.Peer{{ID: 3, Addr: peer.Addr}, peer.Peer, {ID: 4, Addr: peer.Addr}})
	until(t, "connection", func() bool { return stats(n).Peers[1].Connected })
	for _, i := range []int{0, 2} {
		if link := stats(n).Peers[i]; link.Connected || link.Why != bus.WrongNode || link.Since.IsZero() {
			t.Errorf("a peer in whose place another is: %+v", link)
		}
	}
	if err := n.Conn.Send(bus.Envelope{To: 3, Kind: "k"}); err == nil {
		t.Error("a message for 3 was sent to 2")
	}
	n.Conn.Reach([]bus.Peer{{ID: 3, Addr: peer.Addr}}) // 2 is no longer wanted
	until(t, "parting", func() bool { return stats(n).Peers[0].Why == bus.WrongNode && stats(n).Disconnects > 0 })
}

// TestPeersThatAreGoneAreForgotten adds and kills sixty members, one after another.
func TestPeersThatAreGoneAreForgotten(t *testing.T) {
	n := joinEmbedded(secret)(t, 0, "")
	stay := joinEmbedded(secret)(t, 1, "")
	n.Conn.Reach([]bus.Peer{stay.Peer})
	until(t, "connection", func() bool { return stats(n).Peers[0].Connected })
	before := runtime.NumGoroutine()
	for id := range ids.Node(60) {
		member := joinEmbedded(secret)(t, id+2, "")
		n.Conn.Reach([]bus.Peer{stay.Peer, member.Peer})
		until(t, "member", func() bool { return stats(n).Peers[1].Connected })
		member.Leave()
	}
	n.Conn.Reach([]bus.Peer{stay.Peer})
	until(t, "end of what was for them", func() bool { return runtime.NumGoroutine() <= before+10 })
	if s := stats(n); len(s.Peers) != 1 || !s.Peers[0].Connected {
		t.Errorf("peers: %+v", s.Peers)
	}
}

// TestAThousandUnreachablePeersCostLittle prints their cost. Half of the addresses refuse
// connections; the other half do not answer.
func TestAThousandUnreachablePeersCostLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the processor for seconds")
	}
	n := joinEmbedded(secret)(t, 0, "")
	stay := joinEmbedded(secret)(t, 1, "")
	peers := []bus.Peer{stay.Peer}
	for i := range 1000 {
		addr := fmt.Sprintf("127.0.%d.%d:1", 1+i/250, 1+i%250)
		if i%2 == 0 {
			addr = fmt.Sprintf("192.0.2.%d:%d", 1+i%250, 1000+i)
		}
		peers = append(peers, bus.Peer{ID: ids.Node(i + 2), Addr: addr})
	}
	n.Conn.Reach(peers)
	until(t, "a reason for each", func() bool {
		s := stats(n)
		for _, p := range s.Peers[1:] {
			if p.Why == bus.NoFailure {
				return false
			}
		}
		return s.Peers[0].Connected
	})
	spent, began := cpu(t), time.Now()
	settle := time.NewTimer(3 * time.Second)
	<-settle.C
	share := float64(cpu(t)-spent) / float64(time.Since(began))
	t.Logf("1,000 unreachable peers: %d goroutines, %.1f %% of a core", runtime.NumGoroutine(), 100*share)
	if share > 0.3 {
		t.Errorf("they cost %.0f %% of a core", 100*share)
	}
}

func cpu(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestANameIsLookedUpAnew: if the first address of a name does not answer, the second is used.
// Addresses are not cached.
func TestANameIsLookedUpAnew(t *testing.T) {
	n, peer := joinEmbedded(secret)(t, 1, ""), joinEmbedded(secret)(t, 2, "")
	_, port, err := net.SplitHostPort(peer.Addr)
	if err != nil {
		t.Fatal(err)
	}
	n.Conn.Reach([]bus.Peer{{ID: 2, Addr: "localhost:" + port}, {ID: 3, Addr: "no-such-host.invalid:1"}})
	until(t, "connection by name", func() bool { return stats(n).Peers[0].Connected })
	until(t, "failure", func() bool { return stats(n).Peers[1].Err != nil })
	if link := stats(n).Peers[1]; link.Why != bus.NoName && link.Why != bus.NoAnswer {
		t.Errorf("a name that does not exist: %q, %v", link.Why, link.Err)
	}
}

// TestMessagesThatWaitForTheHandlerAreBoundedInBytes blocks the handler while a peer sends more
// than the bound. The bounds of the peer stop the peer; the receiver buffers no more.
func TestMessagesThatWaitForTheHandlerAreBoundedInBytes(t *testing.T) {
	sender, receiver := joinEmbedded(secret)(t, 1, ""), joinEmbedded(secret)(t, 2, "")
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	var heard, last atomic.Int64
	if err := receiver.Conn.Listen(func(m bus.Message) {
		if strings.HasPrefix(string(m.Payload[:4]), "last") {
			last.Add(1)
		}
		heard.Add(1)
		select {
		case held <- struct{}{}:
		default:
		}
		<-hold
	}); err != nil {
		t.Fatal(err)
	}
	sender.Conn.Reach([]bus.Peer{receiver.Peer})
	payload := make([]byte, 1<<20)
	until(t, "first message", func() bool {
		_ = sender.Conn.Send(bus.Envelope{To: 2, Kind: "k", Payload: payload})
		return len(held) > 0
	})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak uint64
	taken := 0
	deadline := time.After(3 * time.Second)
	for full := false; !full && taken < 1000; {
		if sender.Conn.Send(bus.Envelope{To: 2, Kind: "k", Payload: payload}) == nil {
			taken++
		}
		if taken%50 == 0 {
			runtime.ReadMemStats(&after)
			peak = max(peak, after.HeapAlloc)
		}
		select {
		case <-deadline:
			full = true
		default:
			runtime.Gosched()
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("%d MiB were sent, %d MiB are held, both ends and the server together", taken, int64(after.HeapAlloc-before.HeapAlloc)>>20)
	if int64(after.HeapAlloc)-int64(before.HeapAlloc) > 300<<20 {
		t.Error("that is more than the bounds of both ends allow")
	}
	close(hold)
	until(t, "that it goes on", func() bool {
		_ = sender.Conn.Send(bus.Envelope{To: 2, Kind: "k", Payload: []byte("last")})
		return last.Load() > 0
	})
}
