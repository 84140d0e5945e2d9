package natsbus_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/bus/embedded"
	"github.com/cohortkv/cohort/bus/natsbus"
	"github.com/cohortkv/cohort/bus/outside"
)

// lines is a log that tests can read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestAWrongSecretIsOneLineAtEachEnd(t *testing.T) {
	var here, there lines
	own := serve(t, embedded.Config{Node: 1, Credentials: credentials(t, 1, secret)})
	conn, err := natsbus.Embedded(natsbus.Config{Cluster: cluster, Node: 1, Credentials: credentials(t, 1, secret), Log: here.logger()}, own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	peer := serve(t, embedded.Config{Node: 2, Credentials: credentials(t, 2, "another"), Logger: there.logger()})
	conn.Reach([]bus.Peer{{ID: 2, Addr: peer.Addr()}})
	until(t, "five tries", func() bool { return conn.Stats().Strangers >= 5 })
	for where, log := range map[string]string{"dialling": here.text(), "listening": there.text()} {
		t.Logf("%s: %s", where, log)
		if n := strings.Count(log, "\n"); n != 1 {
			t.Errorf("the %s end has %d lines", where, n)
		}
	}
	if log := here.text(); !strings.Contains(log, "peer=2") || !strings.Contains(log, string(bus.WrongSecret)) {
		t.Errorf("the dialling end says %s", log)
	}
	if log := there.text(); !strings.Contains(log, "from=127.0.0.1") || !strings.Contains(log, "another secret or authority") {
		t.Errorf("the listening end says %s", log)
	}
}

func TestAnOutsideClusterIsInTheLogAndInTheStats(t *testing.T) {
	server := team(t, outside.Config{User: "u", Password: "right"})
	addr := server.Addr()
	var log lines
	join := func(login string) *natsbus.Conn {
		conn, err := natsbus.External(natsbus.Config{Cluster: cluster, Node: 7, Log: log.logger()}, "nats://"+login+"@"+addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	if home := join("u:guessed-password").Stats().Home; home.Connected || home.Why != bus.BadLogin {
		t.Errorf("with a wrong password: %+v", home)
	}
	conn := join("u:right")
	if home := conn.Stats().Home; !home.Connected || home.Why != bus.NoFailure {
		t.Errorf("with the right one: %+v", home)
	}
	if names, err := server.Clients(); err != nil || len(names) != 1 || names[0] != "urn:cohort:test:7" {
		t.Errorf("connections to the server: %q, %v", names, err)
	}
	server.Close()
	until(t, "loss", func() bool { return conn.Stats().Home.Why == bus.Refused })
	team(t, outside.Config{User: "u", Password: "right", Listen: addr})
	until(t, "return", func() bool { return conn.Stats().Home.Connected })
	until(t, "second line about the return", func() bool { return strings.Count(log.text(), "NATS reached") == 2 })
	text := log.text()
	t.Log(text)
	if strings.Contains(text, "guessed") || strings.Contains(text, "right") {
		t.Error("a password is in the log")
	}
	for _, want := range []string{string(bus.BadLogin), string(bus.Refused), "NATS reached", "max_payload=1048576", "nats://xxxxx@"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

func TestSubjectsThatAnOutsideClusterForbidsAreInTheLog(t *testing.T) {
	server := team(t, outside.Config{User: "u", Password: "p", Allow: []string{"others.>"}})
	var log lines
	conn, err := natsbus.External(natsbus.Config{Cluster: cluster, Node: 7, Log: log.logger()}, "nats://u:p@"+server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.Listen(func(bus.Message) {}); err != nil {
		t.Fatal(err)
	}
	until(t, "line", func() bool { return strings.Contains(strings.ToLower(log.text()), "permissions violation") })
	if conn.Stats().AsyncErrors == 0 {
		t.Error("it was not counted")
	}
}

// TestAnOutsideClusterMayAskForTLS connects to such a cluster, with a private authority.
func TestAnOutsideClusterMayAskForTLS(t *testing.T) {
	company := newPKI(t)
	server := team(t, outside.Config{TLS: company.listening(t)})
	roots := x509.NewCertPool()
	roots.AddCert(company.cert)
	for name, test := range map[string]struct {
		config *tls.Config
		good   bool
	}{"with its authority": {&tls.Config{RootCAs: roots}, true}, "without": {nil, false}} {
		conn, err := natsbus.External(natsbus.Config{Cluster: cluster, Node: 7, TLS: test.config}, "tls://"+server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if home := conn.Stats().Home; home.Connected != test.good {
			t.Errorf("%s: %+v", name, home)
		}
		conn.Close()
	}
}

// TestAServerThatTakesLessThanTheNodeWasStartedForIsNotUsed: values that were accepted under the
// larger limit would never fit.
func TestAServerThatTakesLessThanTheNodeWasStartedForIsNotUsed(t *testing.T) {
	server := team(t, outside.Config{})
	addr := server.Addr()
	conn, err := natsbus.External(natsbus.Config{Cluster: cluster, Node: 7}, "nats://"+addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	for _, step := range []struct {
		payload int
		good    bool
	}{{64 << 10, false}, {2 << 20, true}} {
		server.Close()
		server = team(t, outside.Config{Listen: addr, MaxPayload: step.payload})
		if step.good {
			until(t, "connection", func() bool { return conn.Stats().Home.Connected })
		} else {
			until(t, "refusal", func() bool { return conn.Stats().Home.Why == bus.SmallPayload })
		}
		if got := conn.MaxPayload(); got != bus.MaxPayload {
			t.Errorf("at a server of %d bytes, messages have at most %d", step.payload, got)
		}
	}
	small := team(t, outside.Config{MaxPayload: 64 << 10})
	late, err := natsbus.External(natsbus.Config{Cluster: cluster, Node: 8}, "nats://"+small.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { late.Close() })
	if got := late.MaxPayload(); got != 64<<10 {
		t.Errorf("messages have at most %d bytes", got)
	}
	if err := late.Send(bus.Envelope{To: 2, Kind: "k", Payload: make([]byte, 64<<10+1)}); !errors.Is(err, bus.ErrTooLarge) {
		t.Errorf("a message that the server does not take: %v", err)
	}
}
