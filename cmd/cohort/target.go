package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cohortkv/cohort/client"
)

// target is the node that a client command asks.
type target struct {
	To      string        `env:"COHORT_URL" default:"http://127.0.0.1:8081" placeholder:"URL" help:"The node to ask (${default})."`
	Timeout time.Duration `default:"10s" help:"How long to wait for the answer. During a partition, nodes hold requests that they cannot decide."`
	Access  credentials   `embed:""`
}

// ask calls f with a client of the node. The context of f ends with the timeout.
func (t target) ask(ctx context.Context, f func(context.Context, *client.Client) error) error {
	node, err := t.Access.open(t.To)
	if err != nil {
		return err
	}
	defer node.Close()
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	err = f(ctx, node)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("no answer from %s within %v: %w", t.To, t.Timeout, err)
}
