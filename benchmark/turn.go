package benchmark

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/benchmark/report"
	"github.com/cohortkv/cohort/benchmark/workload"
	"github.com/cohortkv/cohort/client"
)

// Report is the result of one run.
type Report struct {
	Figures     report.Run      // figures of the measurement
	Waits       []report.Wait   // cost of each change
	Verdict     *report.Verdict // nil if the history was not judged
	First       uint64          // the number that the first write of the run must get; of a strong bucket
	HistoryFile string          // empty if the file was temporary and the verdict is good
	FailedDials int64           // how often a client could not connect
	LongestSeen int             // longest session of a causal client, in bytes
	Unfinished  error           // why the run was interrupted; the other fields cover the operations until then
	Equal       time.Duration   // causal: from the last answer until all replicas were equal; negative: not measured
}

// Reports are the results of a run, one for each model.
type Reports []*Report

// ExitCode is 0 unless one of the verdicts is bad.
func (all Reports) ExitCode() int {
	for _, r := range all {
		if r.ExitCode() != 0 {
			return 1
		}
	}
	return 0
}

// ExitCode is 0 unless the verdict is bad or the run was interrupted.
func (r *Report) ExitCode() int {
	if r.Unfinished != nil || r.Verdict != nil && !r.Verdict.Clean() {
		return 1
	}
	return 0
}

// turn is one workload from its first number to its verdict.
type turn struct {
	name    string
	load    workload.Config
	cpu     func() (time.Duration, error) // nil: the servers' processor time is not known
	begin   func(clock func() int64)      // called when measuring begins, if not nil, with the clock of the history
	changes func() []report.Change        // changes during the turn; nil: none
	history string                        // file; empty: temporary
	noJudge bool

	converge time.Duration                           // how long replicas may take to become equal
	recorder *history.Recorder                       // nil: the turn's own
	view     func(context.Context) (api.View, error) // the view at the end; nil: a node is asked
}

// play runs the workload, saves its history and judges it. If ctx ends, or the cluster no longer
// answers, play returns an error, and a report of the operations until then.
func (t *turn) play(ctx context.Context) (*Report, error) {
	if t.load.Prefix == "" {
		// Keys of earlier runs have values that this history does not explain. So the
		// prefix must be new; nothing else depends on the prefix.
		t.load.Prefix = fmt.Sprintf("bench-%08x/", rand.Uint32())
	}
	first, err := t.firstNumber(ctx)
	if err != nil {
		return nil, err
	}
	if t.recorder == nil {
		t.recorder = history.NewRecorder()
	}
	meter := meter{cpu: t.cpu}
	t.load.Begin = func() {
		meter.begin()
		if t.begin != nil {
			t.begin(t.recorder.Now)
		}
	}
	t.load.End = meter.end
	result, unfinished := workload.Run(ctx, t.load, t.recorder)
	r := &Report{First: first, FailedDials: result.FailedDials, LongestSeen: result.LongestSeen, Equal: -1}
	ops := t.recorder.Ops()
	var stray []fmt.Stringer
	if unfinished == nil && t.load.Model == workload.Causal && t.load.Settle != nil {
		var held []history.Op
		held, stray, r.Equal, unfinished = t.replicas(ctx)
		ops = append(ops, held...)
	}
	r.Figures = report.Measure(t.name, ops, result.From, result.To, meter.used())
	if t.changes != nil {
		r.Waits = report.Waits(ops, t.changes(), result.From, result.To)
	}
	r.Unfinished = errors.Join(unfinished, meter.err)
	if err := t.conclude(r, ops, stray); err != nil {
		return nil, err
	}
	return r, r.Unfinished
}

// conclude saves the history and judges it. The file is kept if the configuration names it or the
// verdict is bad.
func (t *turn) conclude(r *Report, ops []history.Op, stray []fmt.Stringer) (err error) {
	if r.HistoryFile, err = save(t.history, ops); err != nil {
		return err
	}
	if !t.noJudge {
		if err := r.judge(t.load.Model, ops, stray); err != nil {
			return fmt.Errorf("%w (history: %s)", err, r.HistoryFile)
		}
	}
	if t.history == "" && r.ExitCode() == 0 {
		file := r.HistoryFile
		r.HistoryFile = ""
		return os.Remove(file)
	}
	return nil
}

// judge judges the history. stray are violations that were found elsewhere.
func (r *Report) judge(model workload.Model, ops []history.Op, stray []fmt.Stringer) error {
	if model == workload.Strong {
		verdict := Judge(ops, r.First)
		r.Verdict = &verdict
		return nil
	}
	verdict, err := JudgeCausal(ops)
	verdict.Violations = append(verdict.Violations, stray...)
	r.Verdict = &verdict
	return err
}

// firstNumber asks which number the next write will get, in models with numbers.
func (t *turn) firstNumber(ctx context.Context) (uint64, error) {
	if t.load.Model == workload.Causal {
		return 0, nil
	}
	return firstNumber(ctx, t.load.URLs[0], t.load.Access, t.load.Prefix+"probe")
}

// firstNumber asks which number the next write will get.
func firstNumber(ctx context.Context, url string, access client.Access, key string) (uint64, error) {
	c, err := client.NewWithAccess(url, access)
	if err != nil {
		return 0, fmt.Errorf("first number: %w", err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := c.Get(ctx, api.BucketStrong, key, client.Options{})
	if err != nil {
		return 0, fmt.Errorf("first number: %w", err)
	}
	return answer.MsgNum, nil
}

// meter reads the processor time of the servers at both ends of the measurement.
type meter struct {
	cpu      func() (time.Duration, error)
	from, to time.Duration
	err      error
}

func (m *meter) begin() { m.from = m.read() }
func (m *meter) end()   { m.to = m.read() }

func (m *meter) read() time.Duration {
	if m.cpu == nil {
		return 0
	}
	spent, err := m.cpu()
	m.err = errors.Join(m.err, err)
	return spent
}

// used returns the processor time; negative if it is not known.
func (m *meter) used() time.Duration {
	if m.cpu == nil {
		return -1
	}
	return m.to - m.from
}
