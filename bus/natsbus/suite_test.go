package natsbus_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/bus/conntest"
	"github.com/cohortkv/cohort/bus/embedded"
	"github.com/cohortkv/cohort/bus/natsbus"
	"github.com/cohortkv/cohort/bus/outside"
	"github.com/cohortkv/cohort/node/ids"
)

const (
	cluster = "test"
	secret  = "of the tests"
)

// credentials are those of a node under one or several secrets; nil without secrets.
func credentials(t testing.TB, id ids.Node, secret string) *bus.Credentials {
	t.Helper()
	c, err := newCredentials(cluster, id, secret)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newCredentials(cluster string, id ids.Node, secret string) (*bus.Credentials, error) {
	if secret == "" {
		return nil, nil
	}
	secrets, err := stretched(secret)
	if err != nil {
		return nil, err
	}
	return secrets.Credentials(bus.NodeName{Cluster: cluster, Node: id})
}

var known sync.Map // of secrets, because stretching takes a while

func stretched(secret string) (bus.Secrets, error) {
	if s, ok := known.Load(secret); ok {
		return s.(bus.Secrets), nil
	}
	s, err := bus.NewSecrets(secret)
	known.Store(secret, s)
	return s, err
}

// echoNode, in the environment of the test binary, turns the process into a node that echoes. Its
// value is "<id>" in embedded mode, and "<id> <url>" over an outside cluster. echoSecret is the
// secret of the node.
const (
	echoNode   = "COHORT_TEST_ECHO_NODE"
	echoSecret = "COHORT_TEST_ECHO_SECRET"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(echoNode); spec != "" {
		if err := runEcho(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runEcho prints its address and runs until its standard input ends.
func runEcho(spec string) error {
	id, url, outside := strings.Cut(spec, " ")
	number, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return err
	}
	cfg := natsbus.Config{Cluster: cluster, Node: ids.Node(number)}
	if cfg.Credentials, err = newCredentials(cluster, cfg.Node, os.Getenv(echoSecret)); err != nil {
		return err
	}
	var conn *natsbus.Conn
	addr := "-"
	if outside {
		conn, err = natsbus.External(cfg, url)
	} else {
		own, startErr := embedded.Start(embedded.Config{Cluster: cluster, Node: cfg.Node, Credentials: cfg.Credentials, Listen: "127.0.0.1:0"})
		if startErr != nil {
			return startErr
		}
		addr = own.Addr()
		conn, err = natsbus.Embedded(cfg, own)
	}
	if err != nil {
		return err
	}
	if err := conn.Listen(conntest.Echo(conn)); err != nil {
		return err
	}
	fmt.Println(addr)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return conn.Close()
}

// startEcho runs runEcho in a separate process, so that SIGSTOP can freeze it.
func startEcho(t testing.TB, id ids.Node, spec, secret string) conntest.Freezable {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), echoNode+"="+spec, echoSecret+"="+secret)
	child.Stderr = os.Stderr
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		child.Process.Kill()
		child.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	signal := func(s os.Signal) func() {
		return func() {
			if err := child.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	return conntest.Freezable{
		Peer:   bus.Peer{ID: id, Addr: strings.TrimSpace(addr)},
		Freeze: signal(syscall.SIGSTOP), Thaw: signal(syscall.SIGCONT),
	}
}

func serve(t *testing.T, cfg embedded.Config) *embedded.Server {
	t.Helper()
	if cfg.Cluster == "" {
		cfg.Cluster = cluster
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	own, err := embedded.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	return own
}

// joinEmbedded starts a node with a secret. Without a secret, the node does not encrypt.
func joinEmbedded(secret string) func(*testing.T, ids.Node, string) conntest.Node {
	return func(t *testing.T, id ids.Node, addr string) conntest.Node {
		return joinWith(t, id, addr, credentials(t, id, secret))
	}
}

func joinWith(t *testing.T, id ids.Node, addr string, own *bus.Credentials) conntest.Node {
	t.Helper()
	name := bus.NodeName{Cluster: cluster, Node: id}
	if own != nil {
		name = own.Name()
	}
	server := serve(t, embedded.Config{Cluster: name.Cluster, Node: id, Listen: addr, Credentials: own})
	conn, err := natsbus.Embedded(natsbus.Config{Cluster: name.Cluster, Node: id, Credentials: own}, server)
	if err != nil {
		t.Fatal(err)
	}
	leave := func() {
		conn.Close()
		server.Close()
	}
	t.Cleanup(leave)
	return conntest.Node{Peer: bus.Peer{ID: id, Addr: server.Addr()}, Conn: conn, Leave: leave}
}

func TestEmbeddedNATSIsABus(t *testing.T) {
	for name, secret := range map[string]string{"with a secret": secret, "without": ""} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && secret == "" {
				t.Skip("the suite takes seconds; with a secret it runs")
			}
			conntest.Run(t, func(*testing.T) *conntest.Bus {
				return &conntest.Bus{
					Addressed: true,
					Join:      joinEmbedded(secret),
					Path: func(t *testing.T, _, to conntest.Node) conntest.Path {
						p := conntest.NewProxy(t, to.Addr)
						return conntest.Path{Addr: p.Addr, Cut: p.Cut, Heal: p.Heal}
					},
					Freezable: func(t *testing.T, id ids.Node) conntest.Freezable {
						return startEcho(t, id, strconv.FormatUint(uint64(id), 10), secret)
					},
				}
			})
		})
	}
}

// TestExternalNATSIsABus lets all nodes share one server, like an existing NATS cluster. Each
// node has its own proxy to the server.
func TestExternalNATSIsABus(t *testing.T) {
	conntest.Run(t, func(t *testing.T) *conntest.Bus {
		server := team(t, outside.Config{})
		proxies := map[ids.Node]*conntest.Proxy{}
		return &conntest.Bus{
			Join: func(t *testing.T, id ids.Node, _ string) conntest.Node {
				proxy := conntest.NewProxy(t, server.Addr())
				proxies[id] = proxy
				conn, err := natsbus.External(natsbus.Config{Cluster: cluster, Node: id}, "nats://"+proxy.Addr)
				if err != nil {
					t.Fatal(err)
				}
				return conntest.Node{Peer: bus.Peer{ID: id}, Conn: conn, Leave: func() {
					conn.Close()
					proxy.Close()
				}}
			},
			Path: func(_ *testing.T, from, _ conntest.Node) conntest.Path {
				return conntest.Path{Cut: proxies[from.ID].Cut, Heal: proxies[from.ID].Heal}
			},
			Freezable: func(t *testing.T, id ids.Node) conntest.Freezable {
				return startEcho(t, id, fmt.Sprintf("%d nats://%s", id, server.Addr()), "")
			},
		}
	})
}

// team starts a NATS server outside of cohort.
func team(t *testing.T, cfg outside.Config) *outside.Server {
	t.Helper()
	s, err := outside.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
