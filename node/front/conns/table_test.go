package conns

import (
	"errors"
	"log/slog"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// socket is a connection from an address, without a client.
type socket struct {
	net.Conn
	from   string
	closed bool
	until  time.Time
}

func (s *socket) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(s.from), Port: 1}
}
func (s *socket) Close() error                      { s.closed = true; return nil }
func (s *socket) SetReadDeadline(t time.Time) error { s.until = t; return nil }

// table has three places, two of them for one address, and two brief places.
func table() *Table { return New(Bounds{Open: 3, PerAddress: 2}, NewBudget(1000), nil) }

func TestConnectionsBeyondTheBoundsAreBrief(t *testing.T) {
	c := table()
	for i, row := range []struct {
		from  string
		brief bool
	}{
		{"10.0.0.1", false}, {"10.0.0.1", false}, {"10.0.0.1", true}, // two of one address
		{"2001:db8::1", false}, {"10.0.0.2", true}, // three in all
	} {
		if one := c.admit(&socket{from: row.from}); one == nil || one.Brief != row.brief {
			t.Errorf("connection %d: %+v", i, one)
		}
	}
	if c.Count() != 5 || c.Refused() != 0 {
		t.Errorf("%d are open, %d were refused", c.Count(), c.Refused())
	}
}

func TestAnAddressOfIPv6IsItsBlock(t *testing.T) {
	c := table()
	for i, from := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"} {
		if one := c.admit(&socket{from: from}); one.Brief != (i == 2) {
			t.Errorf("%s: brief %t", from, one.Brief)
		}
	}
}

func TestTheOldestBriefConnectionThatWaitsMakesRoom(t *testing.T) {
	c := table()
	enter := func() (*socket, *Conn) {
		s := &socket{from: "10.0.0.1"}
		return s, c.admit(s)
	}
	enter()
	enter()
	first, one := enter()
	second, _ := enter()
	c.Changed(one, fasthttp.StateActive)
	if _, third := enter(); third == nil || first.closed || !second.closed {
		t.Errorf("the first, which serves a request, is closed: %t; the second: %t", first.closed, second.closed)
	}
	for open := range c.open {
		c.Changed(open, fasthttp.StateActive)
	}
	if s, none := enter(); none != nil || !s.closed || c.Refused() != 2 {
		t.Errorf("with no room: %+v, refused %d", none, c.Refused())
	}
}

func TestAConnectionThatEndsLeavesItsPlace(t *testing.T) {
	c := table()
	for range 5 {
		one := c.admit(&socket{from: "10.0.0.1"})
		if one.Brief || !one.account.take(600) {
			t.Fatal("the place or the bytes of the connection before are still taken")
		}
		c.Changed(one, fasthttp.StateClosed)
	}
	if c.Count() != 0 || len(c.per) != 0 || c.budget.Used() != 0 {
		t.Errorf("%d are open, %d addresses, %d bytes", c.Count(), len(c.per), c.budget.Used())
	}
	if now, height := c.Tide(); now != 0 || height != 1 {
		t.Errorf("now %d, at most %d", now, height)
	}
}

func TestATableThatDrainsClosesWhatServesNothing(t *testing.T) {
	c := table()
	idle, busy := &socket{from: "10.0.0.1"}, &socket{from: "10.0.0.1"}
	c.admit(idle)
	c.Changed(c.admit(busy), fasthttp.StateActive)
	c.Drain()
	if !idle.closed || busy.closed {
		t.Errorf("idle closed %t, busy closed %t", idle.closed, busy.closed)
	}
	if late := (&socket{from: "10.0.0.1"}); c.admit(late) != nil || !late.closed {
		t.Error("a connection was admitted")
	}
	c.Cut()
	if !busy.closed {
		t.Error("a connection was not cut")
	}
}

func TestABriefConnectionHasLittleTime(t *testing.T) {
	s := &socket{}
	end := time.Unix(1000, 0)
	c := &Conn{Conn: s, Brief: true, until: end}
	for _, asked := range []time.Time{{}, end.Add(time.Hour)} {
		if _ = c.SetReadDeadline(asked); !s.until.Equal(end) {
			t.Errorf("asked for %v: %v", asked, s.until)
		}
	}
	if _ = c.SetReadDeadline(end.Add(-1)); !s.until.Equal(end.Add(-1)) {
		t.Errorf("an earlier deadline: %v", s.until)
	}
}

// flaky accepts nothing but errors, and then one connection.
type flaky struct {
	errs []error
}

func (f *flaky) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return &socket{from: "127.0.0.1"}, nil
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}
func (f *flaky) Close() error   { return nil }
func (f *flaky) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func TestAFailureToAcceptThatPassesIsRetried(t *testing.T) {
	c := table()
	ln := c.Listen(&flaky{errs: []error{syscall.EMFILE, syscall.ECONNABORTED}}, slog.New(slog.DiscardHandler))
	one, err := ln.Accept()
	if err != nil || !one.(*Conn).Local || c.AcceptFails() != 2 {
		t.Errorf("%v, %d failures", err, c.AcceptFails())
	}
	broken := errors.New("broken")
	if _, err := c.Listen(&flaky{errs: []error{broken}}, slog.New(slog.DiscardHandler)).Accept(); !errors.Is(err, broken) {
		t.Errorf("an error that does not pass: %v", err)
	}
}

func TestABudgetIsNeverExceeded(t *testing.T) {
	b := NewBudget(100)
	a, other := account{budget: b}, account{budget: b}
	if !a.take(60) || other.take(41) || !other.take(40) || a.take(1) {
		t.Errorf("%d bytes are in use", b.Used())
	}
	a.give(10)
	if !other.take(10) {
		t.Error("what was given back is not free")
	}
	a.settle()
	a.settle() // gives nothing more
	if b.Used() != 50 {
		t.Errorf("%d bytes are in use", b.Used())
	}
	if now, height := b.Tide(); now != 50 || height != 100 {
		t.Errorf("now %d, at most %d", now, height)
	}
	if _, height := b.Tide(); height != 50 {
		t.Errorf("the maximum was not begun anew: %d", height)
	}
}
