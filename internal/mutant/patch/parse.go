// Package patch plants the deliberate bugs of package mutant into copies of the source, so
// that the source itself has no trace of them. The command internal/cmd/mutants builds with
// these copies (decision 32, docs/testing.md §5).
//
// A patch file is named after its bug. It holds pieces of a diff without line numbers:
//
//	Folding forgets the counters.
//	@@ node/causal/version
//	 		old = further(old, v.Dot)
//	-		c.Ceil = max(c.Ceil, v.Counter)
//	+		if !mutant.On(mutant.CausalNoCeil) {
//	+			c.Ceil = max(c.Ceil, v.Counter)
//	+		}
//
// A hunk names a package, not a file, so code may move between the files of a package. What
// stands before the first hunk is a comment. A hunk that names a .go file adds that file.
package patch

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Hunk is one change of a patch.
type Hunk struct {
	File    string // the patch
	Line    int    // of the hunk in the patch; counts from 1
	Package string // its folder, slash-separated
	Added   string // the file that the hunk adds to the package; empty: the hunk changes lines
	lines   []line
}

// line is one line of a hunk. sign is ' ' for a line that stays, '-' for one that goes, and '+'
// for one that comes.
type line struct {
	sign byte
	text string
}

func (h *Hunk) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", h.File, h.Line, fmt.Sprintf(format, args...))
}

// without returns the lines of the hunk but for those of a sign.
func (h *Hunk) without(sign byte) []string {
	var texts []string
	for _, l := range h.lines {
		if l.sign != sign {
			texts = append(texts, l.text)
		}
	}
	return texts
}

// Load reads all patches of a folder, in the order of their names.
func Load(folder string) ([]Hunk, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.patch"))
	if err != nil {
		return nil, err
	}
	var all []Hunk
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		hunks, err := Parse(filepath.Base(file), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, hunks...)
	}
	return all, nil
}

// Parse reads the text of one patch.
func Parse(file, text string) ([]Hunk, error) {
	var hunks []Hunk
	for i, s := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if where, ok := strings.CutPrefix(s, "@@ "); ok {
			h := Hunk{File: file, Line: i + 1, Package: where}
			if path.Ext(where) == ".go" {
				h.Package, h.Added = path.Split(where)
				h.Package = path.Clean(h.Package)
			}
			hunks = append(hunks, h)
			continue
		}
		if len(hunks) == 0 {
			continue
		}
		if s == "" {
			s = " " // an editor has cut the end of the line off
		}
		if !strings.Contains(" -+", s[:1]) {
			return nil, fmt.Errorf("%s:%d: a line of a hunk begins with a blank, - or +", file, i+1)
		}
		h := &hunks[len(hunks)-1]
		h.lines = append(h.lines, line{s[0], s[1:]})
	}
	return hunks, nil
}
