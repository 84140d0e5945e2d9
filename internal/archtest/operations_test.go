package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// told lists what a node reports, each with the expression that finds it in its folders.
var told = []struct {
	what    string
	folders []string
	finds   *regexp.Regexp
}{
	{"event", []string{"node"}, regexp.MustCompile(`\bevents\.(?:Debug|Info|Warn)\("(\w+)"`)},
	{"metric", []string{"node"}, regexp.MustCompile(`"(cohort_[a-z_]+)"`)},
	{"reason", []string{"bus"}, regexp.MustCompile(`FailureCause\s*=\s*"([^"]+)"`)},
	{"reason", []string{"api"}, regexp.MustCompile(`\bWhy\w+\s*=\s*"([^"]+)"`)},
	{"reason", []string{"node/front/answer", "node/front/cluster"}, regexp.MustCompile(`return "(this node [^"]+)"`)},
	{"reason", []string{"node/front/cluster"}, regexp.MustCompile(`CodeNotReady, "([^"]+)"`)},
	{"reason", []string{"node/front/cluster"}, regexp.MustCompile(`return "(this node's bus: )" \+`)},
	{"reason", []string{"node/strong/waits"}, regexp.MustCompile(`\breason(?:, begun)? = "([^"]+)"`)},
	{"log line", []string{"node", "bus", "cmd/cohort"}, regexp.MustCompile(`\.put\(slog\.Level\w+, "([^"]+)"`)},
	{"log line", []string{"node", "bus", "cmd/cohort"}, regexp.MustCompile(`[lL]og\.(?:Info|Warn|Error|Debug)\("([^"]+)"`)},
}

// TestOperationsDocListsEveryEventMetricAndReason compares docs/operations.md with the
// code. Metrics are compared in both directions, because an alert on a removed metric never
// fires.
func TestOperationsDocListsEveryEventMetricAndReason(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	handbook := string(text)
	var metrics []string
	for _, kind := range told {
		names := found(t, kind.folders, kind.finds)
		if len(names) == 0 {
			t.Errorf("no %s found in %v: the expression is out of date", kind.what, kind.folders)
		}
		for _, name := range names {
			if !strings.Contains(handbook, "`"+name+"`") {
				t.Errorf("docs/operations.md does not explain the %s `%s`", kind.what, name)
			}
		}
		if kind.what == "metric" {
			metrics = names
		}
	}
	tests := testsBelow(t, root)
	for _, m := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(handbook, -1) {
		if !slices.Contains(tests, m[1]) {
			t.Errorf("docs/operations.md names %s, which is no test", m[1])
		}
	}
	for _, m := range regexp.MustCompile("`(cohort_[a-z_]+)`").FindAllStringSubmatch(handbook, -1) {
		if !slices.Contains(metrics, m[1]) {
			t.Errorf("docs/operations.md explains `%s`, which no node has", m[1])
		}
	}
}

// found returns the matches of an expression in the Go files below folders, without tests.
func found(t *testing.T, folders []string, finds *regexp.Regexp) (names []string) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, m := range finds.FindAllStringSubmatch(string(source), -1) {
				names = append(names, m[1])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
