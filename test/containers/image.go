package containers

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// BuildImage builds the image from the Dockerfile of the repository at root and returns its
// name. If the base image is absent, it makes a stand-in first. The engine keeps the
// layers, so only changed layers are built again.
func BuildImage(ctx context.Context, root string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	if _, err := run(exec.CommandContext(ctx, filepath.Join(root, "scripts", "golang-image"))); err != nil {
		return "", fmt.Errorf("base image: %w", err)
	}
	return docker(ctx, "build", "--quiet", "--tag", "cohort:test", root)
}
