package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

type viewCmd struct {
	Get viewGetCmd `cmd:"" help:"Print the current view of a node as JSON."`
	Set viewSetCmd `cmd:"" help:"Put a view: the list of nodes that form the cluster."`

	Add    viewAddCmd    `cmd:"" help:"Add nodes to the current view."`
	Remove viewRemoveCmd `cmd:"" help:"Remove nodes from the current view."`
}

type viewGetCmd struct{ target }

func (c viewGetCmd) Run(ctx context.Context, term terminal) error {
	return c.ask(ctx, func(ctx context.Context, node *client.Client) error {
		view, err := node.View(ctx)
		if err != nil {
			return err
		}
		return json.NewEncoder(term.out).Encode(api.ViewState{View: view})
	})
}

type viewSetCmd struct {
	Members []memberArg   `arg:"" optional:"" name:"member" help:"[shard/]id=host:port[,bus=host:port]: a node, and the address at which other nodes reach its HTTP port."`
	To      []string      `env:"COHORT_URL" default:"http://127.0.0.1:8081" placeholder:"URL" help:"The node to put the view to. Repeatable: the nodes get the view one after another (${default})."`
	Empty   bool          `help:"Put the empty view: the node then belongs to no cluster."`
	Force   bool          `help:"Put the view even if this loses data: give up owed data that is unavailable, and admit members of other clusters."`
	Wait    time.Duration `default:"30s" help:"How long to keep trying, in all, until the nodes answer and are ready to serve the view. 0: ask once."`
	Access  credentials   `embed:""`
}

func (viewSetCmd) Help() string {
	return `A view of three nodes, put to one of them:

    cohort view set 0=10.0.0.1:8081 1=10.0.0.2:8081 2=10.0.0.3:8081 --to http://10.0.0.1:8081

Two shards: cohort view set a/0=… a/1=… b/2=… b/3=…`
}

// Validate is called by kong.
func (c viewSetCmd) Validate() error {
	switch {
	case c.Empty && len(c.Members) > 0:
		return errors.New("--empty takes no members")
	case !c.Empty && len(c.Members) == 0:
		return errors.New("give the members, such as 0=127.0.0.1:8081, or --empty")
	}
	return nil
}

func (c viewSetCmd) Run(ctx context.Context, term terminal) error {
	request := api.ViewRequest{View: viewOf(c.Members), Force: c.Force}
	deadline := time.Now().Add(c.Wait)
	for _, to := range c.To {
		answer, err := putView(ctx, term, c.Access, to, request, deadline)
		if err != nil {
			return fmt.Errorf("%s: %w", to, err)
		}
		fmt.Fprintf(term.out, "%s: %s, view %d\n", to, answer.Result, answer.Number)
	}
	return nil
}

const (
	// retryPause is the time between two attempts. Each attempt asks the members again,
	// and so reaches nodes that start late.
	retryPause = 250 * time.Millisecond
	// minWait is the time in which a node can report how the members take a view. The
	// node waits 300 ms for members that do not answer.
	minWait = 500 * time.Millisecond
	// spare is the time for the request and its answer on the network.
	spare = 500 * time.Millisecond
)

// putView puts a view to one node, repeatedly until the node is ready or the deadline has
// passed, and prints warnings. The same view may be put any number of times.
func putView(ctx context.Context, term terminal, access credentials, to string, request api.ViewRequest, deadline time.Time) (api.ViewAnswer, error) {
	node, err := access.open(to)
	if err != nil {
		return api.ViewAnswer{}, err
	}
	defer node.Close()
	if err := checkLoss(ctx, node, request); err != nil {
		return api.ViewAnswer{}, err
	}
	for {
		limit := max(time.Until(deadline), minWait)
		trying, cancel := context.WithTimeout(ctx, limit+spare)
		answer, err := node.TellView(trying, request, limit.Round(time.Millisecond))
		cancel()
		if err == nil {
			err = unready(answer)
		}
		if err == nil || !worthAnotherTry(ctx, err) || !time.Now().Add(retryPause).Before(deadline) {
			explain(term, answer)
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, err
		case <-time.After(retryPause):
		}
	}
}

// checkLoss refuses a view that loses data, as far as the cluster knows, unless --force is
// set. If the check is not answered, putting the view shows the loss.
func checkLoss(ctx context.Context, node *client.Client, request api.ViewRequest) error {
	if request.Force {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, minWait+spare)
	defer cancel()
	check, err := node.CheckView(ctx, request)
	if err != nil || len(check.Warnings) == 0 {
		return nil
	}
	return fmt.Errorf("%s. Nothing was changed; to put the view anyway: --force", strings.Join(check.Warnings, ". "))
}

// explain prints the warnings of an answer, and the members that do not follow the view.
func explain(term terminal, answer api.ViewAnswer) {
	for _, w := range answer.Warnings {
		fmt.Fprintf(term.err, "warning: %s\n", w)
	}
	for _, m := range answer.Members {
		if m.State != api.MemberFollows {
			fmt.Fprintf(term.err, "node %d at %s: %s: %s\n", m.ID, m.Address, m.State, m.Reason)
		}
	}
}

// unready turns an answer that is no success into an error.
func unready(answer api.ViewAnswer) error {
	switch answer.Result {
	case api.ViewReady, api.ViewNotServed:
		return nil
	case api.ViewOvertaken:
		return errors.New("another view has replaced it")
	}
	if answer.Reason == "" {
		return errNotReady
	}
	return fmt.Errorf("%w: %s", errNotReady, answer.Reason)
}

var errNotReady = errors.New("the node holds the view but is not ready yet; it continues in the background")

// worthAnotherTry reports that a later attempt may succeed. Refusals are final.
func worthAnotherTry(ctx context.Context, err error) bool {
	var status *client.StatusError
	refused := errors.As(err, &status) && status.Status != http.StatusServiceUnavailable
	return errors.Is(err, errNotReady) || !refused && ctx.Err() == nil
}
