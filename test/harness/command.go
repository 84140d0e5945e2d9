package harness

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cohortkv/cohort/api"
)

// viewBound is by when a PUT /view is answered, whatever happens.
const viewBound = 8 * time.Second

// Command is a list of members that an operator is about to put, with the
// addresses that the nodes have at present.
type Command struct {
	lab     *Lab
	members []int
	shards  [][]int // the same members
	request api.ViewRequest
}

// View names the members of a view. No node is told yet.
func (l *Lab) View(members ...int) *Command {
	c := &Command{lab: l, members: members}
	c.request.View.Flat = true
	if len(members) == 0 {
		return c
	}
	c.shards = [][]int{members}
	c.request.View.Shards = []api.Shard{l.shard("", members)}
	return c
}

// Shards names the members of each shard of a view; the first shard is always the
// same one, and so on. An empty list is a shard without members, nil leaves a shard
// out. No node is told yet.
func (l *Lab) Shards(shards ...[]int) *Command {
	c := &Command{lab: l}
	for i, members := range shards {
		if members == nil {
			continue
		}
		c.shards, c.members = append(c.shards, members), append(c.members, members...)
		c.request.View.Shards = append(c.request.View.Shards, l.shard(fmt.Sprintf("shard%d", i), members))
	}
	return c
}

func (l *Lab) shard(name string, members []int) api.Shard {
	shard := api.Shard{Name: name}
	for _, node := range members {
		shard.Members = append(shard.Members, l.world.Member(node))
	}
	return shard
}

// Force gives up data that members owe and that cannot be had.
func (c *Command) Force() *Command {
	c.request.Force = true
	return c
}

// TellMembers puts the view to its members, the next when the one before has
// answered. It returns them as a group.
func (c *Command) TellMembers() *Group {
	c.lab.t.Helper()
	return c.Tell(c.members...)
}

// Tell puts the view to some nodes, members or not, the next when the one before
// has answered: ready, or ready and not a member. It returns the members.
func (c *Command) Tell(nodes ...int) *Group {
	c.lab.t.Helper()
	var all time.Duration
	each := make([]int64, len(nodes))
	for i, node := range nodes {
		began := time.Now()
		c.must(node, c.put(node))
		took := time.Since(began)
		all += took
		each[i] = took.Milliseconds()
	}
	c.lab.say("view %v told to %v in %v (ms each: %v)", c.shards, nodes, all.Round(time.Millisecond), each)
	return c.group()
}

// TellAtOnce lets some clients tell some nodes each, all at the same time, each
// client in an order of its own.
func (c *Command) TellAtOnce(clients int, nodes ...int) *Group {
	c.lab.t.Helper()
	began := time.Now()
	errs := make([]error, clients*len(nodes))
	var tellers sync.WaitGroup
	for i := range clients {
		tellers.Go(func() {
			for j := range nodes {
				errs[i*len(nodes)+j] = c.put(nodes[(i+j)%len(nodes)])
			}
		})
	}
	tellers.Wait()
	for _, err := range errs {
		c.lab.must(err)
	}
	c.lab.say("view %v told to %v by %d clients at once in %v", c.members, nodes, clients, time.Since(began).Round(time.Millisecond))
	return c.group()
}

// TellInVain puts the view to a node that cannot become ready: some member
// cannot be reached, for instance. The answer is 200 all the same, by its bound.
func (c *Command) TellInVain(node int) {
	c.lab.t.Helper()
	began := time.Now()
	answer, err := c.ask(node)
	c.lab.must(err)
	if answer.Result == api.ViewReady {
		c.lab.t.Fatalf("view %v: node %d is ready, and should not be", c.members, node)
	}
	c.lab.say("view %v told to %d in vain: %s after %v (%s)", c.members, node, answer.Result, time.Since(began).Round(time.Millisecond), answer.Reason)
}

func (c *Command) group() *Group { return &Group{lab: c.lab, members: c.members, shards: c.shards} }

// put tells one node and demands that it has become ready.
func (c *Command) put(node int) error {
	answer, err := c.ask(node)
	want := api.ViewNotServed
	if slices.Contains(c.members, node) {
		want = api.ViewReady
	}
	switch {
	case err != nil:
		return err
	case answer.Result != want:
		return fmt.Errorf("view %v put to node %d: %s, want %s: %s", c.members, node, answer.Result, want, answer.Reason)
	}
	return nil
}

func (c *Command) ask(node int) (api.ViewAnswer, error) {
	ctx, cancel := context.WithTimeout(c.lab.t.Context(), Room*viewBound)
	defer cancel()
	answer, err := c.lab.nodes[node].PutView(ctx, c.request)
	if err != nil {
		return answer, fmt.Errorf("view %v put to node %d: %w", c.members, node, err)
	}
	return answer, nil
}

func (c *Command) must(node int, err error) {
	c.lab.t.Helper()
	if err != nil {
		c.lab.explain(node)
		c.lab.t.Fatal(err)
	}
}

// explain logs what a node says about itself.
func (l *Lab) explain(node int) {
	l.t.Helper()
	ctx, cancel := l.withTimeout()
	defer cancel()
	shown, err := l.nodes[node].Cluster(ctx)
	l.t.Logf("node %d shows %+v, %v", node, shown, err)
	l.t.Logf("node %d is ready: %v", node, l.nodes[node].Ready(ctx, ""))
}
