package archtest

import (
	"slices"
	"strconv"
	"strings"
)

// CheckImports checks every import in the tree against the table.
func CheckImports(tree Tree) []Violation {
	var found []Violation
	for _, src := range tree.Sources {
		r, known := rowOf(src.Package())
		if !known {
			found = append(found, src.violation(src.Syntax.Package, "package %q is not in the import table", src.Package()))
			continue
		}
		for _, spec := range src.Syntax.Imports {
			target, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
			if why := refuse(src, r, target); why != "" {
				found = append(found, src.violation(spec.Pos(), "%s", why))
			}
		}
	}
	return found
}

// rowOf returns the row of a package. A row with its exact name precedes a row with a
// pattern.
func rowOf(pkg string) (row, bool) {
	for _, r := range imports {
		if r.pkg == pkg {
			return r, true
		}
	}
	i := slices.IndexFunc(imports, func(r row) bool { return matches(r.pkg, pkg) })
	if i < 0 {
		return row{}, false
	}
	return imports[i], true
}

// refuse returns the reason why a file may not import target; empty if it may.
func refuse(src Source, r row, target string) string {
	ours, isOurs := strings.CutPrefix(target, Module+"/")
	switch {
	case isOurs && (matchesAny(r.imports, ours) || src.IsTest() && (ours == src.Package() || matchesAny(r.tests, ours))):
		return ""
	case isOurs:
		return src.Package() + " must not import " + ours
	case !strings.Contains(strings.Split(target, "/")[0], "."):
		return "" // the standard library
	default:
		return refuseLibrary(src, target)
	}
}

func refuseLibrary(src Source, target string) string {
	below := func(lib string) bool { return matches(lib+"/...", target) }
	if src.IsTest() && slices.ContainsFunc(testLibraries, below) {
		return ""
	}
	i := slices.IndexFunc(libraries, func(l library) bool { return below(l.path) })
	if i < 0 {
		return "library " + target + " is not in the library table"
	}
	if !matchesAny(libraries[i].by, src.Package()) {
		return src.Package() + " must not name " + target
	}
	return ""
}

func matchesAny(patterns, pkg string) bool {
	return slices.ContainsFunc(strings.Fields(patterns), func(p string) bool { return matches(p, pkg) })
}

// matches interprets patterns as the go command does: "x/..." is x and everything below.
func matches(pattern, pkg string) bool {
	if stem, all := strings.CutSuffix(pattern, "/..."); all {
		return pkg == stem || strings.HasPrefix(pkg, stem+"/")
	}
	return pattern == pkg
}
