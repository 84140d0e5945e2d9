// Package markdown reads as much of Markdown as checks of documents need: lines with and
// without code, headings and their anchors, code spans, links. It follows CommonMark where
// the documents of this repository do.
package markdown

import (
	"iter"
	"regexp"
	"strings"
	"unicode"
)

var (
	fence    = regexp.MustCompile("^\\s*(```+|~~~+)")
	heading  = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
	codeSpan = regexp.MustCompile("``(?:[^\n]|\n[^\n])+?``|`(?:[^`\n]|\n[^`\n])+`") // a span ends with its paragraph
	link     = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// Line is a line of a document.
type Line struct {
	Number int // from 1
	Text   string
	Code   bool // it belongs to fenced code, or is a fence
}

// Lines yields the lines of a document. A fence closes the one that is open if it has the
// same characters, and as many of them.
func Lines(text string) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		open := "" // the fence that is open
		number := 0
		for line := range strings.SplitSeq(text, "\n") {
			number++
			code := open != ""
			if m := fence.FindStringSubmatch(line); m != nil {
				code = true
				switch {
				case open == "":
					open = m[1]
				case strings.HasPrefix(m[1], open):
					open = ""
				}
			}
			if !yield(Line{number, line, code}) {
				return
			}
		}
	}
}

// Heading returns the title of a line that is a heading.
func Heading(line string) (title string, is bool) {
	m := heading.FindStringSubmatch(line)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// Anchor returns the anchor of a heading, as GitHub makes it.
func Anchor(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(LinkText(title)) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// LinkText replaces links and images by their text.
func LinkText(text string) string { return link.ReplaceAllString(text, "$1") }

// CodeSpans replaces each code span. A span may extend over several lines of a paragraph.
func CodeSpans(text string, replace func(span string) string) string {
	return codeSpan.ReplaceAllStringFunc(text, replace)
}

// BlankFences blanks fenced code. Offsets do not change.
func BlankFences(text string) string {
	lines := make([]string, 0, strings.Count(text, "\n")+1)
	for line := range Lines(text) {
		if line.Code {
			line.Text = strings.Repeat(" ", len(line.Text))
		}
		lines = append(lines, line.Text)
	}
	return strings.Join(lines, "\n")
}

// BlankCode blanks fenced code and code spans. Offsets and lines do not change.
func BlankCode(text string) string {
	return CodeSpans(BlankFences(text), func(span string) string {
		blank := []byte(span)
		for i, b := range blank {
			if b != '\n' {
				blank[i] = ' '
			}
		}
		return string(blank)
	})
}
