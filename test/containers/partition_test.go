package containers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

const (
	// healBound is the API's bound, 5 s, with room for a machine that is busy.
	healBound = 3 * 5 * time.Second
	// silence is how long a request that must not be answered is watched.
	silence = 2 * time.Second
)

// group is a cluster of containers on one network.
type group struct {
	lab     *Lab
	network *Network
	nodes   []*Node
	clients []*client.Client
}

// newGroup starts nodes, connects them and puts the view to one after another.
func newGroup(t *testing.T, size int) *group {
	t.Helper()
	g := &group{lab: newLab(t)}
	var err error
	if g.network, err = g.lab.Network(t.Context(), "lan"); err != nil {
		t.Fatal(err)
	}
	var members []api.Member
	for id := range size {
		node, c := start(t, g.lab, id)
		if err := node.Connect(t.Context(), g.network); err != nil {
			t.Fatal(err)
		}
		g.nodes, g.clients = append(g.nodes, node), append(g.clients, c)
		members = append(members, api.Member{ID: uint64(id), Address: g.network.Address(id)})
	}
	request := api.ViewRequest{View: api.View{Flat: true, Shards: []api.Shard{{Members: members}}}}
	for id, c := range g.clients {
		answer, err := c.PutView(t.Context(), request)
		if err != nil || answer.Result != api.ViewReady {
			t.Fatalf("view put to node %d: %+v, %v", id, answer, err)
		}
	}
	return g
}

func TestWritesWaitWhileAReplicaIsCutOffAndEndWhenItIsBack(t *testing.T) {
	g := newGroup(t, 3)
	for id, c := range g.clients {
		g.put(t, c, fmt.Sprintf("from-%d", id), http.StatusCreated)
	}
	for id := range g.clients {
		g.everyoneReads(t, fmt.Sprintf("from-%d", id))
	}

	if err := g.nodes[2].Disconnect(t.Context(), g.network); err != nil {
		t.Fatal(err)
	}
	waiting := g.putInBackground(t, g.clients[0], "cut")
	g.nobodyDecides(t)
	select {
	case err := <-waiting:
		t.Fatalf("a write ended while a replica of the view was cut off: %v", err)
	default:
	}

	began := time.Now()
	if err := g.nodes[2].Connect(t.Context(), g.network); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-waiting:
		if err != nil {
			t.Fatalf("the write that waited: %v", err)
		}
		t.Logf("the write that waited ended %v after docker network connect began", time.Since(began).Round(time.Millisecond))
	case <-time.After(healBound):
		t.Fatalf("the write still waits %v after the replica came back", healBound)
	}
	g.everyoneReads(t, "cut")
	g.everyoneAgrees(t, givenUp(1))
	g.everyoneAgrees(t, givenUp(2))
	for id, c := range g.clients {
		g.put(t, c, fmt.Sprintf("after-%d", id), http.StatusCreated)
	}
}

// nobodyDecides sends requests through all nodes, the one that is cut off too,
// and demands that none of reads and writes is answered: not with what is old,
// not with what waits, not with an error. What needs no other node is answered.
func (g *group) nobodyDecides(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), silence)
	defer cancel()
	var asked sync.WaitGroup
	for id, c := range g.clients {
		for _, key := range []string{"cut", "from-0"} {
			asked.Go(func() {
				answer, err := c.GetData(ctx, key)
				undecided(t, fmt.Sprintf("GET %s through node %d", key, id), answer, err)
			})
		}
		asked.Go(func() {
			if err := c.Ping(ctx); err != nil {
				t.Errorf("ping of node %d during the partition: %v", id, err)
			}
			if _, err := c.View(ctx); err != nil {
				t.Errorf("view of node %d during the partition: %v", id, err)
			}
		})
	}
	for _, id := range []int{1, 2} {
		asked.Go(func() {
			answer, err := g.clients[id].PutData(ctx, givenUp(id), "by its client")
			undecided(t, fmt.Sprintf("PUT through node %d", id), answer, err)
		})
	}
	asked.Wait()
}

// givenUp is the key of a write, on either side, whose client loses patience.
func givenUp(id int) string { return fmt.Sprintf("given-up-%d", id) }

// undecided demands that a request ended with its client's patience.
func undecided(t *testing.T, what string, answer *client.Answer, err error) {
	t.Helper()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s was answered while a replica of the view was cut off: %+v, %v", what, answer, err)
	}
}

// put writes a key, whose value is its name.
func (g *group) put(t *testing.T, c *client.Client, key string, want int) {
	t.Helper()
	answer, err := c.PutData(t.Context(), key, key)
	if err != nil || answer.Status != want {
		t.Fatalf("PUT %s through %s: %+v, %v", key, c.Base(), answer, err)
	}
}

// putInBackground writes a key as put does, with a client that waits.
func (g *group) putInBackground(t *testing.T, c *client.Client, key string) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := c.PutData(t.Context(), key, key)
		ended <- err
	}()
	return ended
}

// everyoneReads demands that all nodes answer with the key's value.
func (g *group) everyoneReads(t *testing.T, key string) {
	t.Helper()
	for id, c := range g.clients {
		answer, err := c.GetData(t.Context(), key)
		if err != nil || string(answer.Value) != key {
			t.Errorf("GET %s through node %d: %+v, %v", key, id, answer, err)
		}
	}
}

// everyoneAgrees demands that all nodes answer the same about a key whose write
// was given up: it may have happened or not.
func (g *group) everyoneAgrees(t *testing.T, key string) {
	t.Helper()
	var first *client.Answer
	for id, c := range g.clients {
		answer, err := c.GetData(t.Context(), key)
		if err != nil {
			t.Fatalf("GET %s through node %d: %v", key, id, err)
		}
		if first == nil {
			first = answer
		}
		if answer.Status != first.Status || string(answer.Value) != string(first.Value) {
			t.Errorf("GET %s: node 0 answers %d %q, node %d %d %q", key, first.Status, first.Value, id, answer.Status, answer.Value)
		}
	}
}
