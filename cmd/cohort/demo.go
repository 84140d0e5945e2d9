package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"text/template"
	"time"

	"github.com/cohortkv/cohort/api"
)

type demoCmd struct {
	Nodes int  `default:"3" help:"How many nodes to run."`
	Port  *int `placeholder:"N" help:"HTTP port of the first node; the others have the next ones, each bus its HTTP port + 1000; the network between them is cut on the port after the last. 0: any free ports. Without it: 8081, or any free ports when one of those is taken."`
}

func (demoCmd) Help() string {
	return `The nodes are real ones: each has its own HTTP port and bus on 127.0.0.1. Nothing is kept; Ctrl-C ends it. The network between them can be cut: what it prints says how, and what happens then.`
}

// Validate is called by kong.
func (c demoCmd) Validate() error {
	if c.Nodes < 1 || c.Nodes > api.MaxMembers {
		return fmt.Errorf("--nodes %d is not between 1 and %d", c.Nodes, api.MaxMembers)
	}
	if most := 65535 - api.BusPortOffset - c.Nodes; c.Port != nil && (*c.Port < 0 || *c.Port > most) {
		return fmt.Errorf("--port %d is not between 0 and %d", *c.Port, most)
	}
	return nil
}

// usualPort is where the README's lines find the demo.
const usualPort = 8081

// firstPort is the port of the first node; 0: any free ones.
func (c demoCmd) firstPort() int {
	if c.Port != nil {
		return *c.Port
	}
	for i := range c.Nodes + 1 {
		if !free(usualPort+i) || i < c.Nodes && !free(usualPort+api.BusPortOffset+i) {
			return 0
		}
	}
	return usualPort
}

func free(port int) bool {
	ln, err := net.Listen("tcp", loopback(port))
	return err == nil && ln.Close() == nil
}

// demoPatience is how long the nodes may take to become a cluster.
const demoPatience = 20 * time.Second

func (c demoCmd) Run(ctx context.Context, term terminal) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	between := &network{nodes: c.Nodes}
	first := c.firstPort()
	control, err := net.Listen("tcp", loopback(after(first, c.Nodes)))
	if err != nil {
		return err
	}
	log, writer := openLog(term.err, "text", slog.LevelWarn)
	defer writer.Close()
	members, err := c.seats(first, between, log)
	ended := make(chan error, len(members)+1)
	var running sync.WaitGroup
	for _, m := range members {
		running.Go(func() { ended <- m.run(ctx) })
	}
	running.Go(func() { ended <- between.serve(ctx, control) })
	defer running.Wait()
	defer stop()
	if err != nil {
		return err
	}
	if err := form(ctx, members); err != nil {
		if ctx.Err() != nil {
			return nil // Ctrl-C came first
		}
		return err
	}
	if err := introduce(term.out, members, control.Addr().String()); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return errors.Join(errors.New("a node has ended"), err)
	}
}

// seats assembles the nodes. With an error come those that were assembled before
// it.
func (c demoCmd) seats(first int, between *network, log *slog.Logger) (members []*member, err error) {
	for id := range c.Nodes {
		m, err := nodeSettings{
			id: uint64(id), http: loopback(after(first, id)), bus: loopback(after(first, id+api.BusPortOffset)), cluster: "demo",
			defaultBucket: api.BucketStrong, log: log.With("node", id), network: between,
		}.assemble()
		if err != nil {
			return members, err
		}
		members = append(members, m)
	}
	return members, nil
}

// after is the n-th port after the first; 0 stays any free one.
func after(first, n int) int {
	if first == 0 {
		return 0
	}
	return first + n
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// form puts the view of all nodes to each.
func form(ctx context.Context, members []*member) error {
	var shard api.Shard
	for _, m := range members {
		shard.Members = append(shard.Members, api.Member{ID: m.id, Address: m.http, Bus: m.bus})
	}
	request := api.ViewRequest{View: api.View{Flat: true, Shards: []api.Shard{shard}}}
	for _, m := range members {
		if _, err := putView(ctx, terminal{out: io.Discard, err: io.Discard}, credentials{}, m.http, request, time.Now().Add(demoPatience)); err != nil {
			return fmt.Errorf("node %d: %w", m.id, err)
		}
	}
	return nil
}

var introduction = template.Must(template.New("demo").Parse(
	`{{.Count}} up, one cluster; every node answers for all of it:
{{range .Nodes}}
    http://{{.}}{{end}}

Lines to paste, in another terminal:

    # write through one node, read through another
    curl -X PUT http://{{.First}}/data/hello -d '{"value":"world"}'
    curl -i http://{{.Last}}/data/hello

    # the same key as raw bytes, with its ETag; and a write that happens only if the key is new
    curl -i http://{{.First}}/v1/kv/strong/hello
    curl -i -X PUT http://{{.Last}}/v1/kv/strong/hello -H 'If-None-Match: *' --data-binary 'too late'

    # what is there, and who is who
    curl http://{{.Last}}/data
    curl http://{{.Last}}/v1/cluster

    curl -X DELETE http://{{.First}}/data/hello
{{if .Cut}}
Both models side by side, and what a partition does to each. Node {{.Cut}} is cut off:

    curl -X POST http://{{.Control}}/cut/{{.Cut}}

    # strong: nothing is acknowledged that a member does not have, nothing is read that may be stale
    curl -i -X PUT 'http://{{.First}}/v1/kv/strong/k?timeout=1s' --data-binary 'new'
    curl -i 'http://{{.Last}}/v1/kv/strong/k?timeout=1s'

    # causal: both sides go on, each by itself
    curl -i -X PUT http://{{.First}}/v1/kv/causal/k --data-binary 'here' -D seen-here.txt
    curl -i -X PUT http://{{.Last}}/v1/kv/causal/k --data-binary 'there'
    curl http://{{.First}}/v1/kv/causal/k
    curl http://{{.Last}}/v1/kv/causal/k

    # and nobody is shown less than they have seen: who comes from there to here waits
    curl -i 'http://{{.Last}}/v1/kv/causal/k?timeout=1s' -H "$(grep Cohort-Session seen-here.txt | tr -d '\r')"

    # healed: that wait ends, both sides agree on one of the two values, and strong writes go through
    curl -X POST http://{{.Control}}/heal
    curl 'http://{{.Last}}/v1/kv/causal/k?timeout=5s' -H "$(grep Cohort-Session seen-here.txt | tr -d '\r')"
    curl -i -X PUT 'http://{{.Last}}/v1/kv/strong/k?timeout=5s' --data-binary 'new'
{{end}}
Ctrl-C ends it, and nothing is kept.
`))

// introduce prints where the nodes are and what to try.
func introduce(out io.Writer, members []*member, control string) error {
	var nodes []string
	for _, m := range members {
		nodes = append(nodes, m.http)
	}
	count := fmt.Sprintf("%d nodes are", len(nodes))
	if len(nodes) == 1 {
		count = "1 node is"
	}
	return introduction.Execute(out, map[string]any{
		"Count": count, "Nodes": nodes, "First": nodes[0], "Last": nodes[len(nodes)-1],
		"Control": control, "Cut": len(nodes) - 1, // 0: a node alone cannot be cut off
	})
}
