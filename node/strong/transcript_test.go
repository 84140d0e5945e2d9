package strong_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// TestTranscripts plays the scripts in testdata and compares what the machines
// say with what they said. A transcript holds its own script: the lines that are
// not indented. Start with failover.txt.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			for line := range strings.Lines(string(want)) {
				line = strings.TrimRight(line, "\n")
				switch {
				case strings.HasPrefix(line, "#"), line == "":
					w.say("%s", line)
				case !strings.HasPrefix(line, " "):
					w.command(line)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(w.out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want), w.out.String()); d != "" {
				t.Errorf("%s says something else now (-update writes it anew):\n%s", file, d)
			}
		})
	}
}
