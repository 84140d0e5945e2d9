package containers

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// composed returns the cluster of the compose file, running and with its view.
func composed(t *testing.T, ctx context.Context) *Compose {
	t.Helper()
	name := image(t)
	if _, err := exec.LookPath("docker-compose"); err != nil {
		t.Skipf("NOT TESTED, THERE IS NO docker-compose HERE: %v", err)
	}
	compose, err := NewCompose(filepath.Join(root, "docker-compose.yml"), name, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removed(t, compose.Down) })
	began := time.Now()
	if err := compose.Up(ctx); err != nil {
		t.Fatal(err)
	}
	if err := compose.Wait(ctx, "view"); err != nil {
		t.Fatal(err)
	}
	t.Logf("a cluster with its view %v after docker-compose up", time.Since(began).Round(time.Millisecond))
	return compose
}

func TestTheComposeFileBringsUpAClusterThatAnswers(t *testing.T) {
	image(t) // a build takes minutes, and is not part of the measured time
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	compose := composed(t, ctx)
	for node := range 3 {
		if health, err := compose.Health(ctx, fmt.Sprintf("node%d", node)); health != "healthy" {
			t.Errorf("node %d is %q, %v; the view waits for healthy nodes", node, health, err)
		}
	}
	if _, err := dial(t, compose.URL(0)).PutData(ctx, "hello", "world"); err != nil {
		t.Fatal(err)
	}
	everyNodeReads(t, ctx, compose)

	// The comment of the file promises this: a restarted node takes part again by itself.
	if err := compose.Restart(ctx, "node1"); err != nil {
		t.Fatal(err)
	}
	answers(t, dial(t, compose.URL(1)))
	everyNodeReads(t, ctx, compose)
}

func everyNodeReads(t *testing.T, ctx context.Context, compose *Compose) {
	t.Helper()
	for node := range 3 {
		answer, err := dial(t, compose.URL(node)).GetData(ctx, "hello")
		if err != nil || string(answer.Value) != "world" {
			t.Errorf("GET through node %d: %+v, %v", node, answer, err)
		}
	}
}
