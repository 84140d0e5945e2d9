package prose

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen returns the fields that the tests compare: line, words, text.
func seen(sentences []Sentence) (rows []string) {
	for _, s := range sentences {
		rows = append(rows, fmt.Sprintf("%d %d %s", s.Line, s.Words, s.Text))
	}
	return rows
}

func TestMarkdownIsReadSentenceBySentence(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"two on a line", "One is here. Two is\nthere!", []string{"1 3 One is here.", "1 3 Two is there!"}},
		{"the line of the first word", "One is here.\nTwo\nis there.", []string{"1 3 One is here.", "2 3 Two is there."}},
		{"abbreviations", "A peer, e.g. node 2, i.e. the third, cf. §4. It is etc. and ends.",
			[]string{"1 10 A peer, e.g. node 2, i.e. the third, cf. §4.", "1 5 It is etc. and ends."}},
		{"etc. before a capital", "Keys, values, etc. They go.", []string{"1 3 Keys, values, etc.", "1 2 They go."}},
		{"in brackets", "(One is here.) Two is \"there.\" Three.", []string{"1 3 (One is here.)", "1 3 Two is \"there.\"", "1 1 Three."}},
		{"names with dots", "See strong.Replica and go.mod in 1.5 ms.", []string{"1 7 See strong.Replica and go.mod in 1.5 ms."}},
		{"a lower-case name begins one", "It ends. newest does, too.", []string{"1 2 It ends.", "1 3 newest does, too."}},
		{"a code span is one word", "Run `make test. Then` now. `x` is.\n", []string{"1 3 Run `make test. Then` now.", "1 2 `x` is."}},
		{"a code span over two lines", "Run `make\ntest` now.\nEnd.", []string{"1 3 Run `make test` now.", "3 1 End."}},
		{"marks do not count", "A → B — **C** and [the d](docs/x.md#y).", []string{"1 6 A → B — C and the d."}},
		{"an ellipsis goes on", "a, b, … c. More… There.", []string{"1 3 a, b, … c.", "1 1 More…", "1 1 There."}},
		{"headings are not read", "# A title\nText is.\n## More\n", []string{"2 2 Text is."}},
		{"fenced code is not read", "Before:\n```mermaid\na --> b. c\n```\nAfter it.\n", []string{"1 1 Before:", "5 2 After it."}},
		{"indented code is not read", "Before:\n\n    go test. All\n\nAfter it.", []string{"1 1 Before:", "5 2 After it."}},
		{"list items", "* one thing\n  goes on\n* two\n\n  further\n1. three\n", []string{"1 4 one thing goes on", "3 1 two", "5 1 further", "6 1 three"}},
		{"cells, but no labels", "| a | b |\n|---|:--|\n| a label | This cell is `a|b` read. And \\| this one, too. |\n",
			[]string{"3 5 This cell is `a|b` read.", "3 4 And | this one, too."}},
		{"quotations", "> One is\n> here.\n", []string{"1 3 One is here."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, seen(Markdown("x.md", c.text))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const source = `// Package x has one. It has
// two.
//
//   - an item
//     goes on
//   - another one. And one
//
// After it:
//
//	code. Here
package x

//go:generate this. That

// T is a type; see [T]. //maporder:ok is text here.
type T struct {
	a int // a field
	b int // another field
}

//maporder:ok why this is so

/* A block. It
ends. */
func f() {} // of nothing.
`

func TestCommentsAreReadSentenceBySentence(t *testing.T) {
	found, err := Comments("x.go", source)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"1 4 Package x has one.", "1 3 It has two.",
		"4 4 an item goes on", "6 2 another one.", "6 2 And one", "8 2 After it:",
		"15 6 T is a type; see [T].", "15 4 //maporder:ok is text here.",
		"17 2 a field", "18 2 another field",
		"23 2 A block.", "23 2 It ends.", "25 2 of nothing.",
	}
	if diff := cmp.Diff(want, seen(found)); diff != "" {
		t.Error(diff)
	}
	if comments, code := Lines(source); comments != 15 || code != 6 {
		t.Errorf("%d lines of comments and %d of code", comments, code)
	}
}

func TestFiguresSumUp(t *testing.T) {
	sentences := []Sentence{{Words: 10}, {Words: Longest}, {Words: Longest + 1, File: "x.md", Line: 3, Text: "So."}}
	if got, want := Sum(sentences), (Figures{Sentences: 3, Words: 10 + 2*Longest + 1, Max: Longest + 1, Over: 1}); got != want {
		t.Errorf("%+v", got)
	}
	if mean := (Figures{}).Mean(); mean != 0 {
		t.Errorf("the mean of nothing is %v", mean)
	}
	if got := fmt.Sprint(Over(sentences)); got != "[x.md:3: 46 words: So.]" {
		t.Error(got)
	}
}
