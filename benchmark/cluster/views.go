package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cohortkv/cohort/api"
)

// View is the list of the given nodes as operators write it. The bus ports are
// free ports too, so every entry names its own.
func (c *Cluster) View(members ...int) api.View {
	shard := api.Shard{}
	for _, i := range members {
		n := c.nodes[i]
		m := api.Member{ID: uint64(n.id), Address: n.http, Bus: n.bus}
		if n.cable != nil {
			m.Bus = n.cable.addr()
		}
		shard.Members = append(shard.Members, m)
	}
	return api.View{Flat: true, Shards: []api.Shard{shard}}
}

// PutView puts the view of the given members to each of them, the next when the
// one before is ready, and repeats it, which is harmless, at a node that has
// not become ready within its bound. It ends with an error when ctx does.
func (c *Cluster) PutView(ctx context.Context, members ...int) error {
	c.view = slices.Clone(members)
	for _, i := range members {
		if err := c.PutViewTo(ctx, i, members...); err != nil {
			return err
		}
	}
	return nil
}

// PutViewAtOnce puts the view to all its members at the same time.
func (c *Cluster) PutViewAtOnce(ctx context.Context, members ...int) error {
	c.view = slices.Clone(members)
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
	reason := "no answer"
	for {
		answer, err := c.nodes[i].client.PutView(ctx, api.ViewRequest{View: c.View(members...)})
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("view %v to n%d: %w (%s)", members, i, ctx.Err(), reason)
		case err != nil:
			return fmt.Errorf("view %v to n%d: %w", members, i, err)
		case answer.Result == api.ViewUnready:
			reason = answer.Reason
		case answer.Result == api.ViewOvertaken:
			return fmt.Errorf("view %v to n%d: overtaken by view %d", members, i, answer.Number)
		default:
			return nil
		}
	}
}

// Members lists the nodes of the view that was put last.
func (c *Cluster) Members() []int { return slices.Clone(c.view) }
