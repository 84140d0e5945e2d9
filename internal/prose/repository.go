package prose

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// Text is a document, or the comments of a package.
type Text struct {
	Name      string // the file, or the folder of the package
	Sentences []Sentence
	Comments  int // lines of a package that are comments, tests left out
	Code      int // lines of a package that are code, tests left out
}

// Documents reads the documents of the repository at root, by name: the markdown files at
// its top and below docs.
func Documents(root string) ([]Text, error) {
	var texts []Text
	err := files(root, ".md", func(name, text string) error {
		if !strings.Contains(name, "/") || strings.HasPrefix(name, "docs/") {
			texts = append(texts, Text{Name: name, Sentences: Markdown(name, text)})
		}
		return nil
	})
	return texts, err
}

// Packages reads the comments of all Go packages of the repository at root, by folder.
func Packages(root string) ([]Text, error) {
	packages := map[string]*Text{}
	err := files(root, ".go", func(name, text string) error {
		folder := path.Dir(name)
		pkg := packages[folder]
		if pkg == nil {
			pkg = &Text{Name: folder}
			packages[folder] = pkg
		}
		sentences, err := Comments(name, text)
		pkg.Sentences = append(pkg.Sentences, sentences...)
		if !strings.HasSuffix(name, "_test.go") {
			comments, code := Lines(text)
			pkg.Comments += comments
			pkg.Code += code
		}
		return err
	})
	var texts []Text
	for _, folder := range slices.Sorted(maps.Keys(packages)) {
		texts = append(texts, *packages[folder])
	}
	return texts, err
}

// files calls read for every file with an extension below root. Hidden folders and testdata
// are left out.
func files(root, extension string, read func(name, text string) error) error {
	repository := os.DirFS(root)
	return fs.WalkDir(repository, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != extension:
			return nil
		}
		text, err := fs.ReadFile(repository, name)
		if err != nil {
			return err
		}
		return read(name, string(text))
	})
}
