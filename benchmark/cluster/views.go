package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cohortkv/cohort/api"
)

// View is the list of the given nodes in the form of operators. Every entry names its bus
// port, because that is a free port too.
func (c *Cluster) View(members ...int) api.View {
	return api.View{Flat: true, Shards: []api.Shard{c.shard("", members)}}
}

// Shards is a view of shards in the form of operators. A shard has the same name in every
// view, by its place.
func (c *Cluster) Shards(shards ...[]int) api.View {
	var view api.View
	for i, members := range shards {
		view.Shards = append(view.Shards, c.shard(fmt.Sprintf("shard%d", i), members))
	}
	return view
}

func (c *Cluster) shard(name string, members []int) api.Shard {
	shard := api.Shard{Name: name}
	for _, i := range members {
		n := c.nodes[i]
		m := api.Member{ID: uint64(n.id), Address: n.http, Bus: n.bus}
		if n.proxy != nil {
			m.Bus = n.proxy.addr()
		}
		shard.Members = append(shard.Members, m)
	}
	return shard
}

// PutView puts the view of the given members to each of them, each when the one before has
// become ready. If a node does not become ready within its bound, PutView repeats the PUT, which
// is harmless. It fails when ctx ends.
func (c *Cluster) PutView(ctx context.Context, members ...int) error {
	c.keep(members, c.View(members...))
	for _, i := range members {
		if err := c.PutViewTo(ctx, i, members...); err != nil {
			return err
		}
	}
	return nil
}

// PutShards does the same with a view of shards, at all nodes: a node that is in no shard
// must hand its data over.
func (c *Cluster) PutShards(ctx context.Context, shards ...[]int) error {
	c.Keep(shards...)
	for i := range c.nodes {
		if !c.Process(i).Alive() {
			continue
		}
		if err := c.put(ctx, i, c.LastView()); err != nil {
			return err
		}
	}
	return nil
}

// PutViewAtOnce puts the view to all its members at the same time.
func (c *Cluster) PutViewAtOnce(ctx context.Context, members ...int) error {
	c.keep(members, c.View(members...))
	errs := make([]error, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		wg.Go(func() { errs[i] = c.PutViewTo(ctx, m, members...) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// PutViewTo puts a view to node i and waits until the node is ready for it.
func (c *Cluster) PutViewTo(ctx context.Context, i int, members ...int) error {
	return c.put(ctx, i, c.View(members...))
}

func (c *Cluster) put(ctx context.Context, i int, view api.View) error {
	reason := "no answer"
	for {
		answer, err := c.nodes[i].client.PutView(ctx, api.ViewRequest{View: view})
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("view %v to n%d: %w (%s)", idsOf(view), i, ctx.Err(), reason)
		case err != nil:
			return fmt.Errorf("view %v to n%d: %w", idsOf(view), i, err)
		case answer.Result == api.ViewUnready:
			reason = answer.Reason
		case answer.Result == api.ViewOvertaken:
			return fmt.Errorf("view %v to n%d: overtaken by view %d", idsOf(view), i, answer.Number)
		default:
			return nil
		}
	}
}

// idsOf returns the member ids of each shard.
func idsOf(view api.View) (all [][]uint64) {
	for _, shard := range view.Shards {
		var members []uint64
		for _, m := range shard.Members {
			members = append(members, m.ID)
		}
		all = append(all, members)
	}
	return all
}

// Keep records that another caller has put a view of shards.
func (c *Cluster) Keep(shards ...[]int) { c.keep(slices.Concat(shards...), c.Shards(shards...)) }

func (c *Cluster) keep(members []int, view api.View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.members, c.mu.view = slices.Clone(members), view
}

// Members returns the nodes of the view that was put last.
func (c *Cluster) Members() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.mu.members)
}

// LastView is the view that was put last.
func (c *Cluster) LastView() api.View {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.view
}
