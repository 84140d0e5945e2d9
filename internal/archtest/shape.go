package archtest

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
)

// MaxFunctionLines is the end; the habit is 40.
const MaxFunctionLines = 70

// CheckFolders refuses folder names that say nothing.
func CheckFolders(tree Tree) []Violation {
	var found []Violation
	for _, folder := range tree.Folders {
		if name := path.Base(folder); slices.Contains(forbiddenFolders, name) {
			found = append(found, Violation{File: folder, What: "folder name " + name + " says nothing about what is inside"})
		}
	}
	return found
}

// CheckFunctionLength measures every function that a person wrote, tests too,
// from its first line to its closing brace.
func CheckFunctionLength(tree Tree) []Violation {
	var found []Violation
	for _, src := range tree.Sources {
		if ast.IsGenerated(src.Syntax) {
			continue
		}
		ast.Inspect(src.Syntax, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.FuncDecl, *ast.FuncLit:
				lines := src.fset.Position(n.End()).Line - src.fset.Position(n.Pos()).Line + 1
				if lines > MaxFunctionLines {
					found = append(found, src.violation(n.Pos(), "function of %d lines, at most %d are allowed", lines, MaxFunctionLines))
				}
			}
			return true
		})
	}
	return found
}

// CheckSleep refuses time.Sleep in tests: they wait on events, so that they are
// neither slow nor flaky.
func CheckSleep(tree Tree) []Violation {
	var found []Violation
	for _, src := range tree.Sources {
		if !src.IsTest() {
			continue
		}
		clock := importedAs(src.Syntax, "time")
		ast.Inspect(src.Syntax, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Sleep" {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && clock != "" && pkg.Name == clock {
				found = append(found, src.violation(n.Pos(), "time.Sleep in a test: wait on an event"))
			}
			return true
		})
	}
	return found
}

// importedAs is the name under which a file knows a package of one path element.
func importedAs(file *ast.File, pkg string) string {
	for _, spec := range file.Imports {
		if spec.Path.Value != strconv.Quote(pkg) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return pkg
	}
	return ""
}
