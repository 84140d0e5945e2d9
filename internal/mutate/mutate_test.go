package mutate

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const source = `package x

func f(a, b int) int {
	if a < b && on() {
		a = b - 1
	}
	if off {
		a++
	}
	switch a {
	case 2:
		on()
	default:
		panic("no")
	}
	return a
}
`

func TestEachKindOfBugIsPlanted(t *testing.T) {
	found, err := Of("x.go", source)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		got = append(got, strings.TrimPrefix(m.String(), "x.go:"))
	}
	slices.Sort(got)
	want := []string{
		"11: off by one: 2 → 3",
		"11: remove a case: case 2: on() → (nothing)",
		"12: drop a statement: on() → (nothing)",
		"4: keep one side of a condition: a < b && on() → a < b",
		"4: keep one side of a condition: a < b && on() → on()",
		"4: negate a condition: a < b && on() → !(a < b && on())",
		"4: off by one: a < b → a <= b",
		"4: swap operands: a < b → b < a",
		"5: drop a statement: a = b - 1 → (nothing)",
		"5: off by one: 1 → 2",
		"5: swap operands: b - 1 → 1 - b",
		"7: negate a condition: off → !(off)",
		"8: drop a statement: a++ → (nothing)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, m := range found {
		if _, err := parser.ParseFile(token.NewFileSet(), "x.go", m.Apply(source), 0); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
}
