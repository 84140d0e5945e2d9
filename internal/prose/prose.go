// Package prose measures the English of this repository: how many words a sentence
// has, in its documents and in the comments of its Go files. The tables of `make
// prose` are made of it, and a test of package archtest refuses long sentences with it.
//
// The package reads text and returns numbers. What counts as a sentence and as a word
// is in sentence.go; what of a document is read at all, in markdown.go; what of a Go
// file, in comments.go.
package prose

import (
	"fmt"
	"strings"
)

// Longest is how many words a sentence may have.
const Longest = 45

// Sentence is one sentence at the line on which it begins.
type Sentence struct {
	File  string // slash-separated, from the root of the repository
	Line  int
	Words int
	Text  string // on one line; a code span is shown as it is written
}

func (s Sentence) String() string {
	const most = 100
	text := s.Text
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%s:%d: %d words: %s", s.File, s.Line, s.Words, text)
}

// Figures sum up the sentences of a document or a package.
type Figures struct {
	Sentences int
	Words     int
	Max       int // words of the longest sentence
	Over      int // sentences longer than Longest
}

// Mean is the mean length of a sentence in words, 0 without sentences.
func (f Figures) Mean() float64 {
	if f.Sentences == 0 {
		return 0
	}
	return float64(f.Words) / float64(f.Sentences)
}

// Sum adds the sentences up.
func Sum(sentences []Sentence) Figures {
	var f Figures
	for _, s := range sentences {
		f.Sentences++
		f.Words += s.Words
		f.Max = max(f.Max, s.Words)
		if s.Words > Longest {
			f.Over++
		}
	}
	return f
}

// Over lists the sentences longer than Longest.
func Over(sentences []Sentence) (long []Sentence) {
	for _, s := range sentences {
		if s.Words > Longest {
			long = append(long, s)
		}
	}
	return long
}

// block is a run of text that no sentence leaves: a paragraph, a list item, a cell.
type block struct {
	line int // the line of the file on which text begins
	text string
}

func (b *block) add(line int, text string) {
	if b.text == "" {
		b.line = line
	} else {
		b.text += strings.Repeat("\n", max(1, line-b.line-strings.Count(b.text, "\n")))
	}
	b.text += text
}
