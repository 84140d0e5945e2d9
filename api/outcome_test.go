package api

import (
	"net/http"
	"testing"
)

func TestEveryCodeAgreesWithTheTableOfOutcomes(t *testing.T) {
	for code, status := range Codes() {
		p := NewProblem(code, "", "r")
		for _, op := range []Op{Put, Delete} {
			if code == CodeNoSuchKey || code == CodeNoSuchPath || code == CodeNoSuchBucket || code == CodeNoSuchNode {
				continue // 404 is an answer to a Delete; these say what did not exist
			}
			if got := OutcomeOf(op, status); got != p.Outcome {
				t.Errorf("%s: the problem says %s, the table of %d says %s", code, p.Outcome, status, got)
			}
		}
		if p.Retryable && p.Outcome != NotApplied {
			t.Errorf("%s may have been applied and says that it may be retried", code)
		}
		if status == http.StatusServiceUnavailable && !p.Retryable {
			t.Errorf("%s is a 503 and not retryable", code)
		}
	}
}

func TestWhatIsNotListedIsUnknownForWritesOnly(t *testing.T) {
	for _, status := range []int{0, 302, 418, 500, 502} {
		if OutcomeOf(Put, status).Definite() || OutcomeOf(Delete, status).Definite() {
			t.Errorf("%d is definite for a write", status)
		}
		if OutcomeOf(Read, status) != NotApplied {
			t.Errorf("%d is indefinite for a read", status)
		}
	}
}
