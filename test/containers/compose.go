package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/cohortkv/cohort/benchmark/ports"
)

// Compose is one use of a compose file. Its services publish the ports in the variables
// COHORT_PORT_0, COHORT_PORT_1, ….
type Compose struct {
	project string
	file    string
	env     []string
	ports   *ports.Reserved
}

// NewCompose prepares a project with the image and with free ports for some nodes. Its name
// is that of a lab, so that Sweep finds what is left behind.
func NewCompose(file, image string, nodes int) (*Compose, error) {
	c := &Compose{project: NewLab(image).Name(), file: file, env: []string{"COHORT_IMAGE=" + image}}
	reserved, err := ports.Reserve(nodes)
	if err != nil {
		return nil, err
	}
	c.ports = reserved
	for i, addr := range reserved.Addrs() {
		_, port, _ := strings.Cut(addr, ":")
		c.env = append(c.env, fmt.Sprintf("COHORT_PORT_%d=%s", i, port))
	}
	return c, nil
}

// URL is the address at which clients reach a node.
func (c *Compose) URL(node int) string { return "http://" + c.ports.Addrs()[node] }

// Up starts the services, and returns when they have started.
func (c *Compose) Up(ctx context.Context) error {
	_, err := c.command(ctx, "up", "--detach", "--no-build")
	return err
}

// Wait returns when a service has ended. It fails unless the exit status is 0.
func (c *Compose) Wait(ctx context.Context, service string) error {
	id, err := c.command(ctx, "ps", "--quiet", service)
	if err != nil {
		return err
	}
	status, err := docker(ctx, "wait", id)
	if err != nil {
		return err
	}
	if status != "0" {
		logs, err := c.Logs(ctx)
		return errors.Join(fmt.Errorf("service %s ended with status %s: %s", service, status, logs), err)
	}
	return nil
}

// Health is the state that the engine reports of a service's container: starting, healthy
// or unhealthy.
func (c *Compose) Health(ctx context.Context, service string) (string, error) {
	id, err := c.command(ctx, "ps", "--quiet", service)
	if err != nil {
		return "", err
	}
	return docker(ctx, "inspect", "--format", "{{.State.Health.Status}}", id)
}

// Restart stops the container of a service and starts it again.
func (c *Compose) Restart(ctx context.Context, service string) error {
	_, err := c.command(ctx, "restart", "--timeout", "5", service)
	return err
}

// Logs returns what the services have written so far.
func (c *Compose) Logs(ctx context.Context) (string, error) {
	return c.command(ctx, "logs", "--no-color")
}

// Down removes everything that Up made.
func (c *Compose) Down(ctx context.Context) error {
	_, err := c.command(ctx, "down", "--volumes", "--timeout", "1")
	return errors.Join(err, c.ports.Close())
}

func (c *Compose) command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker-compose", append([]string{"--project-name", c.project, "--file", c.file}, args...)...)
	cmd.Env = append(os.Environ(), c.env...)
	return run(cmd)
}
