package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"text/template"
	"time"

	"github.com/cohortkv/cohort/api"
)

type demoCmd struct {
	Nodes   int    `default:"3" help:"Number of nodes to run."`
	Port    *int   `placeholder:"N" help:"HTTP port of the first node. The other nodes use the next ports, and the port after those takes the commands that cut the network. The bus of each node uses its HTTP port + 1000. 0: any free ports. Default: 8081, or any free ports if one of these is taken."`
	DataDir string `placeholder:"DIR" help:"Keep the data of the nodes in this directory. The next demo with as many nodes has it again."`
}

func (demoCmd) Help() string {
	return `Each node has its own HTTP port and bus on 127.0.0.1. Ctrl-C ends the demo; no data is kept, except with --data-dir. The network between the nodes can be cut: the demo prints the commands, and their effects.`
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

// usualPort is the port in the commands of the README.
const usualPort = 8081

// firstPort is the port of the first node; 0: any free port.
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

// demoPatience is how long the nodes may take to form a cluster.
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
	members, err := c.assemble(first, between, log)
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
			return nil // Ctrl-C
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
		return errors.Join(errors.New("a node has stopped"), err)
	}
}

// assemble makes the nodes. It returns an error together with the nodes that were
// assembled before it.
func (c demoCmd) assemble(first int, between *network, log *slog.Logger) (members []*member, err error) {
	for id := range c.Nodes {
		m, err := nodeSettings{
			id: uint64(id), data: c.data(id), http: loopback(after(first, id)), bus: loopback(after(first, id+api.BusPortOffset)), cluster: "demo",
			defaultBucket: api.BucketStrong, log: log.With("node", id), network: between,
		}.assemble()
		if err != nil {
			return members, err
		}
		members = append(members, m)
	}
	return members, nil
}

// data is where a node keeps its data.
func (c demoCmd) data(id int) dataSettings {
	if c.DataDir == "" {
		return dataSettings{}
	}
	return dataSettings{DataDir: filepath.Join(c.DataDir, fmt.Sprintf("node-%d", id))}
}

// after is the n-th port after the first. 0, for any free port, stays 0.
func after(first, n int) int {
	if first == 0 {
		return 0
	}
	return first + n
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// form puts the view of all nodes to each node.
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
	`{{.Count}} up, in one cluster. Every node serves all keys:
{{range .Nodes}}
    http://{{.}}{{end}}

Commands to paste into another terminal:

    # write through one node, read through another
    curl -X PUT http://{{.First}}/data/hello -d '{"value":"world"}'
    curl -i http://{{.Last}}/data/hello

    # the same key as raw bytes with its ETag, and a write that needs the key to be absent
    curl -i http://{{.First}}/v1/kv/strong/hello
    curl -i -X PUT http://{{.Last}}/v1/kv/strong/hello -H 'If-None-Match: *' --data-binary 'too late'

    # all keys, and the state of the cluster
    curl http://{{.Last}}/data
    curl http://{{.Last}}/v1/cluster

    curl -X DELETE http://{{.First}}/data/hello
{{if .Cut}}
Both models during a partition. Cut node {{.Cut}} off from the others:

    curl -X POST http://{{.Control}}/cut/{{.Cut}}

    # strong: a write waits for all members, and a node never answers a read with stale data
    curl -i -X PUT 'http://{{.First}}/v1/kv/strong/k?timeout=1s' --data-binary 'new'
    curl -i 'http://{{.Last}}/v1/kv/strong/k?timeout=1s'

    # causal: both sides accept writes and answer reads
    curl -i -X PUT http://{{.First}}/v1/kv/causal/k --data-binary 'here' -D seen-here.txt
    curl -i -X PUT http://{{.Last}}/v1/kv/causal/k --data-binary 'there'
    curl http://{{.First}}/v1/kv/causal/k
    curl http://{{.Last}}/v1/kv/causal/k

    # causal: a client has the first write in its session; its read waits for this write at node {{.Cut}}
    curl -i 'http://{{.Last}}/v1/kv/causal/k?timeout=1s' -H "$(grep Cohort-Session seen-here.txt | tr -d '\r')"

    # heal the network: that read succeeds, both sides converge to one value, and strong writes succeed
    curl -X POST http://{{.Control}}/heal
    curl 'http://{{.Last}}/v1/kv/causal/k?timeout=5s' -H "$(grep Cohort-Session seen-here.txt | tr -d '\r')"
    curl -i -X PUT 'http://{{.Last}}/v1/kv/strong/k?timeout=5s' --data-binary 'new'
{{end}}
Ctrl-C ends the demo; no data is kept.
`))

// introduce prints the addresses of the nodes and commands to try.
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
		"Control": control, "Cut": len(nodes) - 1, // 0: a single node cannot be cut off
	})
}
