package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cohortkv/cohort/api"
)

type statusCmd struct {
	To      string        `env:"COHORT_URL" default:"http://127.0.0.1:8081" placeholder:"URL" help:"The node whose view is shown (${default})."`
	Timeout time.Duration `default:"2s" help:"How long to wait for each node."`
	Watch   bool          `short:"w" help:"Repeat every two seconds until Ctrl-C."`
	JSON    bool          `name:"json" help:"Print JSON; with --watch, one line each time."`
	Access  credentials   `embed:""`
}

func (statusCmd) Help() string {
	return `The command asks the node, and then all members of its view in parallel, at their addresses in the view. docs/operations.md explains each line and its remedy.

Exit status 0: all members answer, no member is waited for, and all members hold the data that they own. 1: otherwise; the problems are printed. 7: the node does not answer.`
}

// refreshEvery is the interval of --watch.
const refreshEvery = 2 * time.Second

func (c statusCmd) Run(ctx context.Context, term terminal) error {
	screen := isTerminal(term)
	for {
		now, err := c.look(ctx)
		if ctx.Err() != nil {
			return nil // Ctrl-C ends --watch
		}
		if err != nil && !c.Watch {
			return err
		}
		c.print(term, now, err, screen)
		if !c.Watch {
			if len(now.Problems) > 0 {
				return exitStatus(exitFailed)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(refreshEvery):
		}
	}
}

func isTerminal(term terminal) bool {
	file, ok := term.out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// print shows a picture. With --watch, a screen is cleared before each picture.
func (c statusCmd) print(term terminal, now *picture, err error, screen bool) {
	if screen && c.Watch && !c.JSON {
		fmt.Fprint(term.out, "\x1b[H\x1b[2J")
	}
	switch {
	case err != nil:
		fmt.Fprintf(term.err, "cohort: %v\n", err)
	case c.JSON:
		_ = json.NewEncoder(term.out).Encode(now) // a picture can always be encoded
	default:
		now.show(term.out, screen)
	}
	if c.Watch && !screen && !c.JSON {
		fmt.Fprintln(term.out)
	}
}

// picture is a cluster as its members show it at one time.
type picture struct {
	Well     bool     `json:"well"`
	Problems []string `json:"problems"`
	Asked    uint64   `json:"asked"`  // the node whose view this is
	Number   uint64   `json:"number"` // of that view
	Nodes    []seen   `json:"nodes"`  // its members by id, and the node that was asked, if it is no member
}

// seen is one node of a picture.
type seen struct {
	ID      uint64       `json:"id"`
	Shard   string       `json:"shard,omitempty"`
	Address string       `json:"address"`
	Member  bool         `json:"member"`          // of the view
	Error   string       `json:"error,omitempty"` // why the node did not answer
	Shows   *api.Cluster `json:"shows"`           // null: no answer
}

// look asks a node, and then the other members of its view at once.
func (c statusCmd) look(ctx context.Context) (*picture, error) {
	asked, err := c.cluster(ctx, c.To)
	if err != nil {
		return nil, answered(api.Read, err)
	}
	p := &picture{Asked: asked.Node, Number: asked.Number}
	for _, shard := range asked.View.Shards {
		for _, m := range shard.Members {
			p.Nodes = append(p.Nodes, seen{ID: m.ID, Shard: shard.Name, Address: m.Address, Member: true})
		}
	}
	if !slices.ContainsFunc(p.Nodes, func(s seen) bool { return s.ID == asked.Node }) {
		p.Nodes = append(p.Nodes, seen{ID: asked.Node, Address: c.To})
	}
	slices.SortStableFunc(p.Nodes, func(a, b seen) int { return cmp.Compare(a.ID, b.ID) })
	var asking sync.WaitGroup
	for i := range p.Nodes {
		if s := &p.Nodes[i]; s.ID == asked.Node {
			s.Shows = asked
		} else {
			asking.Go(func() { c.ask(ctx, s) })
		}
	}
	asking.Wait()
	p.Problems = p.problems()
	p.Well = len(p.Problems) == 0
	return p, nil
}

// ask asks a member at its address, by the protocol of the first node (http or https).
func (c statusCmd) ask(ctx context.Context, s *seen) {
	scheme := "http://"
	if strings.HasPrefix(c.To, "https://") {
		scheme = "https://"
	}
	shows, err := c.cluster(ctx, scheme+s.Address)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		s.Error = fmt.Sprintf("timeout after %v", c.Timeout)
	case err != nil:
		s.Error = lastOf(err)
	case shows.Node != s.ID:
		s.Error = fmt.Sprintf("node %d answers at %s", shows.Node, s.Address)
	default:
		s.Shows = shows
	}
}

func (c statusCmd) cluster(ctx context.Context, url string) (*api.Cluster, error) {
	node, err := c.Access.open(url)
	if err != nil {
		return nil, err
	}
	defer node.Close()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	shows, err := node.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	return &shows, nil
}

// lastOf is the end of an error's text: the cause, without the operation.
func lastOf(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// problems lists the problems. A problem of several nodes is listed once.
func (p *picture) problems() []string {
	list := []string{}
	var found []wrong
	by := map[string][]uint64{}
	for i := range p.Nodes {
		s := &p.Nodes[i]
		if s.Shows == nil {
			list = append(list, fmt.Sprintf("node %d at %s does not answer: %s", s.ID, s.Address, s.Error))
			continue
		}
		for _, w := range s.wrong(p.Number) {
			if by[w.key] == nil {
				found = append(found, w)
			}
			by[w.key] = append(by[w.key], s.ID)
		}
	}
	for _, w := range found {
		list = append(list, nodes(by[w.key])+": "+w.text)
	}
	return list
}

// wrong is a problem of a node. Problems with the same key are the same.
type wrong struct{ key, text string }

func (s *seen) wrong(number uint64) (all []wrong) {
	c := s.Shows
	add := func(key, text string) { all = append(all, wrong{key, text}) }
	if c.Number != number {
		add(fmt.Sprintf("view %d", c.Number), fmt.Sprintf("holds view %d, not %d", c.Number, number))
	}
	if c.Bus != "" {
		add("bus "+c.Bus, "no bus: "+c.Bus)
	}
	if !c.Serving {
		var waited []string
		for _, w := range c.Waiting {
			waited = append(waited, fmt.Sprint(w.Node, w.Why))
		}
		add("strong "+strings.Join(waited, ",")+reasonKey(c), "strong: "+c.Reason)
	}
	if !c.Causal.Ready && s.Member {
		add("causal "+c.Causal.Reason, "causal: "+c.Causal.Reason)
	}
	if len(c.Causal.Waiting) > 0 {
		o := api.Outage{Shards: c.Causal.Waiting}
		var shards []string
		for _, w := range c.Causal.Waiting {
			shards = append(shards, w.Shard)
		}
		add("shards "+strings.Join(shards, ","), "causal: "+o.CausalText())
	}
	return all
}

// reasonKey distinguishes reasons without waits. Reasons with waits hold seconds, which
// differ from node to node.
func reasonKey(c *api.Cluster) string {
	if len(c.Waiting) > 0 {
		return ""
	}
	return c.Reason
}

func nodes(ids []uint64) string {
	var names []string
	for _, id := range ids {
		names = append(names, fmt.Sprint(id))
	}
	if len(names) == 1 {
		return "node " + names[0]
	}
	return "nodes " + strings.Join(names, ", ")
}
