package archtest

import (
	"fmt"
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
	"unicode"
)

var (
	heading  = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
	numbered = regexp.MustCompile(`^#{2,6}\s+(?:§\s?)?(\d+(?:\.\d+)*[a-z]?)\.?\s`)
	rule     = regexp.MustCompile(`^(\s*)(?:[-*]\s+)?(?:\*\*)?(\d+|[a-z])[.)]\*{0,2}\s`)
	fence    = regexp.MustCompile("^\\s*(?:```|~~~)")
	codeSpan = regexp.MustCompile("`[^`\n]*`")
	anLink   = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// headings returns what may be cited of a markdown document: the numbers of its sections,
// and the anchors of its headings as GitHub makes them. A numbered rule counts as a part of
// its section: rule 2 of section 3 is 3.2, and part a of that rule is 3.2a.
func headings(text string) (sections, anchors map[string]bool) {
	sections, anchors = map[string]bool{}, map[string]bool{}
	section, item := "", ""
	for line := range strings.SplitSeq(blankFences(text), "\n") {
		if m := heading.FindStringSubmatch(line); m != nil {
			section, item = "", ""
			if number := numbered.FindStringSubmatch(line); number != nil {
				section = number[1]
				sections[section] = true
			}
			anchor := slug(m[1])
			for i := 1; anchors[anchor]; i++ {
				anchor = fmt.Sprintf("%s-%d", slug(m[1]), i)
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

// slug returns the anchor of a heading.
func slug(title string) string {
	title = anLink.ReplaceAllString(title, "$1")
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// blankFences blanks fenced code.
func blankFences(text string) string {
	var lines []string
	fenced := false
	for line := range strings.SplitSeq(text, "\n") {
		edge := fence.MatchString(line)
		if fenced || edge {
			line = strings.Repeat(" ", len(line))
		}
		fenced = fenced != edge
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// blankCode blanks fenced code and code spans. Offsets do not change.
func blankCode(text string) string {
	return codeSpan.ReplaceAllStringFunc(blankFences(text), func(s string) string { return strings.Repeat(" ", len(s)) })
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
