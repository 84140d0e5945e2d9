package benchmark

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/cohortkv/cohort/benchmark/report"
)

// changeLog records the changes of a cluster during a run, and prints each at once.
type changeLog struct {
	out   io.Writer
	clock func() int64 // of the history
	mu    struct {
		sync.Mutex
		changes []report.Change
	}
}

// note is called when a change begins. The returned function is called when the change ends.
func (l *changeLog) note(text string) (done func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "fault: %s\n", text)
	now := l.clock()
	i := len(l.mu.changes)
	l.mu.changes = append(l.mu.changes, report.Change{Text: text, From: now, To: now})
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.mu.changes[i].To = l.clock()
	}
}

func (l *changeLog) all() []report.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.mu.changes)
}
