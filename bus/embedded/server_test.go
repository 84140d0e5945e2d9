package embedded

import (
	"net"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestAServerListensAtOnceUnderItsNodesName(t *testing.T) {
	began := time.Now()
	s := start(t, Config{Cluster: "c1", Node: 7, Incarnation: 0xab, Listen: "0.0.0.0:0"})
	t.Logf("started in %v", time.Since(began))
	_, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	info := make([]byte, 4096)
	n, err := conn.Read(info)
	if err != nil {
		t.Fatal(err)
	}
	hello := string(info[:n])
	t.Log(hello)
	for _, want := range []string{`"server_name":"cohort.c1.7.ab"`, `"auth_required":true`, `"max_payload":1048576`} {
		if !strings.Contains(hello, want) {
			t.Errorf("hello lacks %s: %s", want, hello)
		}
	}
	for _, no := range []string{"connect_urls", "jetstream"} {
		if strings.Contains(hello, no) {
			t.Errorf("hello advertises %s: %s", no, hello)
		}
	}
}

func TestAClientThatIsNoNodeIsRefused(t *testing.T) {
	s := start(t, Config{Cluster: "c1", Node: 7, Listen: "127.0.0.1:0"})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("CONNECT {}\r\nPING\r\n")); err != nil {
		t.Fatal(err)
	}
	got := readAll(conn)
	if !strings.Contains(got, "Authorization Violation") || strings.Contains(got, "PONG") {
		t.Fatalf("answer: %s", got)
	}
}

func readAll(conn net.Conn) string {
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

func TestBadConfigurationGetsAClearError(t *testing.T) {
	taken := start(t, Config{Cluster: "c1", Node: 1, Listen: "127.0.0.1:0"})
	for _, c := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"cluster name", Config{Cluster: "a.b", Listen: "127.0.0.1:0"}, "cluster name"},
		{"no port", Config{Cluster: "c1", Listen: "127.0.0.1"}, "missing port"},
		{"port range", Config{Cluster: "c1", Listen: "127.0.0.1:70000"}, "not a number from 0 to 65535"},
		{"address in use", Config{Cluster: "c1", Listen: taken.Addr()}, "address already in use"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Start(c.cfg)
			if err == nil {
				s.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %q lacks %q", err, c.want)
			}
		})
	}
}
