package front

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/body"
	"github.com/cohortkv/cohort/node/front/conns"
)

// until waits for a condition that another goroutine makes true.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("within a minute this did not happen: %s", what)
		}
	}
}

// heapNow returns the bytes of the heap that are in use after garbage collection.
func heapNow() int64 {
	runtime.GC()
	runtime.GC() // what pools held is gone after two
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// measured runs a flood and prints the memory that it takes: at its peak, and after it.
func measured(t *testing.T, name string, most int64, flood func() (end func())) {
	t.Helper()
	before := heapNow()
	end := flood()
	peak := heapNow()
	end()
	bound := max(before*3/2, before+4<<20) // small heaps are mostly the test's own
	until(t, fmt.Sprintf("the memory is back within 1.5 × of %d bytes", before), func() bool { return heapNow() <= bound })
	t.Logf("%s: %.1f MB before, %.1f MB at its height, %.1f MB after", name, mb(before), mb(peak), mb(heapNow()))
	if peak-before > most {
		t.Errorf("%s took %.1f MB, more than %.1f", name, mb(peak-before), mb(most))
	}
}

func mb(n int64) float64 { return float64(n) / 1e6 }

func closeAll(all []net.Conn) {
	for _, c := range all {
		_ = c.Close()
	}
}

func TestADeclaredBodyReservesNothing(t *testing.T) {
	const clients = 300
	n := startLimited(t, Limits{})
	head := "PUT /data/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat(" ", conns.SmallBody+1)
	measured(t, "300 bodies of 3 MB, of which 8 KiB come", clients*100<<10, func() func() {
		var all []net.Conn
		for range clients {
			all = append(all, n.raw(t, head))
		}
		until(t, "every body has its first piece", func() bool { return n.server.budget.Used() == clients*body.FirstPiece })
		return func() {
			closeAll(all)
			until(t, "all is given back", func() bool { return n.server.budget.Used() == 0 && n.server.Connections() == 0 })
		}
	})
}

func TestSlowBodiesStopAtTheBudgetAndSmallRequestsDoNot(t *testing.T) {
	const limit = 8 << 20
	n := startLimited(t, Limits{RequestBytes: limit})
	head := "PUT /data/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat(" ", 300<<10)
	measured(t, "40 bodies of 3 MB, of which 300 KiB come, with 8 MiB for all", 4*limit, func() func() {
		var all []net.Conn
		for range 40 {
			all = append(all, n.raw(t, head))
		}
		until(t, "bodies are refused", func() bool { return n.server.Pressure().Shed > 20 })
		if used := n.server.budget.Used(); used > limit {
			t.Errorf("%d bytes are held", used)
		}
		if got := n.ask(t, "PUT", "/data/small", `{"value":"x"}`); got.status != 201 {
			t.Errorf("a small write meanwhile: %d %s", got.status, got.body)
		}
		p := n.ask(t, "PUT", "/v1/kv/strong/large", strings.Repeat("x", 500<<10))
		if problem := problemOf(t, p); problem.Code != api.CodeOverloaded || problem.Outcome != api.NotApplied || p.header.Get("Retry-After") == "" {
			t.Errorf("a large write meanwhile: %d %v %s", p.status, p.header, p.body)
		}
		return func() {
			closeAll(all)
			until(t, "all is given back", func() bool { return n.server.budget.Used() == 0 })
		}
	})
	if got := n.ask(t, "PUT", "/v1/kv/strong/large", strings.Repeat("x", 500<<10)); got.status != 201 {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}

func TestTheValueOfAWriteThatWaitsIsKeptOnce(t *testing.T) {
	const clients, size = 64, 500 << 10
	n := startLimited(t, Limits{})
	n.set(func(f *fake) { f.hold, f.held = true, make(chan *Waiter, clients) })
	for name, request := range map[string]string{
		"v1":      fmt.Sprintf("PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size)),
		"classic": fmt.Sprintf("PUT /data/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n{\"value\":\"%s\"}", size+12, strings.Repeat("x", size)),
		"chunked": fmt.Sprintf("PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", size, strings.Repeat("x", size)),
	} {
		measured(t, "64 writes of 500 KiB that wait, "+name, clients*size*5/4, func() func() {
			var all []net.Conn
			for range clients {
				all = append(all, n.raw(t, request))
				<-n.held
			}
			return func() {
				go func() {
					for range clients {
						<-n.abandoned
					}
				}()
				closeAll(all)
				until(t, "all have left", func() bool { return n.server.Waiting() == 0 && n.server.Connections() == 0 })
			}
		})
	}
}

func TestManyRequestsMayWait(t *testing.T) {
	const clients = 2000
	n := startLimited(t, Limits{Connections: 2 * clients, ConnectionsPerAddress: 2 * clients})
	n.set(func(f *fake) {
		f.hold, f.held, f.abandoned = true, make(chan *Waiter, clients), make(chan *Waiter, clients)
	})
	measured(t, "2000 small writes that wait", clients*64<<10, func() func() {
		var all []net.Conn
		for range clients {
			all = append(all, n.raw(t, rawPut))
			<-n.held
		}
		return func() {
			closeAll(all)
			until(t, "all have left", func() bool { return n.server.Waiting() == 0 && n.server.Connections() == 0 })
		}
	})
}

func TestOneAddressCannotTakeAllConnections(t *testing.T) {
	n := startLimited(t, Limits{Connections: 8})
	for range 6 { // three quarters
		n.raw(t, "")
	}
	until(t, "all are accepted", func() bool { return n.server.Connections() == 6 })
	c := n.raw(t, "GET /data/k HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if text := readAll(t, c); !strings.HasPrefix(text, "HTTP/1.1 503 ") || !strings.Contains(text, "Retry-After: ") {
		t.Errorf("a seventh connection: %s", text)
	}
	address := n.raw(t, "").RemoteAddr().String() // of the listener; this one waits beyond the bounds
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	c, err := other.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Skip("this machine has no second loopback address: ", err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /data/k HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got := readAnswer(t, bufio.NewReader(c), "GET"); got.status != 404 {
		t.Errorf("another address: %d %s", got.status, got.body)
	}
}

func TestHealthIsAnsweredWhenAllConnectionsAreTaken(t *testing.T) {
	n := startLimited(t, Limits{Connections: 40, ConnectionsPerAddress: 40})
	for range 40 {
		n.raw(t, "")
	}
	until(t, "all are accepted", func() bool { return n.server.Connections() == 40 })
	for i := range 50 { // of the silent connections beyond the bounds, each new one replaces an old one
		n.raw(t, "")
		path := []string{"/livez", "/readyz"}[i%2]
		text := readAll(t, n.raw(t, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		if !strings.HasPrefix(text, "HTTP/1.1 200 ") || !strings.Contains(text, "Connection: close") {
			t.Fatalf("%s: %s", path, text)
		}
	}
	if got := n.server.Connections(); got > 40+2 {
		t.Errorf("%d connections are open", got)
	}
}

// TestServeWithFewFiles is not a test: it is the process that TestFilesMayRunOut starts.
func TestServeWithFewFiles(t *testing.T) {
	mode := os.Getenv("COHORT_TEST_FEW_FILES")
	if mode == "" {
		t.Skip("started by TestFilesMayRunOut")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Node: 3, Backend: newFake(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if mode == "unbounded" {
		cfg.Limits.Connections = 1000
	}
	s := New(cfg)
	fmt.Fprintln(os.Stderr, "address", ln.Addr())
	go func() { t.Error(s.Serve(ln)) }()
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent closes it
	os.Exit(0)
}

func TestFilesMayRunOut(t *testing.T) {
	for _, mode := range []string{"bounded", "unbounded"} {
		t.Run(mode, func(t *testing.T) {
			child := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -n 64; exec "$0" -test.run '^TestServeWithFewFiles$'`, os.Args[0])
			child.Env = append(os.Environ(), "COHORT_TEST_FEW_FILES="+mode)
			stdin, err := child.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stderr, err := child.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = stdin.Close(); _ = child.Wait() }()
			lines := bufio.NewScanner(stderr)
			address := strings.TrimPrefix(lineWith(t, lines, "address "), "address ")
			var all []net.Conn
			for range 200 {
				c, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, c)
			}
			if mode == "unbounded" {
				t.Log(lineWith(t, lines, "could not be accepted"))
			}
			closeAll(all)
			until(t, "the node answers again", func() bool {
				res, err := http.Get("http://" + address + "/data/k")
				if err != nil {
					return false
				}
				_ = res.Body.Close()
				return res.StatusCode == 404
			})
		})
	}
}

// lineWith reads lines until one has a text, and returns it from there.
func lineWith(t *testing.T, lines *bufio.Scanner, text string) string {
	t.Helper()
	for lines.Scan() {
		if i := strings.Index(lines.Text(), text); i >= 0 {
			return lines.Text()[i:]
		}
	}
	t.Fatalf("the process ended without %q: %v", text, lines.Err())
	return ""
}
