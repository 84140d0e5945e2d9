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
	Get viewGetCmd `cmd:"" help:"Print the view in force at a node, as JSON."`
	Set viewSetCmd `cmd:"" help:"Put a view: say which nodes form the cluster."`

	Add    viewAddCmd    `cmd:"" help:"Put the view in force with more nodes in it."`
	Remove viewRemoveCmd `cmd:"" help:"Put the view in force without some nodes: go on without them."`
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
	Members []memberArg   `arg:"" optional:"" name:"member" help:"[shard/]id=host:port[,bus=host:port]: a node and the address of its HTTP port, as the other nodes reach it."`
	To      []string      `env:"COHORT_URL" default:"http://127.0.0.1:8081" placeholder:"URL" help:"The node to tell; repeat it to tell several, one after another (${default})."`
	Empty   bool          `help:"Put the empty view: the node that is told belongs to no cluster any more."`
	Force   bool          `help:"Put the view although data is lost by it: give up what members owe and cannot be had, and take in members of other clusters."`
	Wait    time.Duration `default:"30s" help:"Keep trying until the nodes answer and are ready to serve the view, for so long altogether; 0: ask once, and take what the node says at once."`
	Access  credentials   `embed:""`
}

func (viewSetCmd) Help() string {
	return `Three nodes, each told by its own port:

    cohort view set 0=10.0.0.1:8081 1=10.0.0.2:8081 2=10.0.0.3:8081 --to http://10.0.0.1:8081

Two shards: cohort view set a/0=… a/1=… b/2=… b/3=…`
}

// Validate is called by kong.
func (c viewSetCmd) Validate() error {
	switch {
	case c.Empty && len(c.Members) > 0:
		return errors.New("--empty goes without members")
	case !c.Empty && len(c.Members) == 0:
		return errors.New("name the members, such as 0=127.0.0.1:8081, or say --empty")
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
	// retryPause is between two tries. Each asks the members again, so that a node
	// that starts late is met by the next one.
	retryPause = 250 * time.Millisecond
	// minWait is what a node needs to say how the members take a view: it waits 300 ms
	// for those that do not answer.
	minWait = 500 * time.Millisecond
	// spare is what the way of a request and its answer may take beside that.
	spare = 500 * time.Millisecond
)

// putView tells one node, again and again until it is ready or the deadline has come,
// and prints what the operator should know. The same view may be put any number of times.
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

// checkLoss refuses a view by which data is lost, as far as the cluster knows, unless the
// operator insists. What cannot be asked now is found out by putting the view.
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
	return fmt.Errorf("%s. Nothing was done; to put the view all the same: --force", strings.Join(check.Warnings, ". "))
}

// explain says what an operator should know of a view beside its result.
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

// unready turns an answer that the operator should not take for a success into
// an error.
func unready(answer api.ViewAnswer) error {
	switch answer.Result {
	case api.ViewReady, api.ViewNotServed:
		return nil
	case api.ViewOvertaken:
		return errors.New("another view has taken its place")
	}
	if answer.Reason == "" {
		return errNotReady
	}
	return fmt.Errorf("%w: %s", errNotReady, answer.Reason)
}

var errNotReady = errors.New("the node holds the view and is not ready yet; it goes on by itself")

// worthAnotherTry says no to refusals: they stay.
func worthAnotherTry(ctx context.Context, err error) bool {
	var status *client.StatusError
	refused := errors.As(err, &status) && status.Status != http.StatusServiceUnavailable
	return errors.Is(err, errNotReady) || !refused && ctx.Err() == nil
}
