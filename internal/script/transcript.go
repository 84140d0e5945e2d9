package script

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// Transcripts plays the scripts in testdata and compares each result with the golden
// transcript.
func Transcripts(t *testing.T, stage Stage) {
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
			got := Play(t, stage, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s says something else now (-update writes it anew):\n%s", file, d)
			}
		})
	}
}

// Play plays the script in a transcript, and returns the new transcript.
func Play(t *testing.T, stage Stage, text string) string {
	w := newWorld(t, stage)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"), line == "":
			w.say("%s", line)
		case !strings.HasPrefix(line, " "):
			w.say("%s", line)
			w.command(strings.Fields(line))
			w.run()
		}
	}
	return w.out.String()
}
