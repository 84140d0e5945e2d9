package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestContradictionsOfDurabilityAreRefused(t *testing.T) {
	clearEnvironment(t)
	for _, test := range []struct{ args, complaint string }{
		{"--durability memory --data-dir d", "leave one of them out"},
		{"--durability fsync", "needs --data-dir"},
		{"--durability async", "needs --data-dir"},
		{"--data-aside", "needs --data-dir"},
		{"--durability twice --data-dir d", "must be one of"},
	} {
		o := cohort(t, append([]string{"serve", "--id", "0"}, strings.Fields(test.args)...)...)
		if o.status != exitUsage || !strings.Contains(o.err, test.complaint) {
			t.Errorf("%s: status %d, complaint %q", test.args, o.status, o.err)
		}
	}
}

// TestServeRefusesADirectoryThatIsNotItsOwn also finds that the node has closed what it opened.
func TestServeRefusesADirectoryThatIsNotItsOwn(t *testing.T) {
	clearEnvironment(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letter"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		o := cohort(t, "serve", "--id", "0", "--http", freeAddress(t), "--bus", freeAddress(t), "--data-dir", dir)
		if o.status != exitFailed || !strings.Contains(o.err, "is not empty: it has letter") {
			t.Errorf("status %d, complaint %q", o.status, o.err)
		}
	}
}
