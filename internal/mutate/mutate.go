// Package mutate plants one-line bugs in Go sources, as text: a mutation replaces a few
// bytes of a file. `make mutate` draws some at random and builds each with go build
// -overlay, so no file of the repository changes. Then it runs the tests.
//
// A mutation that lives shows a line that no quick test checks, or it is an equivalent
// program. The deliberate bugs of package mutant are another thing: each is a rule that is
// tempting to leave out, and has a name.
package mutate

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// Mutation is one bug that can be planted.
type Mutation struct {
	File  string
	Line  int
	Kind  string // such as "negate a condition"
	From  int    // offset in bytes of the first byte that is replaced
	To    int    // offset after the last replaced byte
	Text  string // replaces these bytes
	Shown string // the replaced bytes, on one line
}

// The kinds of mutations.
const (
	Negate   = "negate a condition"
	Drop     = "drop a statement"
	OffByOne = "off by one"
	Swap     = "swap operands"
	Remove   = "remove a case"
	Half     = "keep one side of a condition"
)

// String shows a mutation as place, kind and text.
func (m Mutation) String() string {
	return fmt.Sprintf("%s:%d: %s: %s → %s", m.File, m.Line, m.Kind, m.Shown, oneLine(m.Text))
}

// Apply plants the mutation in the text of its file.
func (m Mutation) Apply(text string) string { return text[:m.From] + m.Text + text[m.To:] }

// Of lists the mutations of a file in the order of their offsets.
func Of(file, text string) ([]Mutation, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := finder{file: file, text: text, fset: fset}
	for _, d := range syntax.Decls {
		if function, ok := d.(*ast.FuncDecl); ok && function.Body != nil {
			ast.Inspect(function.Body, f.visit)
		}
	}
	slices.SortStableFunc(f.found, func(a, b Mutation) int { return a.From - b.From })
	return f.found, nil
}

// finder collects the mutations of one file.
type finder struct {
	file, text string
	fset       *token.FileSet
	found      []Mutation
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IfStmt:
		f.add(Negate, n.Cond, "!("+f.source(n.Cond)+")")
	case *ast.ForStmt:
		if n.Cond != nil {
			f.add(Negate, n.Cond, "!("+f.source(n.Cond)+")")
		}
	case *ast.ExprStmt:
		if !isPanic(n) {
			f.add(Drop, n, "")
		}
	case *ast.IncDecStmt:
		f.add(Drop, n, "")
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			f.add(Drop, n, "")
		}
	case *ast.CaseClause:
		if n.List != nil {
			f.add(Remove, n, "")
		}
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.BasicLit:
		if value, err := strconv.Atoi(n.Value); err == nil && n.Kind == token.INT {
			f.add(OffByOne, n, strconv.Itoa(value+1))
		}
	}
	return true
}

// neighbours are the comparisons that differ in the equal case only.
var neighbours = map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}

func (f *finder) binary(n *ast.BinaryExpr) {
	x, y := f.source(n.X), f.source(n.Y)
	if other, ok := neighbours[n.Op]; ok {
		f.add(OffByOne, n, x+" "+other+" "+y)
		f.add(Swap, n, y+" "+n.Op.String()+" "+x)
	}
	switch n.Op {
	case token.SUB:
		f.add(Swap, n, y+" - "+x)
	case token.LAND, token.LOR:
		f.add(Half, n, x)
		f.add(Half, n, y)
	}
}

// add records a mutation.
func (f *finder) add(kind string, n ast.Node, text string) {
	from, to := f.fset.Position(n.Pos()), f.fset.Position(n.End())
	old := f.text[from.Offset:to.Offset]
	f.found = append(f.found, Mutation{
		File: f.file, Line: from.Line, Kind: kind, From: from.Offset, To: to.Offset, Text: text, Shown: oneLine(old),
	})
}

func (f *finder) source(n ast.Node) string {
	return f.text[f.fset.Position(n.Pos()).Offset:f.fset.Position(n.End()).Offset]
}

// isPanic reports whether a statement is a panic: the check of an invariant.
func isPanic(n *ast.ExprStmt) bool {
	call, ok := n.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	name, ok := call.Fun.(*ast.Ident)
	return ok && name.Name == "panic"
}

// oneLine shortens a piece of source for a report.
func oneLine(text string) string {
	const most = 70
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	if text == "" {
		return "(nothing)"
	}
	return text
}
