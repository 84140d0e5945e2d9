package archtest

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/internal/markdown"
)

// cites lists the files that are read for citations: by name or, with a dot, by extension.
var cites = []string{".go", ".md", ".yaml", ".yml", ".txt", ".conf", ".editorconfig", "Makefile", "Dockerfile", "scripts/*", ".ci/*"}

// absent matches documents that the repository no longer has. Names are matched exactly:
// docs/causal.md is a different document.
var absent = regexp.MustCompile(`\b(?:(?:DESIGN|STRONG|CAUSAL|COUNCIL|API|HAZARDS|STYLE)(?:\.md\b|,?\s+§)|(?:DESIGN|COUNCIL|HAZARDS)\b)`)

var (
	markdownFile = regexp.MustCompile(`[\w./-]*[\w-]\.md\b`)
	decision     = regexp.MustCompile(`\bdecisions/(\d{4})\b|\b[dD]ecisions?(?: records?)? (\d{4})\b`)
	sourcePath   = regexp.MustCompile(`[\w.{}*/-]+/[\w.{}*/-]*\w|\b\w+\.go\b`)
	section      = regexp.MustCompile(`§\s?(\d+(?:\.\d+)*[a-z]?)\b`)
	markdownLink = regexp.MustCompile(`\]\(([^()\s]+)\)`)

	// A § may follow another § of the same document, the name of a document, or a foreign
	// text.
	chained  = regexp.MustCompile(`§\s?\d[\d.]*[a-z]?(?:,|;|\s|and|or|to|–|-)*$`)
	ofOurs   = regexp.MustCompile("([\\w./-]*[\\w-]\\.md)(?:#[\\w-]*)?[`)\\]]*[,:]?\\s*\\[?$")
	ofOthers = regexp.MustCompile(`\b(?:RFC \d+|Raft|PacificA|[A-Z]\w+ et al\.|paper|dissertation)[,:]?\s*$`)
)

// CheckCitations reads the comments and the documents of the repository at root. Every
// file, decision record, section and anchor that they cite must exist.
func CheckCitations(root string) ([]Violation, error) {
	r, err := openRepository(root)
	if err != nil {
		return nil, err
	}
	var found []Violation
	for _, name := range r.names {
		if !slices.ContainsFunc(cites, func(c string) bool { return matchesName(c, name) }) {
			continue
		}
		c := citations{repository: r, file: name, text: r.texts[name]}
		if path.Ext(name) == ".go" {
			c.text = onlyComments(c.text)
		}
		found = append(found, c.check()...)
	}
	return found, nil
}

func matchesName(pattern, name string) bool {
	if strings.HasPrefix(pattern, ".") && strings.HasSuffix(name, pattern) {
		return true
	}
	ok, _ := path.Match(pattern, name) // the patterns are constants
	return ok
}

// repository holds the paths of every file below a root.
type repository struct {
	names    []string
	texts    map[string]string
	folders  map[string]bool
	bases    map[string]bool // names of files without their folders
	sections map[string]map[string]bool
	anchors  map[string]map[string]bool
}

func openRepository(root string) (*repository, error) {
	r := &repository{
		texts: map[string]string{}, folders: map[string]bool{}, bases: map[string]bool{},
		sections: map[string]map[string]bool{}, anchors: map[string]map[string]bool{},
	}
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || name == "bin" || name == planted):
			return fs.SkipDir
		case entry.IsDir():
			r.folders[name] = true
			return nil
		}
		text, err := fs.ReadFile(files, name)
		r.names = append(r.names, name)
		r.texts[name] = string(text)
		r.bases[path.Base(name)] = true
		return err
	})
	for _, name := range r.names {
		if path.Ext(name) == ".md" {
			r.sections[name], r.anchors[name] = headings(r.texts[name])
		}
	}
	return r, err
}

// planted is the folder of this package's deliberate violations.
const planted = "internal/archtest/testdata"

// exists reports whether a path is a file or a folder. The path may end in /... or contain
// stars.
func (r *repository) exists(name string) bool {
	name = strings.TrimSuffix(strings.TrimSuffix(name, "/..."), "/")
	if _, ok := r.texts[name]; ok || r.folders[name] {
		return true
	}
	return strings.ContainsAny(name, "*{") && slices.ContainsFunc(r.names, func(file string) bool {
		ok, err := path.Match(name, file)
		return ok || err != nil || strings.Contains(name, "{")
	})
}

// resolve returns the document that a file cites by a path. The path counts from the root,
// from the folder of the file, or from docs.
func (r *repository) resolve(from, cited string) (string, bool) {
	for _, name := range []string{path.Clean(cited), path.Join(path.Dir(from), cited), path.Join("docs", cited)} {
		if _, ok := r.texts[name]; ok {
			return name, true
		}
	}
	return "", false
}

// citations checks one file.
type citations struct {
	*repository
	file  string
	text  string
	found []Violation
}

func (c *citations) report(offset int, format string, args ...any) {
	line := 1 + strings.Count(c.text[:offset], "\n")
	c.found = append(c.found, Violation{File: c.file, Line: line, What: fmt.Sprintf(format, args...)})
}

