// Command prose prints the length of the sentences of this repository, for each document
// and for the comments of each package. `make prose` runs it.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/cohortkv/cohort/internal/prose"
)

func main() {
	root := flag.String("root", ".", "the repository")
	strict := flag.Bool("strict", false, "fail if a document has a sentence longer than the bound")
	flag.Parse()
	over, err := run(os.Stdout, *root)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "prose:", err)
		os.Exit(1)
	case *strict && over > 0:
		fmt.Fprintf(os.Stderr, "prose: %d sentences of documents have more than %d words\n", over, prose.Longest)
		os.Exit(1)
	}
}

// run prints the long sentences and the tables. It returns how many sentences of
// documents are too long.
func run(out io.Writer, root string) (over int, err error) {
	documents, err := prose.Documents(root)
	if err != nil {
		return 0, err
	}
	packages, err := prose.Packages(root)
	if err != nil {
		return 0, err
	}
	for _, text := range append(documents, packages...) {
		for _, s := range prose.Over(text.Sentences) {
			fmt.Fprintln(out, s)
		}
	}
	all := table(out, "documents", documents)
	table(out, "comments of packages", packages)
	return all.Over, nil
}

// table prints the figures of each text, and of all of them.
func table(out io.Writer, title string, texts []prose.Text) prose.Figures {
	fmt.Fprintf(out, "\n%9s %6s %5s %5s %9s  %s\n", "sentences", "mean", "max",
		fmt.Sprintf(">%d", prose.Longest), "comments", title)
	var total prose.Text
	for _, text := range texts {
		total.Sentences = append(total.Sentences, text.Sentences...)
		total.Comments += text.Comments
		total.Code += text.Code
		row(out, text.Name, text)
	}
	row(out, "all "+title, total)
	return prose.Sum(total.Sentences)
}

func row(out io.Writer, name string, text prose.Text) {
	f := prose.Sum(text.Sentences)
	share := ""
	if lines := text.Comments + text.Code; lines > 0 {
		share = fmt.Sprintf("%.0f %%", 100*float64(text.Comments)/float64(lines))
	}
	fmt.Fprintf(out, "%9d %6.1f %5d %5d %9s  %s\n", f.Sentences, f.Mean(), f.Max, f.Over, share, name)
}
