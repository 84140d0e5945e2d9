// Package cluster runs real nodes as child processes, on free ports of 127.0.0.1. It is for
// the benchmark, and for tests that need sockets, signals and a kernel instead of a
// simulator. Nodes can be killed, paused, restarted, and cut off from one another
// (cuts.go).
//
// No node is left when Close returns, nor when this process dies before that.
//
// A node is named by its index, which is also its id. Any goroutine may call Close, CPU and
// the methods of one node. Only one goroutine at a time may put views.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/ports"
	"github.com/cohortkv/cohort/client"
)

// Config says what to run. Binary, Nodes and Dir are required.
type Config struct {
	Binary   string   // a cohort binary; see Build
	Nodes    int      // how many
	Dir      string   // folder of the nodes' logs: n0.log, n1.log, …
	Name     string   // --cluster
	Bucket   string   // --default-bucket
	LogLevel string   // --log-level
	Secret   string   // the nodes encrypt their bus with it; empty: they do not
	Extra    []string // further arguments of every node
	// Durability of nodes that keep their data in folders of Dir, so that a restarted node has it
	// again; empty or memory: they keep nothing.
	Durability string
	Cuts       bool // connect the buses through proxies that can be cut; these cost some time and processor
}

// Default is a cluster of three strong nodes, without a binary and a directory.
func Default() Config {
	return Config{Nodes: 3, Name: "bench", Bucket: api.BucketStrong, LogLevel: "info"}
}

// startTime bounds the time until a node answers /ping. It ends a hopeless wait; it
// measures nothing.
const startTime = 20 * time.Second

// Cluster is a set of nodes. They have no view until one is put.
type Cluster struct {
	config Config
	ports  *ports.Reserved
	nodes  []*node
	cuts   *cuts
	mu     struct {
		sync.Mutex
		members []int    // of the view that was put last
		view    api.View // the view that was put last
	}
}

type node struct {
	id        int
	http, bus string
	client    *client.Client
	proxy     *proxy // in front of bus; nil if the bus cannot be cut
	mu        struct {
		sync.Mutex
		process   *Process
		cpuBefore time.Duration // processor time of the earlier processes of this node
		closed    bool
	}
}

// Build compiles this module's cohort command into dir and returns its path. It
// must be called from inside the module.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "cohort")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/cohortkv/cohort/cmd/cohort")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build cohort: %w\n%s", err, out)
	}
	return path, nil
}

