package containers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/cohortkv/cohort/benchmark/ports"
)

// Lab makes nodes and networks and removes them. It is not safe for concurrent
// use, but labs may be used beside one another.
type Lab struct {
	name       string // unique; begins the name of everything in it
	image      string
	containers []string
	networks   []string
	ports      []*ports.Reserved
}

// NewLab returns an empty lab whose nodes run the image.
func NewLab(image string) *Lab {
	return &Lab{name: fmt.Sprintf("%s%d-%06x", namePrefix, os.Getpid(), rand.N(1<<24)), image: image}
}

// Name is unique among labs, on this machine and over time.
func (l *Lab) Name() string { return l.name }

// Close removes everything that the lab made.
func (l *Lab) Close(ctx context.Context) error {
	err := errors.Join(removeContainers(ctx, l.containers), removeNetworks(ctx, l.networks))
	for _, reserved := range l.ports {
		err = errors.Join(err, reserved.Close())
	}
	l.containers, l.networks, l.ports = nil, nil, nil
	return err
}

// Network is a bridge network with a subnet of its own, so that a node can come
// back under the address that it had.
type Network struct {
	name   string
	bridge string // its interface on the engine's host
	subnet string // the first three bytes of a /24
}

// Address is where a node under this host number serves HTTP on the network.
func (n *Network) Address(host int) string { return fmt.Sprintf("%s:%d", n.ip(host), nodePort) }

// ip leaves the first ten addresses to the engine, which takes the gateway's.
func (n *Network) ip(host int) string { return fmt.Sprintf("%s.%d", n.subnet, 10+host) }

// Network makes a network. Subnets are drawn by lot; one that is taken is drawn
// again.
func (l *Lab) Network(ctx context.Context, name string) (*Network, error) {
	n := &Network{name: l.name + "-" + name}
	for range 20 {
		n.subnet = fmt.Sprintf("10.%d.%d", 100+rand.N(100), rand.N(256))
		id, err := docker(ctx, "network", "create", "--subnet", n.subnet+".0/24", n.name)
		switch {
		case err == nil:
			n.bridge = "br-" + id[:12] // as the engine names it
			l.networks = append(l.networks, n.name)
			return n, nil
		case !strings.Contains(err.Error(), "overlap"):
			return nil, err
		}
	}
	return nil, fmt.Errorf("network %s: no free subnet found", name)
}
