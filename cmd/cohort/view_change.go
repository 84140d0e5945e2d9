package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cohortkv/cohort/api"
)

// changing are the flags of commands that change the current view.
type changing struct {
	To     string        `env:"COHORT_URL" default:"http://127.0.0.1:8081" placeholder:"URL" help:"The node whose view is changed (${default})."`
	Force  bool          `help:"Give up owed data that is unavailable."`
	Wait   time.Duration `default:"30s" help:"How long to keep trying until the node answers and is ready to serve the view. 0: ask once."`
	Access credentials   `embed:""`
}

type viewRemoveCmd struct {
	IDs []uint64 `arg:"" name:"id" help:"The nodes to remove."`
	changing
}

func (viewRemoveCmd) Help() string {
	return `Node 2 is dead, and the others continue without it:

    cohort view remove 2 --to http://10.0.0.1:8081

Stop a node that is removed while alive, or let it learn of the new view: it then answers 503.`
}

func (c viewRemoveCmd) Run(ctx context.Context, term terminal) error {
	return c.change(ctx, term, func(view *api.View) error {
		for _, id := range c.IDs {
			if !remove(view, id) {
				return fmt.Errorf("node %d is not in the view: %s", id, listed(view))
			}
		}
		if len(membersOf(view)) == 0 {
			return errors.New("no member would be left; to put the empty view: cohort view set --empty")
		}
		return nil
	})
}

type viewAddCmd struct {
	Members []memberArg `arg:"" name:"member" help:"[shard/]id=host:port[,bus=host:port]: a node, and the address at which other nodes reach its HTTP port."`
	changing
}

func (viewAddCmd) Help() string {
	return `Node 2 is back at its old address, without data:

    cohort view add 2=10.0.0.3:8081 --to http://10.0.0.1:8081

In a view with shards, name the shard: cohort view add b/4=10.0.0.5:8081`
}

func (c viewAddCmd) Run(ctx context.Context, term terminal) error {
	return c.change(ctx, term, func(view *api.View) error {
		if len(membersOf(view)) == 0 {
			return errors.New("the node has no view yet; put the first one: cohort view set")
		}
		for _, m := range c.Members {
			if err := add(view, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// change reads the current view of a node and puts the view that edit makes of it. The node
// offers no condition, so a view that another operator puts in between is overwritten. change
// warns if the number of the view says that there may be one.
func (c changing) change(ctx context.Context, term terminal, edit func(*api.View) error) error {
	before, err := c.inForce(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.To, err)
	}
	view := before.View
	if err := edit(&view); err != nil {
		return err
	}
	answer, err := putView(ctx, term, c.Access, c.To, api.ViewRequest{View: view, Force: c.Force}, time.Now().Add(c.Wait))
	if err != nil {
		return fmt.Errorf("%s: %w", c.To, err)
	}
	fmt.Fprintf(term.out, "%s: %s, view %d: %s\n", c.To, answer.Result, answer.Number, listed(&answer.View))
	if answer.Number > before.Number+1 {
		fmt.Fprintf(term.err, "warning: view %d was read and view %d is in force: another operator may have put a view in between, "+
			"which this command has overwritten; check the members\n", before.Number, answer.Number)
	}
	return nil
}

func (c changing) inForce(ctx context.Context) (api.ViewStatus, error) {
	node, err := c.Access.open(c.To)
	if err != nil {
		return api.ViewStatus{}, err
	}
	defer node.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status, err := node.ViewStatus(ctx)
	return status, answered(api.Read, err)
}

// remove takes a node out of a view. Its shard stays, even if empty.
func remove(view *api.View, id uint64) bool {
	for i := range view.Shards {
		s := &view.Shards[i]
		before := len(s.Members)
		s.Members = slices.DeleteFunc(s.Members, func(m api.Member) bool { return m.ID == id })
		if len(s.Members) < before {
			return true
		}
	}
	return false
}

func add(view *api.View, arg memberArg) error {
	for _, m := range membersOf(view) {
		if m.ID == arg.member.ID {
			return fmt.Errorf("node %d is in the view already, at %s; to change its address: cohort view set", m.ID, m.Address)
		}
	}
	if view.Flat != (arg.shard == "") {
		if view.Flat {
			return fmt.Errorf("the view has no shards; name the node %d=%s", arg.member.ID, arg.member.Address)
		}
		return fmt.Errorf("the view has shards; name one: SHARD/%d=%s", arg.member.ID, arg.member.Address)
	}
	i := slices.IndexFunc(view.Shards, func(s api.Shard) bool { return s.Name == arg.shard })
	if i < 0 {
		return fmt.Errorf("the view has no shard %s", printable(arg.shard))
	}
	view.Shards[i].Members = append(view.Shards[i].Members, arg.member)
	return nil
}

func membersOf(view *api.View) (all []api.Member) {
	for _, s := range view.Shards {
		all = append(all, s.Members...)
	}
	return all
}

// listed names the members of a view.
func listed(view *api.View) string {
	var ids []uint64
	for _, m := range membersOf(view) {
		ids = append(ids, m.ID)
	}
	if len(ids) == 0 {
		return "it has no members"
	}
	return nodes(ids)
}
