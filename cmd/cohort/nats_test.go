package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/bus/outside"
	"github.com/cohortkv/cohort/client"
)

// natsCluster runs nodes in this process over an outside NATS server.
type natsCluster struct {
	t       *testing.T
	url     string
	members []*member
	clients []*client.Client
}

func (c *natsCluster) start(id uint64) {
	c.t.Helper()
	m, err := nodeSettings{id: id, http: "127.0.0.1:0", nats: c.url, cluster: "c", defaultBucket: api.BucketStrong,
		log: slog.New(slog.NewTextHandler(c.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}.assemble()
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := m.run(ctx); err != nil {
			c.t.Error(err)
		}
	})
	node, err := client.New(m.http, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		node.Close()
		stop()
		running.Wait()
	})
	c.members, c.clients = append(c.members, m), append(c.clients, node)
}

// form puts the view of all nodes to the first.
func (c *natsCluster) form() {
	c.t.Helper()
	var shard api.Shard
	for _, m := range c.members {
		shard.Members = append(shard.Members, api.Member{ID: m.id, Address: m.http, Bus: "127.0.0.1:1"})
	}
	request := api.ViewRequest{View: api.View{Flat: true, Shards: []api.Shard{shard}}}
	for _, m := range c.members {
		if _, err := putView(c.t.Context(), terminal{out: io.Discard, err: io.Discard}, credentials{}, m.http, request, time.Now().Add(20*time.Second)); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *natsCluster) metrics(i int) string {
	c.t.Helper()
	answer, err := http.Get("http://" + c.members[i].http + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// TestSmallMessagesOfANATSClusterAreKnownAtTheDoor has a server with a sixteenth of the default
// max_payload. Values that cannot be replicated are refused. Accepted values reach all nodes, also
// a node that joins later.
func TestSmallMessagesOfANATSClusterAreKnownAtTheDoor(t *testing.T) {
	const payload, largest, keys = 64 << 10, 32 << 10, 40
	server, err := outside.Start(outside.Config{MaxPayload: payload})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	c := &natsCluster{t: t, url: "nats://" + server.Addr()}
	for id := range uint64(3) {
		c.start(id)
	}
	c.form()
	value := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i%26)}, largest) }
	for _, bucket := range []string{api.BucketStrong, api.BucketCausal} {
		_, err := c.clients[1].Put(t.Context(), bucket, "large", make([]byte, 100_000), client.Options{})
		if problem := (*client.StatusError)(nil); !errors.As(err, &problem) || problem.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: a value of 100 kB: %v", bucket, err)
		}
		var writing sync.WaitGroup
		for i := range keys { // at once, so that they share batches
			writing.Go(func() {
				if _, err := c.clients[i%3].Put(t.Context(), bucket, fmt.Sprint("k", i), value(i), client.Options{}); err != nil {
					t.Errorf("%s: write %d: %v", bucket, i, err)
				}
			})
		}
		writing.Wait()
		for i := range 2000 { // and small ones, which share a message, too
			if i%8 == 0 {
				writing.Wait()
			}
			writing.Go(func() {
				if _, err := c.clients[i%3].Put(t.Context(), bucket, fmt.Sprint("small", i), []byte("x"), client.Options{}); err != nil {
					t.Errorf("%s: small write %d: %v", bucket, i, err)
				}
			})
		}
		writing.Wait()
	}
	c.start(3)
	c.form()
	for _, bucket := range []string{api.BucketStrong, api.BucketCausal} {
		for i := range keys {
			answer, err := c.clients[3].Get(t.Context(), bucket, fmt.Sprint("k", i), client.Options{})
			if err != nil || !bytes.Equal(answer.Value, value(i)) {
				t.Errorf("%s: key %d at the node that came later: %d bytes, %v", bucket, i, len(answer.Value), err)
			}
		}
	}
	for i := range c.members {
		if text := c.metrics(i); !strings.Contains(text, `cohort_bus_messages_total{fate="too_large"} 0`) {
			t.Errorf("node %d has made messages that were too large", i)
		}
	}
}

func TestANATSClusterWithoutRoomForMessagesIsRefused(t *testing.T) {
	server, err := outside.Start(outside.Config{MaxPayload: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	clearEnvironment(t)
	o := cohort(t, "serve", "--id", "0", "--http", freeAddress(t), "--nats", "nats://"+server.Addr())
	if o.status != exitFailed || !strings.Contains(o.err, "max_payload") || !strings.Contains(o.err, "4096") {
		t.Errorf("status %d, complaint %q", o.status, o.err)
	}
}

// TestReadinessSaysThatTheNATSClusterIsAway: the node starts without the cluster, and reports this.
func TestReadinessSaysThatTheNATSClusterIsAway(t *testing.T) {
	server, err := outside.Start(outside.Config{})
	if err != nil {
		t.Fatal(err)
	}
	addr := server.Addr()
	server.Close()
	c := &natsCluster{t: t, url: "nats://u:confidential@" + addr}
	c.start(0)
	ready := func() (int, string) {
		answer, err := http.Get(c.clients[0].Base() + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	c.form()
	if status, text := ready(); status != http.StatusServiceUnavailable || !strings.Contains(text, "connection refused") || strings.Contains(text, "confidential") {
		t.Errorf("without NATS: %d %s", status, text)
	}
	if text := c.metrics(0); !strings.Contains(text, "cohort_bus_home_connected 0") {
		t.Error("the metrics do not say that there is no connection")
	}
}
