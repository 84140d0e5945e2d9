package prose

import (
	"regexp"
	"strings"

	"github.com/cohortkv/cohort/internal/markdown"
)

// leastOfCell is the least number of words that make a table cell a sentence; fewer are a
// label.
const leastOfCell = 4

var (
	item     = regexp.MustCompile(`^\s*(?:[-*+]|\d+[.)]|[a-z][.)])\s+`)
	ruler    = regexp.MustCompile(`^\s*([-*_]\s*){3,}$`)
	tableRow = regexp.MustCompile(`^\s*\|`)
	tableBar = regexp.MustCompile(`^\s*\|[\s|:-]+$`)
)

// Markdown lists the sentences of a document. Each paragraph, list item and table cell is
// read by itself. A cell of few words is a label and no sentence. Headings, fenced code
// (diagrams too) and code that is indented after a blank line are not read.
func Markdown(file, text string) (found []Sentence) {
	d := document{file: file}
	for line := range markdown.Lines(text) {
		if line.Code {
			d.close()
			continue
		}
		d.read(line.Number, line.Text)
	}
	d.close()
	return d.found
}

type document struct {
	file   string
	found  []Sentence
	open   block
	listed bool // the open block, or the one before a blank line, is in a list
}

func (d *document) close() {
	if d.open.text != "" {
		d.found = append(d.found, d.open.sentences(d.file, 1)...)
	}
	d.open = block{}
}

func (d *document) read(number int, line string) {
	blank := strings.TrimSpace(line) == ""
	_, titled := markdown.Heading(line)
	switch {
	case blank, titled, ruler.MatchString(line):
		d.close()
		d.listed = d.listed && blank
	case tableRow.MatchString(line):
		d.close()
		d.row(number, line)
	case d.open.text == "" && !d.listed && strings.HasPrefix(line, "    "):
		// indented code
	default:
		d.text(number, line)
	}
}

// text reads a line of a paragraph, of a quotation or of a list item.
func (d *document) text(number int, line string) {
	line = strings.TrimLeft(line, "> ")
	if mark := item.FindString(line); mark != "" {
		d.close()
		d.listed = true
		line = line[len(mark):]
	} else if d.open.text == "" && !strings.HasPrefix(line, " ") {
		d.listed = d.listed && line == ""
	}
	d.open.add(number, strings.TrimSpace(line))
}

// row reads a table row cell by cell. A bar in a code span, or after a backslash, belongs
// to its cell.
func (d *document) row(number int, line string) {
	if tableBar.MatchString(line) {
		return
	}
	const bar = "\uE001"
	line = strings.ReplaceAll(line, `\|`, bar)
	line = markdown.CodeSpans(line, func(s string) string { return strings.ReplaceAll(s, "|", bar) })
	for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
		for part := range strings.SplitSeq(cell, "<br>") {
			b := block{line: number, text: strings.ReplaceAll(part, bar, "|")}
			d.found = append(d.found, b.sentences(d.file, leastOfCell)...)
		}
	}
}
