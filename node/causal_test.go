package node

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
	"github.com/cohortkv/cohort/node/ids"
)

// startCausal starts nodes with the causal model at /data, and a view.
func startCausal(t *testing.T, n int) *cluster {
	c := startCluster(t, 0)
	c.bucket = "causal"
	for id := range n {
		c.start(t, uint64(id))
	}
	c.putView(t, c.nodes...)
	return c
}

// part cuts a node off from all others; heal takes it back.
func (c *cluster) part(id ids.Node) { c.each(id, c.net.Cut) }
func (c *cluster) heal(id ids.Node) { c.each(id, c.net.Heal) }

func (c *cluster) each(id ids.Node, do func(from, to ids.Node)) {
	for other := range c.nodes {
		if ids.Node(other) != id {
			do(id, ids.Node(other))
			do(ids.Node(other), id)
		}
	}
}

// untilWaiting waits until so many requests wait at a node.
func (c *cluster) untilWaiting(t *testing.T, node int, n float64) {
	t.Helper()
	for c.metric(t, node, "cohort_requests_waiting") != n {
		if err := c.nodes[node].Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWriteAtOneNodeIsReadAtAnyOther(t *testing.T) {
	c := startCausal(t, 3)
	ctx := t.Context()
	var metadata json.RawMessage
	for i, writer := range c.nodes {
		key, value := fmt.Sprintf("key %d", i), fmt.Sprintf("from %d", i)
		a, err := writer.PutCausal(ctx, key, value, metadata)
		if err != nil || a.Node != uint64(i) {
			t.Fatalf("put through %d: %+v, %v", i, a, err)
		}
		metadata = a.Metadata
		for j, reader := range c.nodes {
			a, err := reader.GetCausal(ctx, key, nil) // without a session: the network is healthy
			if err != nil || string(a.Value) != value || a.Node != uint64(j) {
				t.Errorf("get through %d what %d wrote: %+v, %v", j, i, a, err)
			}
		}
	}
	if a, err := c.nodes[2].DeleteCausal(ctx, "key 0", metadata); err != nil {
		t.Errorf("delete: %+v, %v", a, err)
	} else {
		metadata = a.Metadata
	}
	for j, reader := range c.nodes {
		all, a, err := reader.AllCausal(ctx, metadata)
		if err != nil || len(all) != 2 || len(a.Metadata) == 0 {
			t.Errorf("all through %d: %v, %+v, %v", j, all, a, err)
		}
		if a, err := reader.GetCausal(ctx, "key 0", metadata); err != nil || a.Found() {
			t.Errorf("what was deleted, through %d: %+v, %v", j, a, err)
		}
	}
}

func TestAReadWaitsForItsSessionAndEndsWhenTheDataArrives(t *testing.T) {
	c := startCausal(t, 3)
	c.part(2)
	write, err := c.nodes[0].Put(t.Context(), "causal", "k", []byte("v"), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := c.nodes[2].Get(t.Context(), "causal", "k", client.Options{}); err != nil || a.Found() {
		t.Errorf("a stranger on the other side: %+v, %v", a, err)
	}
	late := client.Options{Session: write.Session, Timeout: 20 * time.Millisecond}
	_, err = c.nodes[2].Get(t.Context(), "causal", "k", late)
	if p := problemOf(err); p.Code != api.CodeSessionNotVisible || !p.Retryable {
		t.Errorf("a read that may not wait: %v", err)
	}
	read := make(chan *client.Answer, 1)
	go func() {
		a, err := c.nodes[2].Get(t.Context(), "causal", "k", client.Options{Session: write.Session})
		if err != nil {
			t.Error(err)
		}
		read <- a
	}()
	c.untilWaiting(t, 2, 1)
	if a, err := c.nodes[2].Get(t.Context(), "causal", "other", client.Options{Session: write.Session}); err != nil || a.Found() {
		t.Errorf("another key does not wait: %+v, %v", a, err)
	}
	c.heal(2)
	if a := <-read; a == nil || string(a.Value) != "v" || a.ETag != write.ETag {
		t.Errorf("after the cut: %+v", a)
	}
}

func problemOf(err error) api.Problem {
	if status, ok := err.(*client.StatusError); ok {
		return status.Problem
	}
	return api.Problem{}
}

func TestAReadWhoseClientLeftHoldsNoMemory(t *testing.T) {
	c := startCausal(t, 2)
	c.part(1)
	write, err := c.nodes[0].PutCausal(t.Context(), "k", "v", nil)
	if err != nil {
		t.Fatal(err)
	}
	impatient, leave := context.WithCancel(t.Context())
	gone := make(chan error, 2)
	go func() {
		_, err := c.nodes[1].GetCausal(impatient, "k", write.Metadata)
		gone <- err
	}()
	go func() {
		_, _, err := c.nodes[1].AllCausal(impatient, write.Metadata)
		gone <- err
	}()
	c.untilWaiting(t, 1, 2)
	leave()
	for range 2 {
		if err := <-gone; err == nil {
			t.Error("a read was answered without what it waits for")
		}
	}
	c.untilWaiting(t, 1, 0)
}

func TestBothSidesOfACutWriteAndAgreeAfterwards(t *testing.T) {
	c := startCausal(t, 3)
	c.part(2)
	here, err := c.nodes[0].PutCausal(t.Context(), "k", "here", nil)
	if err != nil {
		t.Fatal(err)
	}
	there, err := c.nodes[2].PutCausal(t.Context(), "k", "there", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.heal(2)
	// The counters are equal, so the write of the lower node wins. A client with the session
	// of the other side, or of the side that has won, must not read anything else.
	for _, read := range []struct {
		node int
		seen json.RawMessage
	}{{0, here.Metadata}, {0, there.Metadata}, {2, here.Metadata}} {
		if a, err := c.nodes[read.node].GetCausal(t.Context(), "k", read.seen); err != nil || string(a.Value) != "here" {
			t.Errorf("at %d: %+v, %v", read.node, a, err)
		}
	}
}

// Strong buckets need every member. If /data is causal, an operator does not wait for them.
func TestAViewOfWhichAMemberIsSilentIsReadySoonWhereDataIsCausal(t *testing.T) {
	c := startCausal(t, 3)
	if _, err := c.nodes[0].PutCausal(t.Context(), "k", "v", nil); err != nil {
		t.Fatal(err)
	}
	c.part(2)
	a, err := c.nodes[0].PutView(t.Context(), c.view(c.nodes...))
	if err != nil || a.Result != api.ViewReady {
		t.Errorf("%+v, %v", a, err)
	}
	c.putView(t, c.nodes[:2]...)
	if a, err := c.nodes[1].GetCausal(t.Context(), "k", nil); err != nil || string(a.Value) != "v" {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := c.nodes[1].PutData(t.Context(), "k", "w"); err != nil {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestBothModelsAnswerOnTheSameNodes(t *testing.T) {
	c := startCausal(t, 3)
	for i, bucket := range []string{"strong", "causal"} {
		if _, err := c.nodes[i].Put(t.Context(), bucket, "k", []byte(bucket), client.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, bucket := range []string{"strong", "causal"} {
		if a, err := c.nodes[2].Get(t.Context(), bucket, "k", client.Options{}); err != nil || string(a.Value) != bucket {
			t.Errorf("%s: %+v, %v", bucket, a, err)
		}
		if err := c.nodes[2].Ready(t.Context(), bucket); err != nil {
			t.Error(err)
		}
	}
	if a, err := c.nodes[1].Ring(t.Context(), "k"); err != nil || len(a.Members) != 3 || *a.Shard != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestKeysOfAnotherShardAreServedThroughAnyNode(t *testing.T) {
	c := startCluster(t, 0)
	c.bucket = "causal"
	for id := range 2 {
		c.start(t, uint64(id))
	}
	request := api.ViewRequest{View: api.View{Shards: []api.Shard{
		{Name: "a", Members: []api.Member{c.nodes[0].member}}, {Name: "b", Members: []api.Member{c.nodes[1].member}},
	}}}
	for _, r := range c.nodes {
		if a, err := r.PutView(t.Context(), request); err != nil || a.Result != api.ViewReady {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	var metadata json.RawMessage
	for i := range 20 {
		a, err := c.nodes[i%2].PutCausal(t.Context(), fmt.Sprint(i), "v", metadata)
		if err != nil {
			t.Fatal(err)
		}
		metadata = a.Metadata
	}
	for i := range 20 {
		if a, err := c.nodes[(i+1)%2].GetCausal(t.Context(), fmt.Sprint(i), metadata); err != nil || string(a.Value) != "v" {
			t.Errorf("%d: %+v, %v", i, a, err)
		}
	}
	total := 0
	for i, r := range c.nodes {
		all, _, err := r.AllCausal(t.Context(), metadata)
		if err != nil || len(all) == 0 {
			t.Errorf("shard of %d: %v, %v", i, all, err)
		}
		total += len(all)
	}
	if total != 20 {
		t.Errorf("the shards have %d keys in all", total)
	}
}
