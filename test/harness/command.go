package harness

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cohortkv/cohort/api"
)

// viewBound is the promised bound of a PUT /view.
const viewBound = 8 * time.Second

// Command is a list of members that an operator is about to put, with the present addresses
// of the nodes.
type Command struct {
	lab     *Lab
	members []int
	shards  [][]int // the same members
	request api.ViewRequest
}

// View makes a command from the members of a view. It puts nothing yet.
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

// Shards makes a command from the members of each shard. A shard has the same name in every
// command, by its place. An empty list is a shard without members; nil leaves the shard
// out. It puts nothing yet.
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

// Force makes the view give up data that members owe and that cannot be had.
func (c *Command) Force() *Command {
	c.request.Force = true
	return c
}

// TellMembers puts the view to its members, each when the one before has answered. It
// returns the members as a group.
func (c *Command) TellMembers() *Group {
	c.lab.t.Helper()
	return c.Tell(c.members...)
}

// Tell puts the view to some nodes, members or not, each when the one before has answered.
// A member must answer that it is ready, another node that it is ready and no member. Tell
// returns the members.
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

// TellAtOnce lets several clients put the view to all given nodes at the same time, each in
// an order of its own.
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

// TellInVain puts the view to a node that cannot become ready, for instance because a
// member cannot be reached. The answer must be 200 all the same, within its bound.
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

// put puts the view to one node. It returns an error unless the node becomes ready.
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

// explain logs what a node reports about itself.
func (l *Lab) explain(node int) {
	l.t.Helper()
	ctx, cancel := l.withTimeout()
	defer cancel()
	shown, err := l.nodes[node].Cluster(ctx)
	l.t.Logf("node %d shows %+v, %v", node, shown, err)
	l.t.Logf("node %d is ready: %v", node, l.nodes[node].Ready(ctx, ""))
}
