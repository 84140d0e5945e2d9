package archtest

import (
	"testing"

	"github.com/cohortkv/cohort/internal/prose"
)

func TestDocumentsHaveNoLongSentences(t *testing.T) {
	documents, err := prose.Documents(root)
	if err != nil || len(documents) == 0 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	for _, document := range documents {
		for _, s := range prose.Over(document.Sentences) {
			t.Errorf("more than %d words: %s", prose.Longest, s)
		}
	}
}
