package prose

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
)

var (
	directive = regexp.MustCompile(`^//(line |extern |export |[a-z0-9]+:[a-z0-9])`)
	nextItem  = regexp.MustCompile(`^\s+(?:[-*+•]|\d+[.)])\s`)
	docMark   = regexp.MustCompile(`^\s*#\s`)
)

// Comments lists the sentences of the comments of a Go file. Each group of comments is
// read as Go's documentation is: paragraphs end at blank lines, list items are
// indented and marked, other indented lines are code. Directives are not read.
func Comments(file, text string) ([]Sentence, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []Sentence
	for _, group := range syntax.Comments {
		found = append(found, ofGroup(file, lines(fset, group))...)
	}
	return found, nil
}

// line is a line of a comment without its marks.
type line struct {
	number int
	text   string
}

// lines splits a group into lines. A directive counts as a blank line.
func lines(fset *token.FileSet, group *ast.CommentGroup) (all []line) {
	for _, comment := range group.List {
		number := fset.Position(comment.Pos()).Line
		text, block := strings.CutPrefix(comment.Text, "/*")
		if !block {
			if directive.MatchString(text) {
				text = "//"
			}
			text = strings.TrimPrefix(text, "//")
		}
		text = strings.TrimPrefix(text, " ")
		for row := range strings.SplitSeq(strings.TrimSuffix(text, "*/"), "\n") {
			all = append(all, line{number, row})
			number++
		}
	}
	return all
}

func ofGroup(file string, all []line) (found []Sentence) {
	var open block
	end := func() {
		if open.text != "" {
			found = append(found, open.sentences(file, 1)...)
		}
		open = block{}
	}
	listed := false
	for _, l := range all {
		indented := strings.HasPrefix(l.text, " ") || strings.HasPrefix(l.text, "\t")
		switch text := strings.TrimSpace(l.text); {
		case text == "", docMark.MatchString(l.text):
			end()
		case nextItem.MatchString(l.text):
			end()
			listed = true
			open.add(l.number, strings.TrimSpace(nextItem.ReplaceAllString(l.text, "")))
		case indented && !listed:
			end() // code
		default:
			if !indented && listed {
				end()
				listed = false
			}
			open.add(l.number, text)
		}
	}
	end()
	return found
}

// Lines counts the lines of a Go file: those that hold nothing but a comment, and those
// that hold code. Blank lines are neither.
func Lines(text string) (comments, code int) {
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), nil, scanner.ScanComments)
	coded, commented := map[int]bool{}, map[int]bool{}
	for {
		pos, kind, literal := s.Scan()
		if kind == token.EOF {
			break
		}
		marks := coded
		if kind == token.COMMENT {
			marks = commented
		}
		if kind == token.SEMICOLON && literal == "\n" {
			continue
		}
		first := file.Line(pos)
		for i := range 1 + strings.Count(literal, "\n") {
			marks[first+i] = true
		}
	}
	for number := range commented {
		if !coded[number] {
			comments++
		}
	}
	return comments, len(coded)
}
