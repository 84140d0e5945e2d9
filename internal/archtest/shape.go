package archtest

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

// MaxFunctionLines bounds the lines of a function. Functions should stay below 40.
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

// CheckFunctionLength measures every function that was not generated, tests included, from
// its first line to its closing brace.
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

// MaxMethods bounds the methods of a type. A type with more has several jobs.
const MaxMethods = 45

// methodForEachField are types that may have more methods, because each is one line for one
// kind of value.
var methodForEachField = []string{"node/wire.codec"}

// CheckMethods counts the methods of each type of the product. Tests and what serves only tests
// are left out.
func CheckMethods(tree Tree) []Violation {
	var found []Violation
	counts := map[string]int{}
	for _, src := range tree.Sources {
		if src.IsTest() || ast.IsGenerated(src.Syntax) || strings.HasPrefix(src.Path, "internal/") || strings.HasPrefix(src.Path, "test/") {
			continue
		}
		for _, decl := range src.Syntax.Decls {
			method, ok := decl.(*ast.FuncDecl)
			if !ok || method.Recv == nil {
				continue
			}
			name := src.Package() + "." + receiver(method.Recv.List[0].Type)
			if counts[name]++; counts[name] == MaxMethods+1 && !slices.Contains(methodForEachField, name) {
				found = append(found, src.violation(method.Pos(), "%s has more than %d methods", name, MaxMethods))
			}
		}
	}
	return found
}

// receiver is the name of the type of a receiver.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

// CheckSleep refuses time.Sleep in tests. Tests must wait for events; then they are neither
// slow nor flaky.
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

// importedAs returns the name under which a file imports a package of one path element.
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

// CheckDocNames requires that the comment of a function or type begins with its name, tests
// left out. Otherwise a rename has missed the comment.
func CheckDocNames(tree Tree) []Violation {
	var found []Violation
	for _, src := range tree.Sources {
		if src.IsTest() {
			continue
		}
		check := func(name *ast.Ident, doc *ast.CommentGroup) {
			words := strings.Fields(doc.Text())
			if len(words) > 0 && strings.TrimRight(words[0], ",.:;") != name.Name {
				found = append(found, src.violation(name.Pos(), "the comment of %s begins with %q, not with its name", name.Name, words[0]))
			}
		}
		for _, decl := range src.Syntax.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				check(decl.Name, decl.Doc)
			case *ast.GenDecl:
				if len(decl.Specs) != 1 {
					continue
				}
				if spec, ok := decl.Specs[0].(*ast.TypeSpec); ok {
					check(spec.Name, decl.Doc)
				}
			}
		}
	}
	return found
}