func (c *citations) check() []Violation {
	for _, at := range absent.FindAllStringIndex(c.text, -1) {
		c.report(at[0], "%q is no document of this repository", strings.Join(strings.Fields(c.text[at[0]:at[1]]), " "))
	}
	c.checkLinks()
	c.checkDocuments()
	c.checkDecisions()
	c.checkPaths()
	c.checkSections()
	return c.found
}

// checkLinks checks the markdown links within the repository.
func (c *citations) checkLinks() {
	if path.Ext(c.file) != ".md" {
		return
	}
	text := markdown.BlankCode(c.text)
	for _, at := range markdownLink.FindAllStringSubmatchIndex(text, -1) {
		target := text[at[2]:at[3]]
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		name, anchor, _ := strings.Cut(target, "#")
		name = path.Join(path.Dir(c.file), name)
		if strings.HasPrefix(target, "#") {
			name = c.file
		}
		switch {
		case !c.exists(name):
			c.report(at[2], "link to %s, which does not exist", target)
		case anchor != "" && path.Ext(name) == ".md" && !c.anchors[name][anchor]:
			c.report(at[2], "link to %s: no heading has this anchor", target)
		}
	}
}

// checkDocuments checks the names of markdown files.
func (c *citations) checkDocuments() {
	for _, at := range markdownFile.FindAllStringIndex(c.text, -1) {
		cited := c.text[at[0]:at[1]]
		if absent.MatchString(cited) || strings.HasPrefix(cited, "//") || strings.Contains(before(c.text, at[0]), "://") || c.linked(at[0]) {
			continue
		}
		if _, ok := c.resolve(c.file, cited); !ok {
			c.report(at[0], "%s does not exist", cited)
		}
	}
}

// linked reports whether the text at an offset is the target of a link: checkLinks checks
// that.
func (c *citations) linked(offset int) bool {
	return strings.HasSuffix(c.text[:offset], "](") && path.Ext(c.file) == ".md"
}

// checkDecisions checks the numbers of decision records.
func (c *citations) checkDecisions() {
	for _, at := range decision.FindAllStringSubmatchIndex(c.text, -1) {
		number := submatch(c.text, at, 1) + submatch(c.text, at, 2)
		if !slices.ContainsFunc(c.names, func(name string) bool { return strings.HasPrefix(name, "docs/decisions/"+number) }) {
			c.report(at[0], "there is no decision %s", number)
		}
	}
}

// checkPaths checks files and folders. Text counts as a path only if it begins with a
// folder of the repository, and as a file name only if it ends in .go.
func (c *citations) checkPaths() {
	for _, at := range sourcePath.FindAllStringIndex(c.text, -1) {
		cited := c.text[at[0]:at[1]]
		if strings.HasSuffix(cited, ".md") || strings.Contains(before(c.text, at[0]), "://") || strings.Contains(cited, "//") {
			continue
		}
		if cited = strings.TrimPrefix(cited, "./"); !strings.Contains(cited, "/") {
			if path.Ext(cited) == ".go" && !strings.HasPrefix(cited, "_") && !c.bases[cited] && cited != "nats.go" {
				c.report(at[0], "no file is called %s", cited)
			}
			continue
		}
		first, _, _ := strings.Cut(cited, "/")
		if !c.folders[first] || decision.MatchString(cited) || !c.looksLikePath(cited) {
			continue
		}
		if !c.exists(cited) && !c.exists(withoutName(cited)) {
			c.report(at[0], "%s does not exist", cited)
		}
	}
}

// looksLikePath distinguishes paths from words with a slash between them, such as
// "client/server".
func (c *citations) looksLikePath(cited string) bool {
	first, rest, _ := strings.Cut(cited, "/")
	words := slices.Contains([]string{"api", "client", "docs", "test"}, first) && !strings.ContainsAny(rest, "/.")
	return !words
}

// withoutName removes the name of a declaration from the path of its package, as in
// node/wire.Life.
func withoutName(cited string) string {
	folder, last := path.Split(cited)
	pkg, _, _ := strings.Cut(last, ".")
	return folder + pkg
}

// checkSections checks the numbers of sections.
func (c *citations) checkSections() {
	document := "" // that the § belongs to
	for _, at := range section.FindAllStringSubmatchIndex(c.text, -1) {
		front, number := before(c.text, at[0]), submatch(c.text, at, 1)
		switch ours := ofOurs.FindStringSubmatch(front); {
		case ours != nil && absent.MatchString(ours[1]):
			document = ""
		case ours != nil:
			document, _ = c.resolve(c.file, ours[1]) // a document that does not exist was reported already
		case chained.MatchString(front):
		case ofOthers.MatchString(front), absent.MatchString(c.text[max(0, at[0]-12):at[1]]):
			document = ""
		case path.Ext(c.file) == ".md":
			document = c.file
		default:
			document = ""
			c.report(at[0], "§%s of which document?", number)
		}
		if document != "" && !c.sections[document][number] {
			c.report(at[0], "%s has no §%s", document, number)
		}
	}
}

// before returns the text before an offset, as far as a citation may extend.
func before(text string, offset int) string { return text[max(0, offset-80):offset] }

func submatch(text string, at []int, i int) string {
	if at[2*i] < 0 {
		return ""
	}
	return text[at[2*i]:at[2*i+1]]
}
