package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

type nodeCmd struct {
	Forget nodeForgetCmd `cmd:"" help:"Say that a node is gone for good, with what only it had of causal buckets."`
}

type nodeForgetCmd struct {
	ID   uint64 `arg:"" name:"id" help:"The node that will not come back."`
	JSON bool   `name:"json" help:"Print the answer as JSON."`
	target
}

func (nodeForgetCmd) Help() string {
	return `Node 2 has died and will not come back with its data. Take it out of the view first:

    cohort view remove 2 --to http://10.0.0.1:8081
    cohort node forget 2 --to http://10.0.0.1:8081

Any member may be told; it tells the others. What only node 2 had of causal buckets is lost then: reads and lists that wait for it go on, and show what is left. Strong buckets are not concerned. A node that is forgotten and comes back all the same may be added to the view again; what it still has is taken in.

` + exitHelp
}

func (c nodeForgetCmd) Run(ctx context.Context, term terminal) error {
	return c.ask(ctx, func(ctx context.Context, node *client.Client) error {
		answer, err := node.ForgetNode(ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(term.out).Encode(answer)
		}
		fmt.Fprintln(term.out, forgotten(&answer))
		return nil
	})
}

// forgotten says what became of a node that was to be forgotten.
func forgotten(a *api.Forgotten) string {
	if !a.Done {
		return fmt.Sprintf("node %d is forgotten as soon as these members have said what they have: %s. That goes on by itself; to see how it went, ask again.",
			a.Node, strings.Trim(fmt.Sprint(a.Waiting), "[]"))
	}
	return fmt.Sprintf("node %d is forgotten: %d versions in %d slots are lost that requests here waited for", a.Node, a.Versions, a.Slots)
}