// Start starts the nodes and waits until each answers /ping. They have no view.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	if config.Binary == "" || config.Nodes < 1 || config.Dir == "" {
		return nil, fmt.Errorf("cluster: binary %q, nodes %d and dir %q are required", config.Binary, config.Nodes, config.Dir)
	}
	reserved, err := ports.Reserve(2 * config.Nodes)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	c := &Cluster{config: config, ports: reserved, cuts: newCuts()}
	if config.Secret != "" {
		if err := os.WriteFile(c.secretFile(), []byte(config.Secret), 0o600); err != nil {
			return nil, errors.Join(fmt.Errorf("cluster: %w", err), c.Close())
		}
	}
	for i := range config.Nodes {
		if err := c.add(i, reserved.Addrs()[2*i], reserved.Addrs()[2*i+1]); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	if err := c.startProxies(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	for i := range c.nodes {
		if err := c.WaitUp(ctx, i); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// add makes node i and starts it.
func (c *Cluster) add(i int, http, bus string) (err error) {
	n := &node{id: i, http: http, bus: bus}
	if n.client, err = client.New(http, nil); err != nil {
		return err
	}
	c.nodes = append(c.nodes, n)
	return c.launch(n)
}

// startProxies starts the proxies that can be cut, if the configuration asks for them.
func (c *Cluster) startProxies() (err error) {
	if !c.config.Cuts {
		return nil
	}
	for _, n := range c.nodes {
		if n.proxy, err = newProxy(n.id, n.bus, c.cuts, c.caller); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) launch(n *node) error {
	args := []string{"serve", "--id", strconv.Itoa(n.id), "--http", n.http, "--bus", n.bus, "--default-bucket", c.config.Bucket,
		"--cluster", c.config.Name, "--log-level", c.config.LogLevel, "--log-format", "text"}
	if c.config.Secret != "" {
		args = append(args, "--secret-file", c.secretFile())
	}
	if c.config.Durability != "" && c.config.Durability != "memory" {
		args = append(args, "--data-dir", filepath.Join(c.config.Dir, fmt.Sprintf("n%d.data", n.id)), "--durability", c.config.Durability)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mu.closed {
		return fmt.Errorf("launch n%d: the cluster is closed", n.id)
	}
	p, err := Launch(fmt.Sprintf("n%d", n.id), c.LogFile(n.id), c.config.Binary, append(args, c.config.Extra...)...)
	if err != nil {
		return err
	}
	n.mu.process = p
	return nil
}

// WaitUp waits until node i answers /ping.
func (c *Cluster) WaitUp(ctx context.Context, i int) error {
	return WaitUp(ctx, c.nodes[i].client, c.Process(i))
}

// WaitUp waits until a process answers /ping. It fails if the process ends before.
func WaitUp(ctx context.Context, server *client.Client, p *Process) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		err := server.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended (%v) before it answered; the end of %s:\n%s", p.Name, p.cmd.ProcessState, p.log, p.lastOutput())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", p.Name, errors.Join(ctx.Err(), err))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Size is the number of nodes, dead ones included.
func (c *Cluster) Size() int { return len(c.nodes) }

// URL is the base URL of node i.
func (c *Cluster) URL(i int) string { return "http://" + c.nodes[i].http }

// URLs lists the base URLs of some nodes.
func (c *Cluster) URLs(nodes ...int) []string {
	urls := make([]string, len(nodes))
	for i, n := range nodes {
		urls[i] = c.URL(n)
	}
	return urls
}

// Client speaks to node i.
func (c *Cluster) Client(i int) *client.Client { return c.nodes[i].client }

func (c *Cluster) secretFile() string { return filepath.Join(c.config.Dir, "secret") }

// LogFile is the path of node i's output.
func (c *Cluster) LogFile(i int) string {
	return filepath.Join(c.config.Dir, fmt.Sprintf("n%d.log", i))
}

// Process is the present process of node i, or its last one.
func (c *Cluster) Process(i int) *Process {
	n := c.nodes[i]
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mu.process
}

// All lists the indexes of all nodes.
func (c *Cluster) All() []int {
	all := make([]int, len(c.nodes))
	for i := range all {
		all[i] = i
	}
	return all
}

// Kill ends node i with SIGKILL.
func (c *Cluster) Kill(i int) error { return c.Process(i).Kill() }

// Pause stops node i with SIGSTOP. It returns when no thread of the node runs.
func (c *Cluster) Pause(i int) error { return c.Process(i).Pause() }

// Resume lets node i go on.
func (c *Cluster) Resume(i int) error { return c.Process(i).Resume() }

// Restart starts node i again, on its old ports, after it has ended, and waits
// until it answers /ping.
func (c *Cluster) Restart(ctx context.Context, i int) error {
	n := c.nodes[i]
	if old := c.Process(i); old.Alive() {
		return fmt.Errorf("restart n%d: it has not ended", i)
	} else if spent, err := old.CPU(); err == nil {
		n.mu.Lock()
		n.mu.cpuBefore += spent
		n.mu.Unlock()
	}
	if err := c.launch(n); err != nil {
		return err
	}
	return c.WaitUp(ctx, i)
}

// CPU is the processor time that all processes of all nodes have used.
func (c *Cluster) CPU() (time.Duration, error) {
	var sum time.Duration
	for i, n := range c.nodes {
		spent, err := c.Process(i).CPU()
		if err != nil {
			return 0, err
		}
		n.mu.Lock()
		sum += n.mu.cpuBefore + spent
		n.mu.Unlock()
	}
	return sum, nil
}

// Close kills all nodes and waits for their ends. It may be called twice.
func (c *Cluster) Close() error {
	var errs []error
	for _, n := range slices.Backward(c.nodes) {
		n.mu.Lock()
		n.mu.closed = true
		p := n.mu.process
		n.mu.Unlock()
		if p != nil {
			errs = append(errs, p.Kill())
		}
		n.client.Close()
		if n.proxy != nil {
			n.proxy.close()
		}
	}
	return errors.Join(append(errs, c.ports.Close())...)
}
