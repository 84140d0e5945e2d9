package peers

import (
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

const (
	ms  = wire.Millisecond
	far = 2 * wire.Second
)

// TestWhoIsReachableAndGreets: a view is adopted at 10 s.
func TestWhoIsReachableAndGreets(t *testing.T) {
	const since = 10 * wire.Second
	type times struct{ reachable, greets, keepsUp, audible wire.Instant } // the last instant after the view; -1: never
	for _, c := range []struct {
		name  string
		quiet wire.Instant
		do    func(c *Contact)
		want  times
	}{
		{"never heard", 0, func(*Contact) {}, times{500 * ms, -1, -1, -1}},
		{"heard before the view", 0, func(c *Contact) { c.NoteMessage(since - 100*ms) }, times{500 * ms, -1, -1, 400 * ms}},
		{"heard long before", 0, func(c *Contact) { c.NoteMessage(since - 600*ms) }, times{500 * ms, -1, -1, -1}},
		{"a message", 0, func(c *Contact) { c.NoteMessage(since + 200*ms) }, times{700 * ms, -1, -1, 700 * ms}},
		{"a hello", 0, func(c *Contact) { c.NoteHello(since+200*ms, 1, true) }, times{700 * ms, 700 * ms, 500 * ms, 700 * ms}},
		{"a hello that says not ready", 0, func(c *Contact) { c.NoteHello(since+200*ms, 1, false) }, times{700 * ms, 700 * ms, -1, 700 * ms}},
		{"a message after a hello", 0, func(c *Contact) { c.NoteHello(since, 1, true); c.NoteMessage(since + 200*ms) }, times{700 * ms, 500 * ms, 300 * ms, 700 * ms}},
		{"far, never heard", far, func(*Contact) {}, times{500 * ms, -1, -1, -1}},
		{"far, a hello", far, func(c *Contact) { c.NoteHello(since, 1, true) }, times{2000 * ms, 2000 * ms, 300 * ms, 2000 * ms}},
	} {
		contact := Member(c.quiet)
		c.do(&contact)
		last := func(holds func(now wire.Instant) bool) wire.Instant {
			for at := wire.Instant(3000 * ms); at >= 200*ms; at -= 50 * ms {
				if holds(since + at) {
					return at
				}
			}
			return -1
		}
		got := times{
			last(func(now wire.Instant) bool { return contact.Reachable(now, since) }),
			last(contact.Greets), last(contact.KeepsUp), last(contact.Audible),
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if contact.Far() != (c.quiet == far) {
			t.Errorf("%s: far %t", c.name, contact.Far())
		}
	}
}

func TestAHelloTellsWhetherThePeerWasAwayOrRestarted(t *testing.T) {
	c := Member(0)
	for _, h := range []struct {
		at   wire.Instant
		boot ids.Boot
		want Return
	}{
		{0, 1, Return{NewBoot: true}},
		{500 * ms, 1, Return{Known: true}},
		{1001 * ms, 1, Return{Silent: true, Known: true}},
		{1100 * ms, 2, Return{NewBoot: true, Known: true}},
		{1700 * ms, 1, Return{Silent: true, NewBoot: true, Known: true}},
	} {
		if got := c.NoteHello(h.at, h.boot, true); got != h.want {
			t.Errorf("at %d: %+v, want %+v", h.at/ms, got, h.want)
		}
	}
	if c.Is(2) || !c.Is(1) {
		t.Error("messages of the boot before count")
	}
}

func TestAContactResumesWithoutTheHellosOfTheViewBefore(t *testing.T) {
	old := Member(0)
	old.NoteHello(100*ms, 7, true)
	next := Member(0)
	next.Resume(&old)
	if next.Boot != 7 || !next.Audible(200*ms) || next.Greets(200*ms) || next.Ready {
		t.Errorf("resumed: %+v", next)
	}
	if outside := Heard(100*ms, 3); !outside.Reachable(600*ms, 0) || outside.Reachable(601*ms, 0) || outside.Boot != 3 {
		t.Errorf("heard of: %+v", outside)
	}
}

func TestAnyMessageEndsMuteness(t *testing.T) {
	for name, hear := range map[string]func(c *Contact){
		"a message": func(c *Contact) { c.NoteMessage(1) },
		"a hello":   func(c *Contact) { c.NoteHello(1, 1, false) },
	} {
		c := Contact{Mute: true}
		if hear(&c); c.Mute {
			t.Errorf("%s: still mute", name)
		}
	}
}
