package harness

import (
	"os"
	"time"

	"github.com/cohortkv/cohort/benchmark"
	"github.com/cohortkv/cohort/benchmark/history"
)

// Judge fails the test unless all requests since the begin of the scenario are
// linearizable, by the numbers of the answers and by Porcupine.
func (l *Lab) Judge() {
	l.t.Helper()
	l.judge("the whole history", func(history.Op, int) bool { return true })
}

func (l *Lab) judge(what string, keep func(history.Op, int) bool) {
	l.t.Helper()
	l.judgeable()
	ops := l.recorder.ops(keep)
	began := time.Now()
	verdict := benchmark.Judge(ops, 1)
	l.say("%s: %d operations, %d slices, judged in %v", what, verdict.Operations, verdict.Slices, time.Since(began).Round(time.Millisecond))
	if len(verdict.Violations) == 0 {
		return
	}
	for _, v := range verdict.Violations {
		l.t.Errorf("%s: %v", what, v)
	}
	l.t.Errorf("history: %s", l.save(ops))
}

// judgeable fails the test if a request is open: the history lacks it.
func (l *Lab) judgeable() {
	l.t.Helper()
	for _, w := range l.open {
		select {
		case <-w.ended:
		default:
			l.t.Fatalf("%s is not over when the history is judged", w.what)
		}
	}
}

// save keeps a history that failed the judges.
func (l *Lab) save(ops []history.Op) string {
	l.t.Helper()
	file, err := os.CreateTemp("", "cohort-scenario-*.history")
	l.must(err)
	defer file.Close()
	l.must(history.Save(file, ops))
	return file.Name()
}
