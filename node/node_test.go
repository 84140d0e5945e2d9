package node

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/bus/membus"
	"github.com/cohortkv/cohort/client"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// cluster is a set of nodes in this process, on real HTTP ports and a bus in memory.
type cluster struct {
	net    *membus.Net
	nodes  []*running
	bucket string   // the default of nodes that are started; empty: strong
	keys   [][]byte // of sessions, the same
}

type running struct {
	*client.Client
	member api.Member
	end    func() error // stops it and returns what Run returned
}

func startCluster(t *testing.T, n int) *cluster {
	c := &cluster{net: membus.New()}
	for id := range n {
		c.start(t, uint64(id))
	}
	return c
}

func (c *cluster) start(t *testing.T, id uint64) *running {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{member: api.Member{ID: id, Address: listener.Addr().String(), Bus: fmt.Sprintf("node%d:1", id)}}
	conn, err := c.net.Attach(ids.Node(id), r.member.Bus)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Default()
	cfg.ID, cfg.Bus, cfg.HTTP = ids.Node(id), conn, listener
	cfg.DefaultBucket, cfg.SessionKeys = cmp.Or(c.bucket, cfg.DefaultBucket), c.keys
	node, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx) }()
	r.end = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := r.end(); err != nil {
			t.Errorf("node %d: %v", id, err)
		}
	})
	if r.Client, err = client.New(r.member.Address, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	c.nodes = append(c.nodes, r)
	return r
}

func (c *cluster) view(of ...*running) api.ViewRequest {
	shard := api.Shard{}
	for _, r := range of {
		shard.Members = append(shard.Members, r.member)
	}
	return api.ViewRequest{View: api.View{Flat: true, Shards: []api.Shard{shard}}}
}

func (c *cluster) putView(t *testing.T, of ...*running) {
	t.Helper()
	for _, r := range of {
		if a, err := r.PutView(t.Context(), c.view(of...)); err != nil || a.Result != api.ViewReady {
			t.Fatalf("view at node %d: %+v, %v", r.member.ID, a, err)
		}
	}
}

func TestThreeNodesAreOneStoreThroughAnyOfThem(t *testing.T) {
	c := startCluster(t, 3)
	ctx := t.Context()
	if _, err := c.nodes[0].PutData(ctx, "k", "v"); client.OutcomeOf(api.Put, err) != api.NotApplied {
		t.Fatalf("without a view: %v", err)
	}
	c.putView(t, c.nodes...)
	next := uint64(1)
	for i, writer := range c.nodes {
		key, value := fmt.Sprintf("key %d", i), fmt.Sprintf("from %d", i)
		a, err := writer.PutData(ctx, key, value)
		if err != nil || a.Status != http.StatusCreated || a.MsgNum != next {
			t.Fatalf("put through %d: %+v, %v", i, a, err)
		}
		next++
		for j, reader := range c.nodes {
			a, err := reader.GetData(ctx, key)
			if err != nil || string(a.Value) != value || a.MsgNum != next || a.Node != uint64(j) {
				t.Errorf("get through %d what %d wrote: %+v, %v", j, i, a, err)
			}
		}
	}
	if a, err := c.nodes[2].DeleteData(ctx, "key 0"); err != nil || !a.Found() {
		t.Errorf("delete: %+v, %v", a, err)
	}
	for j, reader := range c.nodes {
		if all, _, err := reader.AllData(ctx); err != nil || len(all) != 2 {
			t.Errorf("all through %d: %v, %v", j, all, err)
		}
	}
}

