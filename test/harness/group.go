package harness

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cohortkv/cohort/client"
)

// Group is a set of nodes that a scenario sends requests through. Their view is expected to
// be that of the group unless the scenario says otherwise.
type Group struct {
	lab      *Lab
	members  []int
	shards   [][]int // the same members, by shard of the view
	turn     int
	ancestry ancestry
}

// Through returns a group of nodes to send requests through.
func (l *Lab) Through(nodes ...int) *Group {
	return &Group{lab: l, members: nodes, shards: [][]int{nodes}}
}

// Members lists the nodes of the group.
func (g *Group) Members() []int { return g.members }

// Put writes a key through one of the nodes, in turn.
func (g *Group) Put(key, value string) *Group {
	g.lab.t.Helper()
	ctx, cancel := g.lab.withTimeout()
	defer cancel()
	node := g.next()
	answer, err := g.client(node).put(ctx, key, value)
	g.decided("PUT "+key, node, answer, err)
	return g
}

// Delete deletes a key, which may be absent, through one of the nodes, in turn.
func (g *Group) Delete(key string) *Group {
	g.lab.t.Helper()
	ctx, cancel := g.lab.withTimeout()
	defer cancel()
	node := g.next()
	answer, err := g.client(node).delete(ctx, key)
	g.decided("DELETE "+key, node, answer, err)
	return g
}

// EveryoneReads fails the test unless all nodes of the group answer with a key's value.
func (g *Group) EveryoneReads(key, value string) {
	g.lab.t.Helper()
	for _, node := range g.members {
		if answer := g.read(node, key); !answer.Found() || string(answer.Value) != value {
			g.lab.t.Errorf("GET %s through node %d: %d %q, want %q", key, node, answer.Status, answer.Value, value)
		}
	}
}

// EveryoneMisses fails the test unless all nodes of the group answer that the keys are
// absent.
func (g *Group) EveryoneMisses(keys ...string) {
	g.lab.t.Helper()
	for _, node := range g.members {
		for _, key := range keys {
			if answer := g.read(node, key); answer.Found() {
				g.lab.t.Errorf("GET %s through node %d: %d %q, want nothing", key, node, answer.Status, answer.Value)
			}
		}
	}
}

// StayUp fails the test unless the nodes answer requests that need no other node, even
// while others wait.
func (g *Group) StayUp() {
	g.lab.t.Helper()
	ctx, cancel := g.lab.withTimeout()
	defer cancel()
	for _, node := range g.members {
		g.lab.must(g.lab.nodes[node].Ping(ctx))
		_, err := g.lab.nodes[node].View(ctx)
		g.lab.must(err)
	}
}

// Refuse fails the test unless all nodes of the group answer reads and writes with 503 as
// soon as they have heard that they are not in the view.
func (g *Group) Refuse() {
	g.lab.t.Helper()
	ctx, cancel := g.lab.withTimeout()
	defer cancel()
	began := time.Now()
	for _, node := range g.members {
		_, err := g.client(node).get(ctx, "refused")
		g.refused("GET", node, err)
		_, err = g.client(node).put(ctx, "refused", "")
		g.refused("PUT", node, err)
	}
	g.lab.say("%v refuse, after %v", g.members, time.Since(began).Round(time.Millisecond))
}

func (g *Group) refused(what string, node int, err error) {
	g.lab.t.Helper()
	var status *client.StatusError
	if !errors.As(err, &status) || status.Status != http.StatusServiceUnavailable {
		g.lab.t.Errorf("%s through node %d: %v, want 503", what, node, err)
	}
}

// read returns a node's answer to a read.
func (g *Group) read(node int, key string) *client.Answer {
	g.lab.t.Helper()
	ctx, cancel := g.lab.withTimeout()
	defer cancel()
	answer, err := g.client(node).get(ctx, key)
	g.decided("GET "+key, node, answer, err)
	return answer
}

// decided ends the test unless the node that a request was sent to answered the request.
func (g *Group) decided(what string, node int, answer *client.Answer, err error) {
	g.lab.t.Helper()
	if err == nil && answer.Node == uint64(node) {
		return
	}
	g.lab.explain(node)
	if errors.Is(err, context.DeadlineExceeded) {
		g.lab.t.Fatalf("%s through node %d is not answered within %v", what, node, patience)
	}
	g.lab.t.Fatalf("%s through node %d: %+v, %v", what, node, answer, err)
}

func (g *Group) next() int {
	node := g.members[g.turn%len(g.members)]
	g.turn++
	return node
}

// client returns the client of a node for the test's goroutine.
func (g *Group) client(node int) *nodeClient {
	if g.lab.clients[node] == nil {
		g.lab.clients[node] = g.lab.newClient(node)
	}
	return g.lab.clients[node]
}
