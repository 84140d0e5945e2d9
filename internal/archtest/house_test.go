package archtest

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

const root = "../.."

// TestHouse applies every rule to this repository.
func TestHouse(t *testing.T) {
	tree, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Sources) == 0 {
		t.Fatal("no Go files found: the root is wrong")
	}
	rules := []struct {
		name  string
		check func(Tree) []Violation
	}{
		{"packages import only what the table allows", CheckImports},
		{"folder names say what is inside", CheckFolders},
		{"functions are at most 70 lines long", CheckFunctionLength},
		{"types have at most 45 methods", CheckMethods},
		{"tests do not sleep", CheckSleep},
		{"comments begin with the name of what they describe", CheckDocNames},
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) { report(t, rule.check(tree)) })
	}
	t.Run("pure packages are pure", func(t *testing.T) {
		found, err := CheckPurity(root, purePackages(t)...)
		if err != nil {
			t.Fatal(err)
		}
		report(t, found)
	})
}

func report(t *testing.T, found []Violation) {
	t.Helper()
	for _, v := range found {
		t.Error(v)
	}
}

// purePackages returns the folders with Go files that the list of pure packages names. The
// list may name packages that do not exist yet.
func purePackages(t *testing.T) []string {
	t.Helper()
	var found []string
	repository := os.DirFS(root)
	for _, pattern := range pure {
		stem, below := strings.CutSuffix(pattern, "/...")
		err := fs.WalkDir(repository, stem, func(folder string, entry fs.DirEntry, err error) error {
			switch {
			case os.IsNotExist(err):
				return nil
			case err != nil:
				return err
			case !entry.IsDir():
				return nil
			case folder != stem && (!below || entry.Name() == "testdata"):
				return fs.SkipDir
			}
			if files, err := fs.Glob(repository, path.Join(folder, "*.go")); err != nil || len(files) == 0 {
				return err
			}
			found = append(found, "./"+folder)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}
