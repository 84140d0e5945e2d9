package harness

import (
	"context"
	"errors"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
)

// Processes is a World of processes on 127.0.0.1. It is Killable, and Cuttable if the
// configuration has proxies. Addresses never change.
type Processes struct {
	*cluster.Cluster // nil until Start
	config           cluster.Config
	unplugged        map[int]bool
}

// NewProcesses returns a world with a configuration. Start sets the number of nodes.
func NewProcesses(config cluster.Config) *Processes {
	return &Processes{config: config, unplugged: map[int]bool{}}
}

// Start implements World.
func (p *Processes) Start(ctx context.Context, n int) (err error) {
	p.config.Nodes = n
	p.Cluster, err = cluster.Start(ctx, p.config)
	return err
}

// Unplug implements Cuttable.
func (p *Processes) Unplug(_ context.Context, node int) error {
	p.unplugged[node] = true
	return p.Isolate(node)
}

// Replug implements Cuttable. Links to nodes that are still cut off stay cut.
func (p *Processes) Replug(_ context.Context, node int) error {
	delete(p.unplugged, node)
	var errs []error
	for _, other := range p.All() {
		if other != node && !p.unplugged[other] {
			errs = append(errs, p.Heal(node, other), p.Heal(other, node))
		}
	}
	return errors.Join(errs...)
}

// Member implements World.
func (p *Processes) Member(node int) api.Member { return p.View(node).Shards[0].Members[0] }
