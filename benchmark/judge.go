package benchmark

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cohortkv/cohort/benchmark/check/causal"
	"github.com/cohortkv/cohort/benchmark/check/linear"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/benchmark/report"
)

// Judge gives a history of strong buckets to both judges. The witness follows the numbers from
// first on. Porcupine ignores the numbers and checks key by key, one key on each processor at a
// time. Every key must be absent at the beginning.
func Judge(ops []history.Op, first uint64) report.Verdict {
	v := report.Verdict{Operations: len(ops), Violations: printed(linear.Witness(ops, first))}
	keys := linear.ByKey(ops)
	results := make([]linear.Result, len(keys))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(keys); i = int(next.Add(1)) - 1 {
				results[i] = linear.Key(keys[i])
			}
		})
	}
	wg.Wait()
	for _, r := range results {
		v.Slices += r.Slices
		v.Violations = append(v.Violations, printed(r.Violations)...)
	}
	return v
}

// JudgeCausal judges a history of causal buckets.
func JudgeCausal(ops []history.Op) (report.Verdict, error) {
	h, err := causal.Recorded(ops)
	if err != nil {
		return report.Verdict{}, err
	}
	r := causal.Check(h)
	return report.Verdict{Causal: true, Operations: r.Operations, Keys: r.Keys, Ended: h.Final != nil, Violations: printed(r.Violations)}, nil
}

func printed[V fmt.Stringer](list []V) (all []fmt.Stringer) {
	for _, v := range list {
		all = append(all, v)
	}
	return all
}

// JudgeFile judges a saved history like the run that saved it.
func JudgeFile(path string, first uint64) (report.Verdict, error) {
	f, err := os.Open(path)
	if err != nil {
		return report.Verdict{}, fmt.Errorf("judge: %w", err)
	}
	defer f.Close()
	ops, err := history.Load(f)
	if err != nil {
		return report.Verdict{}, fmt.Errorf("judge %s: %w", path, err)
	}
	if slices.ContainsFunc(ops, func(o history.Op) bool { return o.ID != 0 || o.Kind == history.Held }) {
		return JudgeCausal(ops)
	}
	return Judge(ops, first), nil
}

// save writes a history to path, or to a new temporary file if path is empty, and returns the path.
func save(path string, ops []history.Op) (string, error) {
	var f *os.File
	var err error
	if path == "" {
		f, err = os.CreateTemp("", "cohort-*.history")
	} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
		f, err = os.Create(path)
	}
	if err != nil {
		return "", fmt.Errorf("save history: %w", err)
	}
	err = history.Save(f, ops)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return f.Name(), err
}
