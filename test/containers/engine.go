// Package containers tests cohort as operators run it with Docker: the image built from the
// Dockerfile, containers started without arguments and without a list of peers, and
// networks that change while the nodes run (docs/testing.md §8).
//
// A Lab owns what one test makes: networks and nodes, with a random suffix in their names.
// It removes all of that when the test ends. Sweep removes what a killed run left behind.
// The package drives the engine by its command, docker; FindEngine says whether there is
// one.
package containers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// namePrefix begins the name of every container and network of these tests. The id of the
// process that made it follows. So a later run can distinguish what a dead run left behind
// from what another run uses.
const namePrefix = "cohort-test-"

// ErrNoEngine says that this machine has no container engine that answers.
var ErrNoEngine = errors.New("no container engine")

// FindEngine checks that there is an engine and that it answers.
func FindEngine(ctx context.Context) error {
	if _, err := docker(ctx, "version", "--format", "{{.Server.Version}}"); err != nil {
		return fmt.Errorf("%w: %w", ErrNoEngine, err)
	}
	return nil
}

// Sweep removes the containers and networks of runs whose process has ended.
func Sweep(ctx context.Context) error {
	containers, err := leftovers(ctx, "ps", "--all", "--format", "{{.Names}}")
	if err != nil {
		return err
	}
	networks, err := leftovers(ctx, "network", "ls", "--format", "{{.Name}}")
	if err != nil {
		return err
	}
	return errors.Join(removeContainers(ctx, containers), removeNetworks(ctx, networks))
}

func removeContainers(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := docker(ctx, append([]string{"rm", "--force", "--volumes"}, names...)...)
	return err
}

func removeNetworks(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := docker(ctx, append([]string{"network", "rm"}, names...)...)
	return err
}

// leftovers returns the names in the output of a docker command that belong to ended runs.
func leftovers(ctx context.Context, list ...string) ([]string, error) {
	out, err := docker(ctx, append(list, "--filter", "name="+namePrefix)...)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range strings.Fields(out) {
		if isLeftover(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// isLeftover reports whether a name is that of a test whose process has ended.
func isLeftover(name string) bool {
	rest, ours := strings.CutPrefix(name, namePrefix)
	pid, _, _ := strings.Cut(rest, "-")
	if _, err := strconv.Atoi(pid); !ours || err != nil {
		return false
	}
	_, err := os.Stat("/proc/" + pid)
	return errors.Is(err, os.ErrNotExist)
}

// docker runs one docker command and returns what it printed.
func docker(ctx context.Context, args ...string) (string, error) {
	return run(exec.CommandContext(ctx, "docker", args...))
}

// run returns the output of a command. Its error has the command's error output.
func run(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}
