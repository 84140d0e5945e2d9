// Package archtest checks rules of this repository that a compiler does not: which package
// may import which (table.go), what a pure package must not use, how long a function may
// be, and whether cited files and sections exist. Each rule reads sources and returns
// violations. The tests apply the rules to this repository, and to planted violations in
// testdata, which show that each rule can fail.
//
// ARCHITECTURE.md promises that the simulator replays the protocols bit by bit. One
// goroutine, clock or map iteration in a core breaks that silently, and no test of
// behaviour would report it.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Module is the import path of this repository, and so the prefix of its packages.
const Module = "github.com/cohortkv/cohort"

// Violation is one broken rule at one place.
type Violation struct {
	File string // slash-separated, from the root of the tree
	Line int    // counts from 1
	What string // what breaks the rule
}

func (v Violation) String() string { return fmt.Sprintf("%s:%d: %s", v.File, v.Line, v.What) }

// Source is one parsed Go file.
type Source struct {
	Path   string // slash-separated, from the root of the tree
	Syntax *ast.File
	fset   *token.FileSet
}

// Package returns the folder of the file: its import path without the module.
func (s Source) Package() string {
	if dir := path.Dir(s.Path); dir != "." {
		return dir
	}
	return ""
}

// IsTest reports whether the file is compiled into tests only.
func (s Source) IsTest() bool { return strings.HasSuffix(s.Path, "_test.go") }

func (s Source) violation(pos token.Pos, format string, args ...any) Violation {
	return Violation{File: s.Path, Line: s.fset.Position(pos).Line, What: fmt.Sprintf(format, args...)}
}

// Tree is every Go file below a root, under any build tag, and every folder.
type Tree struct {
	Sources []Source
	Folders []string // slash-separated, without the root itself
}

// Load parses the tree below root, without hidden folders and testdata. Files are parsed,
// not compiled, so the rules also check a tree that does not build.
func Load(root string) (Tree, error) {
	var tree Tree
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || file == root {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			return tree.enter(rel)
		}
		if path.Ext(rel) != ".go" {
			return nil
		}
		syntax, err := parse(fset, file)
		tree.Sources = append(tree.Sources, Source{Path: rel, Syntax: syntax, fset: fset})
		return err
	})
	return tree, err
}

func (t *Tree) enter(folder string) error {
	base := path.Base(folder)
	if strings.HasPrefix(base, ".") || base == "testdata" {
		return fs.SkipDir
	}
	t.Folders = append(t.Folders, folder)
	return nil
}

func parse(fset *token.FileSet, file string) (*ast.File, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parser.ParseFile(fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
}
