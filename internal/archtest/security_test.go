package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEachRowOfTheSecurityTableNamesATestThatExists compares docs/security.md with the
// code: every promise there has a test.
func TestEachRowOfTheSecurityTableNamesATestThatExists(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testsBelow(t, root)
	named := regexp.MustCompile("`(Test\\w+)`")
	for line := range strings.Lines(string(text)) {
		names := named.FindAllStringSubmatch(line, -1)
		for _, name := range names {
			if !slices.Contains(tests, name[1]) {
				t.Errorf("docs/security.md names %s, which is no test", name[1])
			}
		}
		row := strings.HasPrefix(line, "| ") && strings.Count(line, " | ") == 3 && !strings.HasPrefix(line, "| Party")
		if row && len(names) == 0 && !strings.Contains(line, "| the same") {
			t.Errorf("docs/security.md: no test proves the row %.80s", line)
		}
	}
}

// testsBelow lists the names of all tests in a folder.
func testsBelow(t *testing.T, folder string) (names []string) {
	t.Helper()
	test := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range test.FindAllStringSubmatch(string(source), -1) {
			names = append(names, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
