package natsbus_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/bus/conntest"
	"github.com/cohortkv/cohort/bus/embedded"
	"github.com/cohortkv/cohort/bus/natsbus"
	"github.com/cohortkv/cohort/node/wire"
)

const (
	cluster = "test"
	secret  = "of the tests"
)

// echoNode, in the environment of the test binary, makes it a node that echoes:
// "<id>" in embedded mode, "<id> <url>" over an outside cluster.
const echoNode = "COHORT_TEST_ECHO_NODE"

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

// runEcho says where it can be reached and lives until its input ends.
func runEcho(spec string) error {
	id, url, outside := strings.Cut(spec, " ")
	number, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return err
	}
	cfg := natsbus.Config{Cluster: cluster, Node: wire.NodeID(number), Secret: secret}
	var conn *natsbus.Conn
	addr := "-"
	if outside {
		conn, err = natsbus.External(cfg, url)
	} else {
		own, startErr := embedded.Start(embedded.Config{Cluster: cluster, Node: cfg.Node, Secret: secret, Listen: "127.0.0.1:0"})
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

// startEcho runs runEcho in a process of its own, which SIGSTOP can freeze.
func startEcho(t testing.TB, id wire.NodeID, spec string) conntest.Freezable {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), echoNode+"="+spec)
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
	cfg.Secret = secret
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

func joinEmbedded(t *testing.T, id wire.NodeID, addr string) conntest.Node {
	t.Helper()
	own := serve(t, embedded.Config{Node: id, Listen: addr})
	conn, err := natsbus.Embedded(natsbus.Config{Cluster: cluster, Node: id, Secret: secret}, own)
	if err != nil {
		t.Fatal(err)
	}
	return conntest.Node{
		Peer: bus.Peer{ID: id, Addr: own.Addr()},
		Conn: conn,
		Leave: func() {
			conn.Close()
			own.Close()
		},
	}
}

func TestEmbeddedNATSIsABus(t *testing.T) {
	conntest.Run(t, func(*testing.T) *conntest.Bus {
		return &conntest.Bus{
			Addressed: true,
			Join:      joinEmbedded,
			Path: func(t *testing.T, _, to conntest.Node) conntest.Path {
				p := conntest.NewProxy(t, to.Addr)
				return conntest.Path{Addr: p.Addr, Cut: p.Cut, Heal: p.Heal}
			},
			Freezable: func(t *testing.T, id wire.NodeID) conntest.Freezable {
				return startEcho(t, id, strconv.FormatUint(uint64(id), 10))
			},
		}
	})
}

// TestExternalNATSIsABus lets all nodes share one server, as they would share a
// cluster that is there already; each has its own cable to it.
func TestExternalNATSIsABus(t *testing.T) {
	conntest.Run(t, func(t *testing.T) *conntest.Bus {
		outside := serve(t, embedded.Config{Node: 1000})
		cables := map[wire.NodeID]*conntest.Proxy{}
		return &conntest.Bus{
			Join: func(t *testing.T, id wire.NodeID, _ string) conntest.Node {
				cable := conntest.NewProxy(t, outside.Addr())
				cables[id] = cable
				cfg := natsbus.Config{Cluster: cluster, Node: id, Secret: secret}
				conn, err := natsbus.External(cfg, "nats://"+cable.Addr)
				if err != nil {
					t.Fatal(err)
				}
				return conntest.Node{Peer: bus.Peer{ID: id}, Conn: conn, Leave: func() {
					conn.Close()
					cable.Close()
				}}
			},
			Path: func(_ *testing.T, from, _ conntest.Node) conntest.Path {
				return conntest.Path{Cut: cables[from.ID].Cut, Heal: cables[from.ID].Heal}
			},
			Freezable: func(t *testing.T, id wire.NodeID) conntest.Freezable {
				return startEcho(t, id, fmt.Sprintf("%d nats://%s", id, outside.Addr()))
			},
		}
	})
}
