package patch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes files, and returns their root.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

var core = map[string]string{
	"core/a.go":      "package core\n\nfunc a() int {\n\tx := 1\n\treturn x\n}\n",
	"core/b.go":      "package core\n\nfunc b() int {\n\ty := 2\n\treturn y\n}\n",
	"core/b_test.go": "package core\n\n\treturn x\n",
}

// plant plants patches into the package core. Patches are named 1.patch, 2.patch and so on.
func plant(t *testing.T, patches ...string) (map[string][]byte, error) {
	t.Helper()
	var hunks []Hunk
	for i, text := range patches {
		h, err := Parse(string(rune('1'+i))+".patch", text)
		if err != nil {
			t.Fatal(err)
		}
		hunks = append(hunks, h...)
	}
	return Plant(tree(t, core), hunks)
}

func TestAHunkChangesTheFileThatHasItsLines(t *testing.T) {
	planted, err := plant(t, "why\n@@ core\n \tx := 1\n-\treturn x\n+\tif mutant.On(mutant.X) {\n+\t\treturn 7\n+\t}\n+\treturn x + 1\n }\n")
	if err != nil {
		t.Fatal(err)
	}
	want := "package core; " + mutantImport + "\n\nfunc a() int {\n\tx := 1\n\tif mutant.On(mutant.X) {\n\t\treturn 7\n\t}\n\treturn x + 1\n}\n"
	if got := string(planted["core/a.go"]); got != want || len(planted) != 1 {
		t.Errorf("%d files, and a.go is\n%s", len(planted), got)
	}
}

func TestPatchesOfOneFunctionComeTogether(t *testing.T) {
	planted, err := plant(t, "@@ core\n \ty := 2\n+\ty++\n \treturn y\n", "@@ core\n \ty := 2\n+\ty--\n \treturn y\n", "@@ core\n-\ty := 2\n+\ty := 3\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(planted["core/b.go"]); !strings.Contains(got, "\ty := 3\n\ty++\n\ty--\n\treturn y\n") {
		t.Errorf("b.go is\n%s", got)
	}
}

func TestAPatchAddsAFile(t *testing.T) {
	planted, err := plant(t, "@@ core/c.go\n+package core\n+\n+const c = 3\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(planted["core/c.go"]); got != "package core\n\nconst c = 3\n" {
		t.Errorf("c.go is\n%s", got)
	}
}

func TestAPatchThatDoesNotFitIsRefused(t *testing.T) {
	tests := []struct {
		name    string
		patches []string
		want    string
	}{
		{"lines that are gone", []string{"@@ core\n-\treturn z\n"}, "1.patch:1: these lines occur 0 times in core"},
		{"lines that occur twice", []string{"note\n\n@@ core\n-}\n"}, "1.patch:3: these lines occur 2 times in core"},
		{"no lines", []string{"@@ core\n+\treturn x\n"}, "1.patch:1: a hunk names at least one line"},
		{"lines of a test only", []string{"@@ core\n package core\n \n-\treturn x\n"}, "occur 0 times"},
		{"one line twice", []string{"@@ core\n-\treturn x\n", "@@ core\n-\treturn x\n"}, "2.patch:1: another patch changes the same lines of core/a.go"},
		{"a file that exists", []string{"@@ core/a.go\n+package core\n"}, "core/a.go exists already"},
		{"a package that is gone", []string{"@@ gone\n-\treturn x\n"}, "there is no package gone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := plant(t, test.patches...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	if _, err := Parse("x.patch", "@@ core\n-a\nb\n"); err == nil || !strings.Contains(err.Error(), "x.patch:3:") {
		t.Errorf("a line without sign: %v", err)
	}
}
