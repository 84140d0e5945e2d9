// Package prose measures the sentences of this repository: their number of words, in its
// documents and in the comments of its Go files. `make prose` prints the figures, and a
// test of package archtest refuses long sentences.
//
// The package reads text and returns numbers. sentence.go defines sentences and words;
// markdown.go and comments.go define which text of a document or a Go file is read.
package prose

import (
	"fmt"
	"strings"
)

// Longest is the largest number of words that a sentence may have.
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

// Figures are the figures of a document or a package.
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

// Sum returns the figures of some sentences.
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

// block is text that contains whole sentences: a paragraph, a list item, a cell.
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
