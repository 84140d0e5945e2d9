package archtest

import (
	"fmt"
	"go/ast"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// impureImports may not be imported by a pure package. A pure package gets time as
// wire.Instant and chance as a seeded source, both as inputs.
var impureImports = []string{
	"sync/...", "time", "os/...", "log/...", "context", "crypto/rand", "runtime/...", "syscall", "testing/...",
	"net/http/httptest", "net/http/httputil", "net/rpc/...", "net/smtp", "net/textproto",
}

// pureParts lists the names that a pure package may use of a package that is not pure as a
// whole. A star stands for any ending.
var pureParts = map[string]string{
	"net":          "SplitHostPort JoinHostPort ParseIP",
	"net/http":     "Status* Method*",
	"math/rand":    "New* Rand Source Zipf", // a seeded source, not the global one
	"math/rand/v2": "New* Rand Source Zipf PCG ChaCha8",
}

// mapOrderOK begins the comment that justifies a range over a map.
const mapOrderOK = "//maporder:ok "

// CheckPurity loads the packages that match the patterns, with their types, and reports
// what a pure package must not do. Patterns are relative to root, as for the go command.
// Test files are left out.
func CheckPurity(root string, patterns ...string) ([]Violation, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	mode := packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports
	loaded, err := packages.Load(&packages.Config{Mode: mode, Dir: root}, patterns...)
	if err != nil {
		return nil, fmt.Errorf("load %v: %w", patterns, err)
	}
	var found []Violation
	for _, pkg := range loaded {
		if len(pkg.Errors) > 0 {
			return nil, fmt.Errorf("load %s: %w", pkg.PkgPath, pkg.Errors[0])
		}
		for _, file := range pkg.Syntax {
			rel, err := filepath.Rel(root, pkg.Fset.Position(file.Package).Filename)
			if err != nil {
				return nil, err
			}
			p := purity{src: Source{Path: filepath.ToSlash(rel), Syntax: file, fset: pkg.Fset}, info: pkg.TypesInfo, sorted: map[ast.Expr]bool{}}
			found = append(found, p.check()...)
		}
	}
	return found, nil
}

// purity checks one file.
type purity struct {
	src    Source
	info   *types.Info
	sorted map[ast.Expr]bool // functions called inside slices.Sorted(…)
	found  []Violation
}

func (p *purity) check() []Violation {
	for _, spec := range p.src.Syntax.Imports {
		target, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		if slices.ContainsFunc(impureImports, func(pattern string) bool { return matches(pattern, target) }) {
			p.report(spec, "a pure package must not import %s", target)
		}
	}
	ast.Inspect(p.src.Syntax, func(n ast.Node) bool {
		p.node(n)
		return true
	})
	return p.found
}

func (p *purity) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		p.report(n, "a pure package must not start a goroutine")
	case *ast.SelectStmt:
		p.report(n, "a pure package must not select")
	case *ast.RangeStmt:
		p.rangeStmt(n)
	case *ast.CallExpr:
		p.call(n)
	case *ast.SelectorExpr:
		p.use(n)
	}
	if e, ok := n.(ast.Expr); ok && isA[*types.Chan](p.info.TypeOf(e)) {
		p.report(n, "a pure package must not use a channel")
	}
}

// rangeStmt refuses a range over a map, whose order is random. It is allowed if the line,
// or the one above, says why the order does not matter.
func (p *purity) rangeStmt(n *ast.RangeStmt) {
	if isA[*types.Map](p.info.TypeOf(n.X)) && !p.justified(n) {
		p.report(n, "range over a map in a pure package: order it, or say why the order does not matter (%s<why>)", mapOrderOK)
	}
}

// justified reports whether that comment is on the line of n or on the line above.
func (p *purity) justified(n ast.Node) bool {
	line := p.src.fset.Position(n.Pos()).Line
	for _, group := range p.src.Syntax.Comments {
		for _, c := range group.List {
			at := p.src.fset.Position(c.Pos()).Line
			why, ok := strings.CutPrefix(c.Text, mapOrderOK)
			if ok && strings.TrimSpace(why) != "" && (at == line || at == line-1) {
				return true
			}
		}
	}
	return false
}

// call records an argument that is sorted at once: slices.Sorted(maps.Keys(m)) is the usual
// way to iterate over a map here.
func (p *purity) call(n *ast.CallExpr) {
	if pkg, name := p.qualified(n.Fun); pkg == "slices" && isOneOf("Sorted*", name) && len(n.Args) > 0 {
		if inner, ok := n.Args[0].(*ast.CallExpr); ok {
			p.sorted[inner.Fun] = true
		}
	}
}

// use refuses impure parts of the standard library: the network, the global random source,
// map iteration by another name, output.
func (p *purity) use(n *ast.SelectorExpr) {
	pkg, name := p.qualified(n)
	switch parts, listed := pureParts[pkg]; {
	case listed && !isOneOf(parts, name):
		p.report(n, "a pure package must not use %s of %s, only %s", name, pkg, parts)
	case pkg == "maps" && isOneOf("All Keys Values", name) && !p.sorted[n] && !p.justified(n):
		p.report(n, "maps.%s in a pure package: sort it at once, or say why the order does not matter (%s<why>)", name, mapOrderOK)
	case pkg == "fmt" && isOneOf("Print* Scan*", name):
		p.report(n, "a pure package must not use the terminal (fmt.%s)", name)
	}
}

// isOneOf reports whether a name is in a list, in which a star stands for any
// ending.
func isOneOf(list, name string) bool {
	return slices.ContainsFunc(strings.Fields(list), func(entry string) bool {
		if stem, star := strings.CutSuffix(entry, "*"); star {
			return strings.HasPrefix(name, stem)
		}
		return entry == name
	})
}

// qualified splits an identifier of another package, such as slices.Sorted.
func (p *purity) qualified(e ast.Expr) (pkg, name string) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	imported, ok := p.info.Uses[id].(*types.PkgName)
	if !ok {
		return "", ""
	}
	return imported.Imported().Path(), sel.Sel.Name
}

func (p *purity) report(n ast.Node, format string, args ...any) {
	p.found = append(p.found, p.src.violation(n.Pos(), format, args...))
}

// isA reports whether a type is, or is a type parameter that is always, a T.
func isA[T types.Type](t types.Type) bool {
	if t == nil {
		return false
	}
	if param, ok := t.(*types.TypeParam); ok {
		t = coreOf(param)
	}
	_, ok := t.Underlying().(T)
	return ok
}

// coreOf returns the first type in a parameter's type set. Range, send and receive compile
// only if all types of the set are of one kind.
func coreOf(param *types.TypeParam) types.Type {
	iface := param.Constraint().Underlying().(*types.Interface)
	for i := range iface.NumEmbeddeds() {
		switch e := iface.EmbeddedType(i).(type) {
		case *types.Union:
			return e.Term(0).Type()
		case *types.TypeParam:
			return coreOf(e)
		default:
			return e
		}
	}
	return iface
}
