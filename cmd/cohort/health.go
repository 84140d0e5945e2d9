package main

import (
	"context"
	"fmt"

	"github.com/cohortkv/cohort/client"
)

type healthCmd struct {
	Ready bool   `help:"Also check whether the node is ready for requests."`
	Model string `enum:"strong,causal,any" default:"any" help:"With --ready: the model to check, strong or causal. any: requests of any kind, views included."`
	target
}

func (healthCmd) Help() string {
	return `Exit status 0: the node is alive and, with --ready, ready for requests. 1: otherwise; the reason is printed.`
}

func (h healthCmd) Run(ctx context.Context, term terminal) error {
	return h.ask(ctx, func(ctx context.Context, node *client.Client) error {
		if err := h.probe(ctx, node); err != nil {
			return failure{exitFailed, err} // the only failure that all health checks know
		}
		fmt.Fprintln(term.out, "ok")
		return nil
	})
}

func (h healthCmd) probe(ctx context.Context, node *client.Client) error {
	switch {
	case !h.Ready:
		return node.Live(ctx)
	case h.Model == "any":
		return node.Ready(ctx, "")
	}
	return node.Ready(ctx, h.Model)
}
