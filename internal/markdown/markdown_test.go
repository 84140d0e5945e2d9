package markdown

import (
	"strings"
	"testing"
)

func TestAFenceIsClosedByOneOfItsKind(t *testing.T) {
	const document = "a\n```sh\n~~~\nx\n````\nb\n  ~~~\n```\n~~~~\nc\n```\nopen"
	var code []string
	for line := range Lines(document) {
		if line.Code {
			code = append(code, line.Text)
		} else if line.Text != "a" && line.Text != "b" && line.Text != "c" {
			t.Errorf("line %d, %q, is no code", line.Number, line.Text)
		}
	}
	if got := strings.Join(code, ","); got != "```sh,~~~,x,````,  ~~~,```,~~~~,```,open" {
		t.Errorf("the code is %s", got)
	}
}

func TestOnlyAMarkAndASpaceMakeAHeading(t *testing.T) {
	for line, want := range map[string]string{
		"# A title": "A title", "###### b ##": "b", "##  `c` and [d](e.md)": "`c` and [d](e.md)",
		"#no": "", "text": "", " # indented": "", "####### seven": "",
	} {
		if got, is := Heading(line); got != want || is != (want != "") {
			t.Errorf("%q: %q", line, got)
		}
	}
}

func TestAnAnchorIsMadeOfTheTextOfATitle(t *testing.T) {
	for title, want := range map[string]string{"1.4 More, `x` and [y](z.md)": "14-more-x-and-y", "§5 Last": "5-last", "a_b-c": "a_b-c"} {
		if got := Anchor(title); got != want {
			t.Errorf("%q: %q", title, got)
		}
	}
}

func TestCodeIsBlankedWhereItIs(t *testing.T) {
	const document = "a `b` ``c ` d`` `e\nf` `g\n\nh` i\n```\nj\n```\nk"
	want := "a" + strings.Repeat(" ", 17) + "\n   `g\n\nh` i\n   \n \n   \nk"
	if got := BlankCode(document); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
