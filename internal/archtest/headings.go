package archtest

import (
	"fmt"
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
	"unicode"

	"github.com/cohortkv/cohort/internal/markdown"
)

var (
	numbered = regexp.MustCompile(`^#{2,6}\s+(?:§\s?)?(\d+(?:\.\d+)*[a-z]?)\.?\s`)
	rule     = regexp.MustCompile(`^(\s*)(?:[-*]\s+)?(?:\*\*)?(\d+|[a-z])[.)]\*{0,2}\s`)
)

// headings returns what may be cited of a markdown document: the numbers of its sections,
// and the anchors of its headings as GitHub makes them. A numbered rule counts as a part of
// its section: rule 2 of section 3 is 3.2, and part a of that rule is 3.2a.
func headings(text string) (sections, anchors map[string]bool) {
	sections, anchors = map[string]bool{}, map[string]bool{}
	section, item := "", ""
	for line := range strings.SplitSeq(markdown.BlankFences(text), "\n") {
		if title, is := markdown.Heading(line); is {
			section, item = "", ""
			if number := numbered.FindStringSubmatch(line); number != nil {
				section = number[1]
				sections[section] = true
			}
			anchor := markdown.Anchor(title)
			for i := 1; anchors[anchor]; i++ {
				anchor = fmt.Sprintf("%s-%d", markdown.Anchor(title), i)
			}
			anchors[anchor] = true
			continue
		}
		m := rule.FindStringSubmatch(line)
		switch {
		case m == nil || section == "":
		case unicode.IsDigit(rune(m[2][0])):
			item = section + "." + m[2]
			sections[item] = true
		case item != "" && m[1] != "": // a part of the rule before
			sections[item+m[2]] = true
		default:
			sections[section+m[2]] = true
		}
	}
	return sections, anchors
}

// onlyComments blanks everything in a Go file except its comments. Offsets do not change.
// Code becomes NUL, which no citation extends across.
func onlyComments(text string) string {
	out := []byte(text)
	for i, b := range out {
		if b > ' ' {
			out[i] = 0
		}
	}
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), nil, scanner.ScanComments)
	for {
		pos, kind, literal := s.Scan()
		if kind == token.EOF {
			return string(out)
		}
		if kind == token.COMMENT {
			offset := file.Offset(pos)
			copy(out[offset:], strings.Replace(literal, literal[:2], "  ", 1))
		}
	}
}