func TestAnsweredRequestsAreMetrics(t *testing.T) {
	c := startCluster(t, 1)
	for range 2 {
		if err := c.nodes[0].Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.metric(t, 0, `cohort_requests_total{code="200",method="GET",route="ping"}`); n != 2 {
		t.Errorf("%v pings were counted, want 2", n)
	}
	if n := c.metric(t, 0, `cohort_requests_total{code="200",method="GET",route="metrics"}`); n != 1 {
		t.Errorf("%v earlier looks at the metrics were counted, want 1", n)
	}
}

func TestMessagesAreMetricsByKind(t *testing.T) {
	c := startCluster(t, 2)
	c.putView(t, c.nodes...)
	if n := c.metric(t, 0, `cohort_messages_sent_total{kind="new-view"}`); n < 1 {
		t.Errorf("%v views were sent", n)
	}
}

func TestManyClientsAtOnceGetTheirOwnNumbers(t *testing.T) {
	c := startCluster(t, 3)
	c.putView(t, c.nodes...)
	const clients, each = 24, 40
	var mu sync.Mutex
	numbers := map[uint64]int{}
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for j := range each {
				a, err := c.nodes[(i+j)%3].PutData(t.Context(), fmt.Sprintf("key %d", j%5), fmt.Sprintf("%d of %d", j, i))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				numbers[a.MsgNum]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for n := uint64(1); n <= clients*each; n++ {
		if numbers[n] != 1 {
			t.Fatalf("%d writes have number %d", numbers[n], n)
		}
	}
}

func TestAWriteWaitsForACutMemberAndItsClientMayLeave(t *testing.T) {
	c := startCluster(t, 3)
	c.putView(t, c.nodes...)
	for _, other := range []ids.Node{0, 1} {
		c.net.Cut(2, other)
		c.net.Cut(other, 2)
	}
	impatient, leave := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() {
		_, err := c.nodes[1].PutData(impatient, "k", "v")
		waiting <- err
	}()
	for c.metric(t, 1, "cohort_requests_waiting") == 0 {
		if err := c.nodes[1].Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	leave()
	if err := <-waiting; client.OutcomeOf(api.Put, err) != api.Unknown {
		t.Errorf("the client that left was told %v", err)
	}
	for c.metric(t, 1, "cohort_requests_waiting") != 0 {
		if err := c.nodes[1].Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []ids.Node{0, 1} {
		c.net.Heal(2, other)
		c.net.Heal(other, 2)
	}
	if _, err := c.nodes[1].PutData(t.Context(), "k", "after"); err != nil {
		t.Error(err)
	}
}

func (c *cluster) metric(t *testing.T, node int, name string) (value float64) {
	t.Helper()
	var text bytes.Buffer
	if err := c.nodes[node].Metrics(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Sscanf(line, name+" %g", &value); err == nil {
			return value
		}
	}
	t.Fatalf("node %d shows no %s", node, name)
	return 0
}

func TestANodeEndsInTimeAlthoughARequestWaits(t *testing.T) {
	c := startCluster(t, 2)
	c.putView(t, c.nodes...)
	c.net.Cut(0, 1)
	c.net.Cut(1, 0)
	answer := make(chan error, 1)
	go func() {
		_, err := c.nodes[0].PutData(context.Background(), "k", "v")
		answer <- err
	}()
	for c.metric(t, 0, "cohort_requests_waiting") == 0 {
		if err := c.nodes[0].Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- c.nodes[0].end() }()
	if err := <-answer; client.OutcomeOf(api.Put, err) != api.Unknown {
		t.Errorf("the waiting write was answered with %v", err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the node does not end")
	}
}

func TestAnEmptiedNodeServesOnlyAfterAView(t *testing.T) {
	c := startCluster(t, 3)
	c.putView(t, c.nodes...)
	if _, err := c.nodes[0].PutData(t.Context(), "k", "kept"); err != nil {
		t.Fatal(err)
	}
	if err := c.nodes[2].end(); err != nil {
		t.Fatal(err)
	}
	back := c.start(t, 2)
	if _, err := back.GetData(t.Context(), "k"); client.OutcomeOf(api.Read, err) != api.NotApplied {
		t.Fatalf("a node that lost its state answered: %v", err)
	}
	c.nodes[2] = back
	c.putView(t, c.nodes[:3]...)
	if a, err := back.GetData(t.Context(), "k"); err != nil || string(a.Value) != "kept" {
		t.Errorf("after the view: %+v, %v", a, err)
	}
}

func TestBusAddressesComeFromTheView(t *testing.T) {
	for _, c := range []struct {
		member wire.Member
		want   string
	}{
		{wire.Member{Address: "10.0.0.1:8081"}, "10.0.0.1:9081"},
		{wire.Member{Address: "[::1]:80"}, "[::1]:1080"},
		{wire.Member{Address: "host:8081", Bus: "other:4222"}, "other:4222"},
		{wire.Member{Address: "host"}, ""},
		{wire.Member{Address: "host:http"}, ""},
	} {
		if got, err := busAddress(c.member); got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v: %q, %v; want %q", c.member, got, err, c.want)
		}
	}
}

func TestAConfigSaysAllThatIsWrongWithIt(t *testing.T) {
	err := Config{DefaultBucket: "fast"}.Validate()
	for _, want := range []string{"incarnation", "boot", "bus", "HTTP", `"fast"`, "patience", "logger"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: nothing about %s", err, want)
		}
	}
}
