package containers

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/cohortkv/cohort/benchmark/ports"
)

// nodePort is the port on which a container serves HTTP.
const nodePort = 8081

// Node is one container. It stays on the engine's default bridge, where all nodes could
// always reach one another. Views name only addresses on the lab's networks.
type Node struct {
	ID        int // its id, and its index in the world
	name      string
	published string // the address on 127.0.0.1 for clients
}

// URL is the address at which clients on this machine reach the node, partitioned or not.
func (n *Node) URL() string { return "http://" + n.published }

// Node starts a container with its settings in the environment: an id, a port, and which model /data
// speaks if it is not the usual one.
func (l *Lab) Node(ctx context.Context, id int, bucket string) (*Node, error) {
	reserved, err := ports.Reserve(1)
	if err != nil {
		return nil, err
	}
	l.ports = append(l.ports, reserved)
	n := &Node{ID: id, name: fmt.Sprintf("%s-node%d", l.name, id), published: reserved.Addrs()[0]}
	l.containers = append(l.containers, n.name)
	args := []string{"run", "--detach", "--name", n.name, "--env", "NODE_IDENTIFIER=" + strconv.Itoa(id)}
	if bucket != "" {
		args = append(args, "--env", "COHORT_DEFAULT_BUCKET="+bucket)
	}
	_, err = docker(ctx, append(args, "--publish", fmt.Sprintf("%s:%d", n.published, nodePort), l.image)...)
	return n, err
}

// Connect puts the node on a network under the address of a host number.
func (n *Node) Connect(ctx context.Context, network *Network, host int) error {
	_, err := docker(ctx, "network", "connect", "--ip", network.ip(host), network.name, n.name)
	return err
}

// InnerIP is the node's address on the default bridge, until it is started again.
func (n *Node) InnerIP(ctx context.Context) (string, error) {
	return docker(ctx, "inspect", "--format", "{{.NetworkSettings.Networks.bridge.IPAddress}}", n.name)
}

// Signal runs a docker command whose only argument is a container: start, kill, pause,
// unpause.
func (n *Node) Signal(ctx context.Context, verb string) error {
	_, err := docker(ctx, verb, n.name)
	return err
}

// Disconnect removes the node's interface on a network. Connections over it freeze without
// a reset.
func (n *Node) Disconnect(ctx context.Context, network *Network) error {
	_, err := docker(ctx, "network", "disconnect", network.name, n.name)
	return err
}

// Stop sends SIGTERM and returns the exit status. After patience seconds the engine kills
// the node.
func (n *Node) Stop(ctx context.Context, patience int) (status string, err error) {
	if _, err := docker(ctx, "stop", "--time", strconv.Itoa(patience), n.name); err != nil {
		return "", err
	}
	return docker(ctx, "wait", n.name)
}

// Logs returns what the node has written so far.
func (n *Node) Logs(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, "docker", "logs", n.name).CombinedOutput()
	return string(text), err
}
