package scenario

import (
	"context"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
)

// Processes is a World and Mortal of processes on 127.0.0.1. Its networks cannot
// be cut.
type Processes struct {
	*cluster.Cluster // nil until Start
	config           cluster.Config
}

// NewProcesses prepares nodes as the configuration says; how many, Start says.
func NewProcesses(config cluster.Config) *Processes { return &Processes{config: config} }

// Start implements World.
func (p *Processes) Start(ctx context.Context, n int) (err error) {
	p.config.Nodes = n
	p.Cluster, err = cluster.Start(ctx, p.config)
	return err
}

// Member implements World.
func (p *Processes) Member(node int) api.Member { return p.View(node).Shards[0].Members[0] }
