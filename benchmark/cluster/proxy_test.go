package cluster

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// The proxy in these tests leads from node 1 to node 0.
var (
	there = direction{1, 0}
	back  = there.reverse()
)

// hearing is one end of a connection, and what it must receive.
type hearing struct {
	net.Conn
	t *testing.T
}

func (h hearing) says(text string) {
	h.t.Helper()
	if _, err := io.WriteString(h.Conn, text); err != nil {
		h.t.Fatal(err)
	}
}

func (h hearing) hears(want string) {
	h.t.Helper()
	_ = h.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(h.Conn, got); err != nil || string(got) != want {
		h.t.Fatalf("heard %q, want %q, err %v", got, want, err)
	}
}

// hearsNothing fails the test if anything arrives, even the end of the other side. On one
// machine, a false delivery takes only a moment.
func (h hearing) hearsNothing() {
	h.t.Helper()
	_ = h.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	got := make([]byte, 1)
	if n, err := h.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		h.t.Fatalf("heard %q, err %v", got[:n], err)
	}
}

func (h hearing) hearsTheEnd() {
	h.t.Helper()
	_ = h.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := h.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		h.t.Fatalf("heard %d bytes, err %v; want the end", n, err)
	}
}

// bench is a proxy to a listener of the test.
type bench struct {
	*cuts
	proxy  *proxy
	target net.Listener
	t      *testing.T
}

func newBench(t *testing.T) *bench {
	t.Helper()
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{cuts: newCuts(), target: target, t: t}
	who := func(net.Conn) (int, error) { return there.from, nil }
	if b.proxy, err = newProxy(there.to, target.Addr().String(), b.cuts, who); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.proxy.close(); target.Close() })
	return b
}

func (b *bench) dial() hearing {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.proxy.addr())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return hearing{conn, b.t}
}

func (b *bench) accept() hearing {
	b.t.Helper()
	conn, err := b.target.Accept()
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return hearing{conn, b.t}
}

func TestACutDirectionFreezesAndGoesOnWhereItStopped(t *testing.T) {
	b := newBench(t)
	near := b.dial()
	far := b.accept()
	near.says("a")
	far.hears("a")
	b.cut(there)
	near.says("b")
	far.hearsNothing()
	far.says("1") // the other direction is open
	near.hears("1")
	b.cut(back)
	far.says("2")
	near.hearsNothing()
	b.heal(there)
	far.hears("b")
	near.hearsNothing()
	b.heal(back)
	near.hears("2")
}

func TestACutDelaysTheCloseOfAConnection(t *testing.T) {
	for name, dialler := range map[string]bool{"of the dialler": true, "of who was dialled": false} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			near := b.dial()
			far := b.accept()
			one, other, way := near, far, there
			if !dialler {
				one, other, way = far, near, back
			}
			one.says("x")
			other.hears("x")
			b.cut(way)
			one.says("late")
			one.Close()
			other.hearsNothing()
			b.heal(way)
			other.hears("late")
			other.hearsTheEnd()
		})
	}
}

func TestANewConnectionHangsWhileEitherDirectionIsCut(t *testing.T) {
	for name, way := range map[string]direction{"there": there, "back": back} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.cut(way)
			near := b.dial()
			near.says("x")
			near.hearsNothing()
			b.heal(way)
			b.accept().hears("x")
		})
	}
}

func TestAttemptsDuringACutDoNotPileUp(t *testing.T) {
	b := newBench(t)
	b.cut(there)
	ended := make(chan error, maxHeld+2)
	for range maxHeld + 2 {
		near := b.dial()
		go func() {
			_, err := near.Read(make([]byte, 1))
			ended <- err
		}()
	}
	for range 2 {
		if err := <-ended; err == nil {
			t.Fatal("bytes came through a cut")
		}
	}
	b.heal(there)
	for range maxHeld {
		b.accept()
	}
}

func TestANodeThatDoesNotListenRefuses(t *testing.T) {
	b := newBench(t)
	b.target.Close()
	if conn, err := net.Dial("tcp", b.proxy.addr()); err == nil { // the reset may arrive before
		defer conn.Close()
		hearing{conn, t}.hearsTheEnd()
	}
}

func TestClosingAProxyEndsItsFrozenConnections(t *testing.T) {
	b := newBench(t)
	near := b.dial()
	far := b.accept()
	b.cut(there)
	b.cut(back)
	near.says("x")
	waiting := b.dial()
	b.proxy.close()
	for _, end := range []hearing{near, far, waiting} {
		end.hearsTheEnd()
	}
}

// TestTheCallerOfAConnectionIsFoundByItsSocket lets one process dial the buses of two
// others. Only the direction that is cut must be blocked.
func TestTheCallerOfAConnectionIsFoundByItsSocket(t *testing.T) {
	c := startCuttable(t, 3)
	heard := func(from, to int) error {
		conn, err := net.Dial("tcp", c.nodes[from].http)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(conn, "GET /dial?addr="+c.nodes[to].proxy.addr()+" HTTP/1.0\r\n\r\n"); err != nil {
			return err
		}
		status, err := bufio.NewReader(conn).ReadString('\n')
		if err == nil && status != "HTTP/1.0 200 OK\r\n" {
			err = errors.New(status)
		}
		return err
	}
	if err := c.Cut(1, 0); err != nil {
		t.Fatal(err)
	}
	for way, open := range map[direction]bool{{1, 0}: false, {0, 1}: false, {2, 0}: true, {1, 2}: true, {0, 2}: true} {
		if err := heard(way.from, way.to); (err == nil) != open {
			t.Errorf("%v: err %v, want open %v", way, err, open)
		}
	}
	if err := c.HealAll(); err != nil {
		t.Fatal(err)
	}
	if err := c.Isolate(2); err != nil {
		t.Fatal(err)
	}
	for way, open := range map[direction]bool{{1, 0}: true, {2, 0}: false, {1, 2}: false} {
		if err := heard(way.from, way.to); (err == nil) != open {
			t.Errorf("%v with node 2 isolated: err %v, want open %v", way, err, open)
		}
	}
}

func TestDirectionsThatCannotBeCut(t *testing.T) {
	if err := start(t, 2).Cut(0, 1); err == nil {
		t.Error("a cluster without proxies was cut")
	}
	c := startCuttable(t, 2)
	for _, way := range []direction{{0, 0}, {0, 2}, {-1, 0}} {
		if err := c.Cut(way.from, way.to); err == nil {
			t.Errorf("%v was cut", way)
		}
	}
}
