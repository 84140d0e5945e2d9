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

// Lab makes nodes and networks and removes them. One goroutine may use a Lab; different
// labs may be used at the same time.
type Lab struct {
	name       string // unique; the names of all its containers and networks begin with it
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

// Network is a bridge network with a subnet of its own, so that a node can return under its
// old address.
type Network struct {
	name   string
	bridge string // name of its interface on the engine's host
	subnet string // the first three bytes of a /24
}

// Address is the HTTP address of a node with this host number on the network.
func (n *Network) Address(host int) string { return fmt.Sprintf("%s:%d", n.ip(host), nodePort) }

// ip is the address of a host number. The first ten addresses are left to the engine, for
// its gateway.
func (n *Network) ip(host int) string { return fmt.Sprintf("%s.%d", n.subnet, 10+host) }

// Network makes a network. It draws a subnet, and another one if that is in use.
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
