package containers

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTheComposeFileBringsUpAClusterThatAnswers(t *testing.T) {
	name := image(t)
	if _, err := exec.LookPath("docker-compose"); err != nil {
		t.Skipf("NOT TESTED, THERE IS NO docker-compose HERE: %v", err)
	}
	compose, err := NewCompose(filepath.Join(root, "docker-compose.yml"), name, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removed(t, compose.Down) })
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	if err := compose.Up(ctx); err != nil {
		t.Fatal(err)
	}
	if err := compose.Wait(ctx, "view"); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, compose.URL(0)).PutData(ctx, "hello", "world"); err != nil {
		t.Fatal(err)
	}
	for node := range 3 {
		answer, err := dial(t, compose.URL(node)).GetData(ctx, "hello")
		if err != nil || string(answer.Value) != "world" {
			t.Errorf("GET through node %d: %+v, %v", node, answer, err)
		}
	}
}
