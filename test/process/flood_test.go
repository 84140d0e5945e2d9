package process

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

// resident is the resident memory of the process, in bytes.
func (n logged) resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.Pid()))
	if err != nil {
		t.Skip("this machine does not say what a process holds: ", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no VmRSS in %s", text)
	return 0
}

// flood opens connections and sends the same request on each. It measures the memory of the
// process before, at the peak, and until it is below 1.5 × that before.
func (n logged) flood(t *testing.T, name string, clients int, request string, most int64) {
	t.Helper()
	before := n.resident(t)
	var all []net.Conn
	peak := before
	for i := range clients {
		c, err := net.Dial("tcp", n.member.Address)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
		_ = c.SetWriteDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, request) // the node may have closed a refused connection
		if i%64 == 0 {
			peak = max(peak, n.resident(t))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := n.client.Live(ctx); err != nil {
		t.Errorf("%s: the node does not answer: %v", name, err)
	}
	peak = max(peak, n.resident(t))
	for _, c := range all {
		_ = c.Close()
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	ended := time.Now()
	for n.resident(t) > before*3/2 {
		if time.Since(ended) > time.Minute {
			t.Errorf("%s: %d MB stay, of %d before", name, n.resident(t)>>20, before>>20)
			break
		}
		<-tick.C
	}
	t.Logf("%s: %d MB before, %d MB at the height, %d MB %.0f s after it", name, before>>20, peak>>20, n.resident(t)>>20, time.Since(ended).Seconds())
	if peak-before > most {
		t.Errorf("%s took %d MB, more than %d", name, (peak-before)>>20, most>>20)
	}
}

func TestAFloodTakesLittleMemoryAndItIsReleased(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's own memory is several times the node's")
	}
	n := startLogged(t, filepath.Join(t.TempDir(), "log"))
	member := func(id uint64, address string) api.Member { return api.Member{ID: id, Address: address} }
	n.put(t, member(0, n.member.Address))
	value := []byte(strings.Repeat("x", 500<<10))
	for i := range 80 { // 40 MB
		if _, err := n.client.Put(t.Context(), api.BucketStrong, fmt.Sprint("k", i), value, client.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	const host = " HTTP/1.1\r\nHost: localhost\r\n"
	n.flood(t, "2600 bodies of 3 MB, of which 9 kB come", 2600,
		"PUT /data/k"+host+"Content-Length: 3000000\r\n\r\n"+strings.Repeat(" ", 9000), 256<<20)
	n.flood(t, "1000 bodies of 3 MB, of which 300 kB come", 1000,
		"PUT /data/k"+host+"Content-Length: 3000000\r\n\r\n"+strings.Repeat(" ", 300_000), 640<<20)
	n.flood(t, "4000 connections that say nothing", 4000, "", 256<<20)
	n.flood(t, "300 clients that do not read 40 MB", 300, "GET /data"+host+"\r\n", 128<<20)
	n.flood(t, "300 old clients that do not read 40 MB", 300, "GET /data HTTP/1.0\r\nHost: localhost\r\n\r\n", 128<<20)
	n.flood(t, "2000 clients that do not read 500 kB", 2000, "GET /v1/kv/strong/k1"+host+"\r\n", 256<<20)

	n.put(t, member(0, n.member.Address), member(1, "127.0.0.1:1")) // no process listens there, so writes wait
	n.flood(t, "1000 writes of 500 kB that wait", 1000,
		"PUT /v1/kv/strong/w"+host+"Content-Length: 500000\r\n\r\n"+strings.Repeat("x", 500_000), 640<<20)
	n.flood(t, "4000 small writes that wait", 4000, "PUT /v1/kv/strong/w"+host+"Content-Length: 1\r\n\r\nx", 320<<20)
}

// put puts a view of some members.
func (n logged) put(t *testing.T, members ...api.Member) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	view := api.View{Flat: true, Shards: []api.Shard{{Members: members}}}
	if _, err := n.client.PutView(ctx, api.ViewRequest{View: view}); err != nil {
		t.Fatal(err)
	}
}

func TestOtherAddressesAreServedDuringAFlood(t *testing.T) {
	n := startLogged(t, filepath.Join(t.TempDir(), "log"))
	for range 13_000 {
		c, err := net.Dial("tcp", n.member.Address)
		if err != nil {
			t.Skip("this machine does not let one process have so many connections: ", err)
		}
		defer c.Close()
	}
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 3)}}
	c, err := other.DialContext(t.Context(), "tcp", n.member.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200 ") {
		t.Errorf("%q, %v", line, err)
	}
}
