package api

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const document = "../docs/api.md"

func readDocument(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every problem code is in the document with its status, and the document has no
// other code.
func TestTheDocumentHasEveryProblemCode(t *testing.T) {
	text := readDocument(t)
	codes := Codes()
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (\\d{3}) \\|").FindAllStringSubmatch(text, -1) {
		if status, known := codes[Code(m[1])]; !known || fmt.Sprint(status) != m[2] {
			t.Errorf("%s says that %s is %s", document, m[1], m[2])
		}
		delete(codes, Code(m[1]))
	}
	for code, status := range codes {
		t.Errorf("%s has no row for %s, %d", document, code, status)
	}
}

func TestTheDocumentHasTheTableOfOutcomes(t *testing.T) {
	text := readDocument(t)
	rows := regexp.MustCompile(`(?m)^\| (\d{3}) \| ([a-z-]+) \| ([a-z-]+) \| ([a-z-]+) \|$`).FindAllString(text, -1)
	var want []string
	for _, status := range slices.Sorted(maps.Keys(outcomes)) {
		want = append(want, fmt.Sprintf("| %d | %s | %s | %s |", status,
			OutcomeOf(Read, status), OutcomeOf(Put, status), OutcomeOf(Delete, status)))
	}
	if !slices.Equal(rows, want) {
		t.Errorf("%s has another table:\n%s\nwant\n%s", document, strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
}

// Every path of the OpenAPI description is in the document. Other tests compare
// that description with answers.
func TestTheDocumentHasEveryPath(t *testing.T) {
	text := readDocument(t)
	paths := regexp.MustCompile(`(?m)^  (/[^\s:]+):`).FindAllStringSubmatch(OpenAPI, -1)
	if len(paths) < 10 {
		t.Fatalf("only %d paths found", len(paths))
	}
	for _, path := range paths {
		if !strings.Contains(text, "\n| `"+path[1]+"` |") {
			t.Errorf("%s has no row for %s", document, path[1])
		}
	}
	for _, header := range []string{
		HeaderMsgNum, HeaderNodeID, HeaderLossy, HeaderNode, HeaderView, HeaderVersion, HeaderDeleted, HeaderETag, HeaderSession,
	} {
		if !strings.Contains(text, "`"+header+"`") {
			t.Errorf("%s does not explain %s", document, header)
		}
	}
}
