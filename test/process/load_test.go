package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohortkv/cohort/benchmark/check/linear"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/benchmark/workload"
)

// trial is one load on a cluster with faults, and the judgement of its history.
type trial struct {
	nodes
	recorder *history.Recorder
}

func newTrial(n nodes) *trial { return &trial{nodes: n, recorder: history.NewRecorder()} }

// The load is 64 clients on 16 keys. Each client has one key, because Porcupine can search
// at most five clients a key.
const (
	keys          = 16
	clientsPerKey = 4
)

// config is the load on one key through some nodes.
func (r *trial) config(key int, through ...int) workload.Config {
	cfg := workload.Default()
	cfg.URLs, cfg.Surface = r.URLs(through...), workload.Classic
	cfg.Prefix, cfg.Keys, cfg.Clients, cfg.ValueSize = fmt.Sprintf("key %d.", key), 1, clientsPerKey, 64
	cfg.Puts, cfg.Gets, cfg.Deletes, cfg.Seed = 45, 45, 10, uint64(key)
	cfg.Warmup, cfg.Duration, cfg.Timeout = 0, seconds, patience
	return cfg
}

// load runs the clients through all nodes, and meanwhile the faults. It returns when the
// last client has its answer.
func (r *trial) load(meanwhile func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	var began, running sync.WaitGroup
	var errs [keys]error
	began.Add(keys)
	for key := range keys {
		through := []int{key % 3, (key + 1) % 3, (key + 2) % 3}
		cfg := r.config(key, through...)
		cfg.Begin = began.Done
		running.Go(func() { _, errs[key] = workload.Run(ctx, cfg, r.recorder) })
	}
	began.Wait()
	meanwhile()
	running.Wait()
	r.must(errors.Join(errs[:]...))
}

// readAll reads every key through some nodes after the load. These reads show an
// acknowledged write that was lost and that no earlier read has missed.
func (r *trial) readAll(through ...int) {
	r.t.Helper()
	for _, i := range through {
		for key := range keys {
			cfg := r.config(key, i)
			cfg.Clients, cfg.Pinned = 1, true
			cfg.Puts, cfg.Gets, cfg.Deletes = 0, 1, 0
			cfg.Duration, cfg.Count = 0, 1
			_, err := workload.Run(r.t.Context(), cfg, r.recorder)
			r.must(err)
		}
	}
}

// judge judges the whole history twice, independently: by the numbers of the answers, and
// by Porcupine key by key.
func (r *trial) judge() {
	r.t.Helper()
	ops := r.recorder.Ops()
	file := r.save(ops)
	violations, slices := linear.Witness(ops, 1), 0
	for _, result := range porcupine(linear.ByKey(ops)) {
		slices += result.Slices
		violations = append(violations, result.Violations...)
	}
	for _, v := range violations {
		r.t.Errorf("%v\nhistory: %s", v, file)
	}
	r.t.Logf("%s; judged by witness, and by Porcupine in %d slices", summary(ops), slices)
	if !r.t.Failed() {
		r.must(os.Remove(file))
	}
}

// porcupine judges keys, as many at a time as there are processors.
func porcupine(byKey [][]history.Op) []linear.Result {
	results := make([]linear.Result, len(byKey))
	var next atomic.Int64
	var judges sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		judges.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(byKey)); i = next.Add(1) - 1 {
				results[i] = linear.Key(byKey[i])
			}
		})
	}
	judges.Wait()
	return results
}

// save saves the history before it is judged. The file stays if a judge rejects the
// history.
func (r *trial) save(ops []history.Op) string {
	r.t.Helper()
	var out bytes.Buffer
	r.must(history.Save(&out, ops))
	file, err := os.CreateTemp("", "cohort-history-")
	r.must(err)
	defer file.Close()
	_, err = file.Write(out.Bytes())
	r.must(err)
	return file.Name()
}

func summary(ops []history.Op) string {
	count := map[history.Outcome]int{}
	for i := range ops {
		count[ops[i].Outcome]++
	}
	return fmt.Sprintf("%d operations: %d done, %d refused, %d unknown", len(ops),
		count[history.OK], count[history.NotApplied], count[history.Unknown])
}

// pause lets a part of the load's time pass, so that the next fault comes in the middle of
// the load.
func (r *trial) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.t.Context().Done():
	}
}

func TestAQuietClusterIsLinearizable(t *testing.T) {
	r := newTrial(startServing(t))
	r.load(func() {})
	r.readAll(0, 1, 2)
	r.judge()
}

func TestNothingIsLostWhenThePrimaryIsKilled(t *testing.T) {
	r := newTrial(startServing(t))
	r.load(func() {
		r.pause(seconds / 3)
		r.must(r.Kill(0))
		r.putView(1, 2)
	})
	r.readAll(1, 2)
	r.judge()
}

func TestNothingIsLostWhenAProcessIsStopped(t *testing.T) {
	for who, name := range []string{"the primary", "a backup"} {
		t.Run(name, func(t *testing.T) {
			r := newTrial(startServing(t))
			r.load(func() {
				r.pause(seconds / 3)
				r.must(r.Pause(who))
				r.pause(min(5*time.Second, seconds/3))
				r.must(r.Resume(who))
			})
			r.readAll(0, 1, 2)
			r.judge()
		})
	}
}
