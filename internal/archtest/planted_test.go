package archtest

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A planted source has "want: <part of the message>" on each line that breaks the rule
// under test. Every other line must pass.

func TestEachRuleFindsItsPlantedViolations(t *testing.T) {
	rules := []struct {
		planted string
		check   func(Tree) []Violation
	}{
		{"testdata/imports", CheckImports},
		{"testdata/length", CheckFunctionLength},
		{"testdata/methods", CheckMethods},
		{"testdata/sleep", CheckSleep},
		{"testdata/docnames", CheckDocNames},
	}
	for _, rule := range rules {
		t.Run(rule.planted, func(t *testing.T) {
			tree, err := Load(rule.planted)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, wanted(t, rule.planted), rule.check(tree))
		})
	}
}

func TestPurityFindsItsPlantedViolations(t *testing.T) {
	const planted = "testdata/purity"
	found, err := CheckPurity(planted, ".")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, wanted(t, planted), found)
}

func TestPurityRefusesCodeThatDoesNotCompile(t *testing.T) {
	if _, err := CheckPurity("testdata", "./absent"); err == nil {
		t.Error("a package that cannot be loaded passed")
	}
}

func TestFolderNamesThatSayNothingAreFound(t *testing.T) {
	tree := Tree{Folders: []string{"node", "node/util", "node/utility", "pkg", "pkg/common"}}
	var found []string
	for _, v := range CheckFolders(tree) {
		found = append(found, v.File)
	}
	if diff := cmp.Diff([]string{"node/util", "pkg", "pkg/common"}, found); diff != "" {
		t.Error(diff)
	}
}

// wanted collects the marks below a folder: file:line → part of the message.
func wanted(t *testing.T, dir string) map[string]string {
	t.Helper()
	want := map[string]string{}
	planted := os.DirFS(dir)
	err := fs.WalkDir(planted, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(planted, file)
		for i, line := range strings.Split(string(text), "\n") {
			if _, mark, ok := strings.Cut(line, "want: "); ok {
				mark, _, _ = strings.Cut(mark, " */")
				want[fmt.Sprintf("%s:%d", file, i+1)] = mark
			}
		}
		return err
	})
	if err != nil || len(want) == 0 {
		t.Fatalf("%s: %d violations planted, %v", dir, len(want), err)
	}
	return want
}

// compare fails the test unless exactly the marked lines were found.
func compare(t *testing.T, want map[string]string, found []Violation) {
	t.Helper()
	missing := maps.Clone(want)
	for _, v := range found {
		at := fmt.Sprintf("%s:%d", v.File, v.Line)
		if mark, ok := want[at]; !ok || !strings.Contains(v.What, mark) {
			t.Errorf("unexpected: %s", v)
		}
		delete(missing, at)
	}
	for _, at := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("not found: %s: %s", at, missing[at])
	}
}
