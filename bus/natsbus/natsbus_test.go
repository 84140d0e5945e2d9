package natsbus_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/bus/conntest"
	"github.com/cohortkv/cohort/bus/natsbus"
	"github.com/cohortkv/cohort/bus/outside"
)

// until polls for a state of the connection, because there is no notification.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(40 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within 40 s", what)
		}
	}
}

func stats(n conntest.Node) bus.Stats { return n.Conn.(bus.Reporter).Stats() }

func TestANodeOfAnotherClusterIsNotUsed(t *testing.T) {
	n := joinEmbedded(secret)(t, 1, "")
	foreign, err := newCredentials("test2", 2, secret)
	if err != nil {
		t.Fatal(err)
	}
	other := joinWith(t, 2, "", foreign)
	n.Conn.Reach([]bus.Peer{{ID: 2, Addr: other.Addr}})
	until(t, "second meeting", func() bool { return stats(n).Strangers >= 2 })
	link := stats(n).Peers[0]
	if link.Why != bus.OtherCluster || link.Since.IsZero() {
		t.Errorf("failure %q since %v", link.Why, link.Since)
	}
	if link.Connected || link.Err == nil || !strings.Contains(link.Err.Error(), "node 2 of cluster test2") {
		t.Errorf("link to another cluster's node: %+v", link)
	}
	if err := n.Conn.Send(bus.Envelope{To: 2, Kind: "k"}); !errors.Is(err, bus.ErrUnreachable) {
		t.Errorf("sending to another cluster's node: %v", err)
	}
}

func TestTheOutsideClusterMayComeLater(t *testing.T) {
	probe := team(t, outside.Config{})
	addr := probe.Addr()
	probe.Close()
	conn, err := natsbus.External(natsbus.Config{Cluster: cluster, Node: 1}, "nats://"+addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.Listen(func(bus.Message) {}); err != nil {
		t.Fatal(err)
	}
	until(t, "first failure", func() bool { return conn.Stats().Home.Err != nil })
	if home := conn.Stats().Home; home.Why != bus.Refused || home.Since.IsZero() {
		t.Errorf("nobody listens there: failure %q since %v", home.Why, home.Since)
	}
	if err := conn.Send(bus.Envelope{To: 2, Kind: "k"}); !errors.Is(err, bus.ErrUnreachable) {
		t.Errorf("sending without a cluster: %v", err)
	}
	team(t, outside.Config{Listen: addr})
	until(t, "connection", func() bool { return conn.Stats().Home.Connected })
	if home := conn.Stats().Home; home.Why != bus.NoFailure || home.Err != nil || home.Since.IsZero() {
		t.Errorf("connected: %+v", home)
	}
	if err := conn.Send(bus.Envelope{To: 2, Kind: "k"}); err != nil {
		t.Errorf("sending with a cluster: %v", err)
	}
}

func TestBadConfigurationGetsAClearError(t *testing.T) {
	for url, want := range map[string]string{
		"":                          "want nats://",
		"http://host":               "want nats://",
		"nats://a:1,ws://b:2":       `"ws://b:2"`,
		"nats://host:port":          "invalid port",
		"nats://a:4222, nats://:12": `"nats://:12"`,
	} {
		conn, err := natsbus.External(natsbus.Config{Cluster: cluster}, url)
		if err == nil {
			conn.Close()
			t.Errorf("URL %q was taken", url)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("URL %q: %v", url, err)
		}
	}
	if conn, err := natsbus.External(natsbus.Config{Cluster: "a.b"}, "nats://a:1"); err == nil {
		conn.Close()
		t.Error("cluster a.b was taken")
	}
}
