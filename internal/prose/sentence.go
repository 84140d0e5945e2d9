package prose

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cohortkv/cohort/internal/markdown"
)

// abbreviations do not end a sentence. They are in lower case and without their last full
// stop.
var abbreviations = map[string]bool{
	"e.g": true, "i.e": true, "cf": true, "vs": true, "etc": true, "approx": true, "resp": true,
	"sec": true, "fig": true, "no": true, "al": true, "incl": true, "max": true, "min": true, "p": true, "pp": true,
}

var (
	image  = regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)`)
	markup = regexp.MustCompile(`\*\*|\*|~~|</?[a-z]+( [^>]*)?/?>|<!--.*?-->`)
)

// span replaces a code span while words are counted: a code span is one word.
const span = "\uE000"

// sentences splits a block into sentences. A fragment of fewer than least words (a label in
// a table) is no sentence.
func (b block) sentences(file string, least int) (found []Sentence) {
	var spans []string
	text := markdown.CodeSpans(b.text, func(s string) string {
		spans = append(spans, strings.Join(strings.Fields(s), " "))
		return span + strings.Repeat("\n", strings.Count(s, "\n"))
	})
	text = image.ReplaceAllString(text, "")
	text = markdown.LinkText(text)
	text = markup.ReplaceAllString(text, "")

	restore := func(word string) string {
		for strings.Contains(word, span) {
			word = strings.Replace(word, span, spans[0], 1)
			spans = spans[1:]
		}
		return word
	}
	var words []string
	count, began := 0, b.line
	end := func() {
		if count >= least {
			found = append(found, Sentence{File: file, Line: began, Words: count, Text: strings.Join(words, " ")})
		}
		words, count = nil, 0
	}
	pieces := tokenize(text, b.line)
	for i, p := range pieces {
		if len(words) == 0 {
			began = p.line
		}
		words = append(words, restore(p.text))
		if isWord(p.text) {
			count++
		}
		if i+1 == len(pieces) || ends(p.text, pieces[i+1].text) {
			end()
		}
	}
	return found
}

type piece struct {
	text string
	line int
}

// tokenize splits a text at white space, and records the line of each piece.
func tokenize(text string, line int) (pieces []piece) {
	for row := range strings.SplitSeq(text, "\n") {
		for _, field := range strings.Fields(row) {
			pieces = append(pieces, piece{field, line})
		}
		line++
	}
	return pieces
}

// isWord reports whether a token counts as a word. Dashes, arrows and dots alone do not.
func isWord(token string) bool {
	return strings.ContainsFunc(token, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || string(r) == span
	})
}

// ends reports whether a token is the last of its sentence, given the next token.
func ends(token, next string) bool {
	bare := strings.TrimRight(token, `"”’')]*_`)
	last, size := utf8.DecodeLastRuneInString(bare)
	stem := bare[:len(bare)-size]
	switch last {
	case '!', '?':
		return true
	case '…':
		return beginsSentence(next)
	case '.':
		if abbreviations[strings.ToLower(strings.TrimLeft(stem, `("“‘'[`))] {
			return strings.EqualFold(stem, "etc") && beginsSentence(next)
		}
		return isWord(stem) || strings.ContainsAny(stem, `"”)]`)
	}
	return false
}

// beginsSentence reports whether a token begins with a capital letter.
func beginsSentence(token string) bool {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(token, `("“‘'[`))
	return unicode.IsUpper(first)
}
