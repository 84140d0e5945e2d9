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
	Figures     report.Run
	Waits       []report.Wait   // what each change cost
	Verdict     *report.Verdict // nil when nobody was asked to judge
	First       uint64          // the number that the run's first write had to get
	HistoryFile string          // empty when it was temporary and nothing spoke against it
	FailedDials int64
}

// ExitCode is 0 unless a judge found against the run.
func (r *Report) ExitCode() int {
	if r.Verdict != nil && !r.Verdict.Linearizable() {
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
	changes func() []report.Change        // what happened meanwhile; nil: nothing
	history string                        // file; empty: temporary
	noJudge bool
}

// play runs the workload, saves its history, even of a run that went wrong, and
// judges it.
func (t *turn) play(ctx context.Context) (*Report, error) {
	if t.load.Prefix == "" {
		// Keys of earlier runs have values that this history does not explain, so
		// the prefix must be new; nothing else depends on it.
		t.load.Prefix = fmt.Sprintf("bench-%08x/", rand.Uint32())
	}
	first, err := firstNumber(ctx, t.load.URLs[0], t.load.Prefix+"probe")
	if err != nil {
		return nil, err
	}
	meter, recorder := meter{cpu: t.cpu}, history.NewRecorder()
	t.load.Begin = func() {
		meter.begin()
		if t.begin != nil {
			t.begin(recorder.Now)
		}
	}
	t.load.End = meter.end
	result, err := workload.Run(ctx, t.load, recorder)
	ops := recorder.Ops()
	file, saveErr := save(t.history, ops)
	if err := errors.Join(err, saveErr, meter.err); err != nil {
		return nil, fmt.Errorf("%w (history: %s, first number %d)", err, file, first)
	}
	r := &Report{First: first, HistoryFile: file, FailedDials: result.FailedDials,
		Figures: report.Measure(t.name, ops, result.From, result.To, meter.used())}
	if t.changes != nil {
		r.Waits = report.Waits(ops, t.changes(), result.From, result.To)
	}
	if !t.noJudge {
		verdict := Judge(ops, first)
		r.Verdict = &verdict
	}
	if t.history == "" && r.ExitCode() == 0 {
		r.HistoryFile = ""
		return r, os.Remove(file)
	}
	return r, nil
}

// firstNumber asks which number the next write will get.
func firstNumber(ctx context.Context, url, key string) (uint64, error) {
	c, err := client.New(url, nil)
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

// meter reads the servers' processor time at both ends of the measurement.
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

// used is negative when it is not known.
func (m *meter) used() time.Duration {
	if m.cpu == nil {
		return -1
	}
	return m.to - m.from
}
