// Command mutants runs the go command on the source with all deliberate bugs planted
// (docs/testing.md §5):
//
//	go run ./internal/cmd/mutants test -v ./internal/sim -run Mutant
//
// The bugs are in copies, which an overlay puts in the place of the source. They are off
// until a test chooses one. `make mutants` runs this command.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/cohortkv/cohort/internal/mutant/patch"
)

// patches is where the deliberate bugs are.
const patches = "internal/mutant/patches"

func main() {
	err := run(os.Args[1:])
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(exit.ExitCode()) // the go command has said why
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run runs the go command with some arguments. The first one is build, test or vet.
func run(args []string) error {
	if len(args) == 0 {
		return errors.New("say what the go command is to do: mutants test ./internal/sim -run Mutant")
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "cohort-mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	overlay, err := write(root, folder)
	if err != nil {
		return err
	}
	tool := os.Getenv("GO")
	if tool == "" {
		tool = "go"
	}
	cmd := exec.Command(tool, append([]string{args[0], "-overlay", overlay}, args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

// write writes the patched files into a folder, and returns the path of the overlay that names
// them.
func write(root, folder string) (overlay string, err error) {
	hunks, err := patch.Load(filepath.Join(root, filepath.FromSlash(patches)))
	if err != nil {
		return "", err
	}
	planted, err := patch.Plant(root, hunks)
	if err != nil {
		return "", fmt.Errorf("the patches in %s do not fit the source:\n%w", patches, err)
	}
	replace := map[string]string{}
	for name, text := range planted {
		copied := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(copied, text, 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(name))] = copied
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o644)
}
