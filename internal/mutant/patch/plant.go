package patch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutantImport is what a file needs in which a hunk asks which bug is on.
const mutantImport = `import "github.com/cohortkv/cohort/internal/mutant"`

// Plant returns the files below root that the hunks change or add, with their new text. The
// keys are paths relative to root. The lines that a hunk names must occur exactly once in its
// package, and no line may be changed by two hunks. All violations are returned together.
func Plant(root string, hunks []Hunk) (map[string][]byte, error) {
	files, packages, planted := map[string]*source{}, map[string][]*source{}, map[string][]byte{}
	var errs []error
	for i := range hunks {
		h := &hunks[i]
		in, read := packages[h.Package]
		if !read {
			var err error
			if in, err = readPackage(root, h.Package); err != nil {
				return nil, h.errorf("%v", err)
			}
			packages[h.Package] = in
			for _, s := range in {
				files[s.path] = s
			}
		}
		if h.Added != "" {
			errs = append(errs, h.add(files, planted))
			continue
		}
		errs = append(errs, h.place(in))
	}
	for _, s := range files {
		if len(s.edits) == 0 {
			continue
		}
		text, err := s.edited()
		planted[s.path] = text
		errs = append(errs, err)
	}
	return planted, errors.Join(errs...)
}

// add adds the file of a hunk.
func (h *Hunk) add(files map[string]*source, planted map[string][]byte) error {
	name := h.Package + "/" + h.Added
	if files[name] != nil || planted[name] != nil {
		return h.errorf("%s exists already", name)
	}
	planted[name] = []byte(strings.Join(h.without('-'), "\n") + "\n")
	return nil
}

// place finds the lines of a hunk in its package, and notes the changes at their file.
func (h *Hunk) place(in []*source) error {
	old := h.without('+')
	if len(old) == 0 {
		return h.errorf("a hunk names at least one line of %s", h.Package)
	}
	var found *source
	at, times := 0, 0
	for _, s := range in {
		for i := range s.lines {
			if len(s.lines)-i >= len(old) && slices.Equal(s.lines[i:i+len(old)], old) {
				found, at, times = s, i, times+1
			}
		}
	}
	if times != 1 {
		return h.errorf("these lines occur %d times in %s:\n%s\n"+
			"A hunk must name lines that occur once. If the code has changed, change the hunk in the same way, and keep its bug.\n"+
			"If the rule is gone, remove the patch and the name of the bug (docs/testing.md §5).", times, h.Package, strings.Join(old, "\n"))
	}
	for i := 0; i < len(h.lines); {
		if h.lines[i].sign == ' ' {
			i, at = i+1, at+1
			continue
		}
		e := edit{from: at, by: h}
		for ; i < len(h.lines) && h.lines[i].sign != ' '; i++ {
			if h.lines[i].sign == '-' {
				at++
			} else {
				e.text = append(e.text, h.lines[i].text)
			}
		}
		e.to = at
		found.edits = append(found.edits, e)
	}
	return nil
}

// source is one file of a package, and the changes to it.
type source struct {
	path  string // relative to the root, slash-separated
	lines []string
	edits []edit
}

// edit replaces the lines from (included) to (not included).
type edit struct {
	from, to int
	text     []string
	by       *Hunk
}

// readPackage reads the files of a package, without its tests.
func readPackage(root, folder string) ([]*source, error) {
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*.go"))
	if err != nil {
		return nil, err
	}
	var in []*source
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		in = append(in, &source{path: folder + "/" + filepath.Base(file), lines: strings.Split(string(text), "\n")})
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("there is no package %s", folder)
	}
	return in, nil
}

// edited returns the text of a file with its changes. Several changes may insert lines at one
// place; they come in the order of their patches.
func (s *source) edited() ([]byte, error) {
	slices.SortStableFunc(s.edits, func(a, b edit) int { return a.from - b.from })
	var out []string
	at := 0
	for _, e := range s.edits {
		if e.from < at {
			return nil, e.by.errorf("another patch changes the same lines of %s: put both bugs into one hunk", s.path)
		}
		out = append(append(out, s.lines[at:e.from]...), e.text...)
		at = e.to
	}
	out = append(out, s.lines[at:]...)
	if slices.ContainsFunc(s.edits, edit.asks) {
		addImport(out)
	}
	return []byte(strings.Join(out, "\n")), nil
}

// asks reports whether a change asks which bug is on.
func (e edit) asks() bool {
	return slices.ContainsFunc(e.text, func(l string) bool { return strings.Contains(l, "mutant.On(") })
}

// addImport imports package mutant. The import stands in the line of the package clause, so the
// numbers of the lines stay.
func addImport(lines []string) {
	if i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "package ") }); i >= 0 {
		lines[i] += "; " + mutantImport
	}
}
