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

// cuts holds the directions that are cut now. All proxies of a cluster ask it, from any
// goroutine.
type cuts struct {
	mu struct {
		sync.Mutex
		healed map[direction]chan struct{} // by cut direction: closed when it heals
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

// blocked returns nil if all the directions are open. Otherwise it returns a channel that
// is closed when one of the cut directions heals.
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

// wait returns when all the directions are open at once. If ctx ends before, it returns
// ctx's error.
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

// Cut stops everything that node from sends to node to over the bus, and nothing else:
// messages of to still arrive. The sender gets no error, as if a network cable had been
// pulled (see proxy). The cluster must have been started with Cuts.
func (c *Cluster) Cut(from, to int) error { return c.changeDirection(from, to, c.cuts.cut) }

// Heal ends a cut. Bytes that were under way when the cut began arrive now, late, unless
// one of the two nodes has closed its connection.
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
