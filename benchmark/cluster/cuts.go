package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// direction is one way between two nodes.
type direction struct{ from, to int }

// reverse is the opposite direction.
func (d direction) reverse() direction { return direction{d.to, d.from} }

// cuts says which directions are cut at the moment. All proxies of a cluster ask
// it, any number of goroutines at a time.
type cuts struct {
	mu struct {
		sync.Mutex
		healed map[direction]chan struct{} // of each cut one: closed by its heal
	}
}

func newCuts() *cuts {
	c := &cuts{}
	c.mu.healed = map[direction]chan struct{}{}
	return c
}

func (c *cuts) cut(d direction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.healed[d] == nil {
		c.mu.healed[d] = make(chan struct{})
	}
}

func (c *cuts) heal(d direction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if healed := c.mu.healed[d]; healed != nil {
		close(healed)
		delete(c.mu.healed, d)
	}
}

// blocked is nil if all the directions are open; otherwise it is closed when one
// of them heals that is not.
func (c *cuts) blocked(ways ...direction) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range ways {
		if healed := c.mu.healed[d]; healed != nil {
			return healed
		}
	}
	return nil
}

// wait returns when all the directions are open at once, or with ctx's error.
func (c *cuts) wait(ctx context.Context, ways ...direction) error {
	for {
		healed := c.blocked(ways...)
		if healed == nil {
			return ctx.Err()
		}
		select {
		case <-healed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Cut stops everything that node from sends to node to over the bus, and nothing
// else: what to sends still arrives. The sender gets no error, as when a
// network cable is pulled (see proxy). The cluster must have been started with Cuts.
func (c *Cluster) Cut(from, to int) error { return c.changeDirection(from, to, c.cuts.cut) }

// Heal lets what node from sends reach node to again. What was on its way when
// the cut came arrives then, late, unless one of the two has given its
// connection up.
func (c *Cluster) Heal(from, to int) error { return c.changeDirection(from, to, c.cuts.heal) }

// Isolate cuts node i from all others, both ways. Its clients still reach it.
func (c *Cluster) Isolate(i int) error {
	var errs []error
	for other := range c.nodes {
		if other != i {
			errs = append(errs, c.Cut(i, other), c.Cut(other, i))
		}
	}
	return errors.Join(errs...)
}

// HealAll ends all cuts.
func (c *Cluster) HealAll() error {
	var errs []error
	for from := range c.nodes {
		for to := range c.nodes {
			if from != to {
				errs = append(errs, c.Heal(from, to))
			}
		}
	}
	return errors.Join(errs...)
}

func (c *Cluster) changeDirection(from, to int, change func(direction)) error {
	switch n := len(c.nodes); {
	case !c.config.Cuts:
		return errors.New("cut: the cluster was started without proxies that can be cut")
	case from < 0 || from >= n || to < 0 || to >= n || from == to:
		return fmt.Errorf("cut: no way leads from n%d to n%d in a cluster of %d", from, to, n)
	}
	change(direction{from, to})
	return nil
}
