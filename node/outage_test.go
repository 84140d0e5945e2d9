package node

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// counting is a bus that reports the connections to its peers.
type counting struct {
	recorder
	stats bus.Stats
}

func (c *counting) Stats() bus.Stats { return c.stats }

func TestAnOutageNamesTheMembersWaitedForAndTheirLinks(t *testing.T) {
	dial := errors.New("dial tcp 10.0.0.3:9081: connection refused")
	conn := &counting{stats: bus.Stats{
		Home: bus.Link{Connected: true},
		Peers: []bus.Link{
			{Peer: bus.Peer{ID: 2}, Why: bus.Refused, Err: dial},
			{Peer: bus.Peer{ID: 3}, Connected: true},
		},
	}}
	b := newBackend(store.NewMemory())
	b.driver = &driver{conn: conn, clock: func() wire.Instant { return 100 * wire.Second }}
	var status core.NodeStatus
	status.View.Layout.Shards = []wire.Shard{{Members: make([]wire.Member, 4)}}
	status.Waiting = []core.Wait{
		{Node: 2, Since: 93 * wire.Second, Cause: core.WaitSilent},
		{Node: 3, Since: 99 * wire.Second, Cause: core.WaitJoin},
		{Node: 4, Since: 98 * wire.Second, Cause: core.WaitSilent},
	}
	b.status.Store(&status)
	o := b.Outage()
	for i, want := range []api.Wait{
		{Node: 2, Seconds: 7, Why: string(bus.Refused), Detail: dial.Error(), Absent: true},
		{Node: 3, Seconds: 1, Why: api.WhyJoining},
		{Node: 4, Seconds: 2, Why: api.WhySilent, Absent: true},
	} {
		since, err := time.Parse(time.RFC3339, o.Strong[i].Since)
		if err != nil || time.Since(since).Seconds() < want.Seconds {
			t.Errorf("since %s: %v", o.Strong[i].Since, err)
		}
		o.Strong[i].Since = ""
		if o.Strong[i] != want {
			t.Errorf("%+v\nwant %+v", o.Strong[i], want)
		}
	}
	if o.Bus != "" || o.Others != 3 {
		t.Errorf("%+v", o)
	}
	conn.stats.Home = bus.Link{Why: bus.BadLogin, Err: errors.New("nats: authorization violation")}
	if got := b.Outage().Bus; got != "login refused: nats: authorization violation" {
		t.Error(got)
	}
}

func TestAWaitIsLoggedWithItsReasonWhenItBeginsAndWithItsLengthWhenItEnds(t *testing.T) {
	got := logged(slog.LevelInfo, func(r *reporter) {
		r.why = func(ids.Node) string { return "connection refused" }
		r.event(&core.Event{Kind: kind("strong_waits"), Peer: 2, Count: 2000})
		r.event(&core.Event{Kind: kind("strong_wait_over"), Peer: 2, Count: 7200})
	})
	want := `level=WARN msg=strong_waits view=0 round=0 peer=2 for=2s why="connection refused"
level=INFO msg=strong_wait_over view=0 round=0 peer=2 for=7.2s`
	if got != want {
		t.Error(got)
	}
}

// hand is a clock that a test moves.
type hand struct{ atomic.Int64 }

func (h *hand) now() wire.Instant { return clockBase + wire.Instant(h.Load()) }

func (h *hand) pass(i wire.Instant) { h.Add(int64(i)) }

func TestACoreThatBlocksIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		var clock hand
		c := &script{on: func(core.Input) core.Output { <-goOn; return core.Output{} }}
		c.deadline.Store(int64(2 * clockBase))
		d, _ := newTestDriver(t, c)
		d.clock = clock.now
		if why := d.stuck(); why != "" {
			t.Error("idle, and stuck: ", why)
		}
		go d.submit(&core.Tick{})
		synctest.Wait()
		clock.pass(stuckAfter)
		if why := d.stuck(); why != "" {
			t.Error("too early: ", why)
		}
		clock.pass(wire.Second)
		if why := d.stuck(); !strings.Contains(why, "has not ended for 11s") {
			t.Errorf("stuck for 11 s: %q", why)
		}
		close(goOn)
		synctest.Wait()
		if why := d.stuck(); why != "" {
			t.Error("it went on, and is stuck: ", why)
		}
	})
}

func TestACoreThatIsNotWokenIsNoticed(t *testing.T) {
	var clock hand
	c := &script{}
	c.deadline.Store(int64(clockBase + 3*wire.Second))
	d, _ := newTestDriver(t, c) // no goroutine wakes the core
	d.clock = clock.now
	d.submit(&core.SubmitRead{})
	clock.pass(3*wire.Second + stuckAfter)
	if why := d.stuck(); why != "" {
		t.Error("too early: ", why)
	}
	clock.pass(wire.Second)
	if why := d.stuck(); !strings.Contains(why, "was not woken, 11s after") {
		t.Errorf("%q", why)
	}
}
