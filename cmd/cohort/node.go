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
	Forget nodeForgetCmd `cmd:"" help:"Declare a node gone for good, with the causal data that only this node had."`
}

type nodeForgetCmd struct {
	ID   uint64 `arg:"" name:"id" help:"The node that will not come back."`
	JSON bool   `name:"json" help:"Print the answer as JSON."`
	target
}

func (nodeForgetCmd) Help() string {
	return `Node 2 has died and will not come back with its data. Remove it from the view first:

    cohort view remove 2 --to http://10.0.0.1:8081
    cohort node forget 2 --to http://10.0.0.1:8081

Any member takes the command and tells the others. The data of causal buckets that only node 2 had is then lost. Reads and lists that wait for this data continue with the data that is left. Strong buckets are not affected. A forgotten node that does come back may be added to the view again; the data that it still has is merged.

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

// forgotten is the result of the command as text.
func forgotten(a *api.Forgotten) string {
	if !a.Done {
		return fmt.Sprintf("node %d will be forgotten when these members have reported their data: %s. This continues in the background; repeat the command to see the result.",
			a.Node, strings.Trim(fmt.Sprint(a.Waiting), "[]"))
	}
	return fmt.Sprintf("node %d is forgotten: %d versions in %d slots are lost; requests at this node waited for them", a.Node, a.Versions, a.Slots)
}
