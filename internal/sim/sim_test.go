package sim

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/tally"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/world"
)

const (
	few          = 300  // schedules that are run unless the environment gives a number
	enough       = 1500 // schedules that suffice to see every transition
	enoughCausal = 400  // the same for causal buckets alone
)

// sees reports whether so many schedules must have seen every transition of the profile.
// Profiles other than the usual one are not asked for all transitions.
func (f *fleet) sees(runs int) bool {
	return f.profile == schedule.Usual && (runs >= enough || f.model == schedule.Causal && runs >= enoughCausal)
}

// shrinkTries bounds how long a failing schedule is cut down.
const shrinkTries = 300

// setting reads a number from the environment; otherwise is its default.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q is not a number", name, text)
	}
	return n
}

// operatorSet reads the operator from the environment. The default is sane.
func operatorSet(t *testing.T) schedule.Operator {
	text := os.Getenv("COHORT_SIM_OPERATOR")
	kind, ok := schedule.OperatorNamed(text)
	if text != "" && text != "all" && !ok {
		t.Fatalf("COHORT_SIM_OPERATOR=%q is none of %v", text, schedule.OperatorNames)
	}
	return kind
}

// modelSet reads the model from the environment. The default is strong.
func modelSet(t *testing.T) schedule.Model {
	text := os.Getenv("COHORT_SIM_MODEL")
	model, ok := schedule.ModelNamed(text)
	if text != "" && !ok {
		t.Fatalf("COHORT_SIM_MODEL=%q is none of %v", text, schedule.ModelNames)
	}
	return model
}

// profileSet reads the profile from the environment. The default is the usual one.
func profileSet(t *testing.T) schedule.Profile {
	text := os.Getenv("COHORT_SIM_PROFILE")
	profile, ok := schedule.ProfileNamed(text)
	if text != "" && !ok {
		t.Fatalf("COHORT_SIM_PROFILE=%q is none of %v", text, schedule.ProfileNames)
	}
	return profile
}

// fleet runs schedules on all processors.
type fleet struct {
	operator schedule.Operator
	model    schedule.Model
	profile  schedule.Profile
	mu       struct {
		sync.Mutex
		counts tally.Counts
		runs   int
		events int
		failed []uint64 // seeds
	}
	next atomic.Uint64 // seed
}

func (f *fleet) run(more func(done uint64) bool) {
	first := f.next.Load()
	var wg sync.WaitGroup
	f.mu.counts = tally.Counts{}
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				seed := f.next.Add(1) - 1
				if !more(seed - first) {
					return
				}
				f.note(seed, Run(schedule.Generate(seed, f.operator, f.model, f.profile), nil))
			}
		})
	}
	wg.Wait()
}

func (f *fleet) note(seed uint64, r Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.counts.Merge(r.Counts)
	f.mu.runs++
	f.mu.events += r.Events
	if r.Failure != nil {
		f.mu.failed = append(f.mu.failed, seed)
	}
}

// TestSimulate runs COHORT_SIM_SCHEDULES schedules from COHORT_SIM_SEED on, or as many as fit
// into COHORT_SIM_SECONDS. They have clients of COHORT_SIM_MODEL and the profile of
// COHORT_SIM_PROFILE. The operator is that of COHORT_SIM_OPERATOR, or each in turn if the
// variable is "all".
func TestSimulate(t *testing.T) {
	if os.Getenv("COHORT_SIM_OPERATOR") != "all" {
		simulate(t, operatorSet(t))
		return
	}
	for kind := range schedule.Operators {
		t.Run(kind.String(), func(t *testing.T) { simulate(t, kind) })
	}
}

func simulate(t *testing.T, kind schedule.Operator) {
	schedules := setting(t, "COHORT_SIM_SCHEDULES", few)
	length := time.Duration(setting(t, "COHORT_SIM_SECONDS", 0)) * time.Second
	begun := time.Now()
	f := fleet{operator: kind, model: modelSet(t), profile: profileSet(t)}
	f.next.Store(setting(t, "COHORT_SIM_SEED", 1))
	f.run(func(done uint64) bool {
		if f.failures() >= 3 {
			return false
		}
		if length > 0 {
			return time.Since(begun) < length
		}
		return done < schedules
	})
	took := time.Since(begun)
	t.Logf("%s model, %s operator, %s profile: %d schedules in %s, %.1f a second, %d events each\n%s",
		f.model, f.operator, f.profile, f.mu.runs, took.Round(time.Millisecond), float64(f.mu.runs)/took.Seconds(), f.mu.events/max(f.mu.runs, 1), f.mu.counts)
	for _, seed := range f.mu.failed {
		f.report(t, seed)
	}
	if missing := f.mu.counts.Missing(kind, f.model); !t.Failed() && f.sees(f.mu.runs) && len(missing) > 0 {
		t.Errorf("never seen in %d schedules: %q", f.mu.runs, missing)
	}
}

func (f *fleet) failures() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.mu.failed)
}

// report fails the test. It prints one line that replays the seed, and the schedule after
// it was shrunk.
func (f *fleet) report(t *testing.T, seed uint64) {
	t.Helper()
	s := schedule.Generate(seed, f.operator, f.model, f.profile)
	r := Run(s, nil)
	if r.Failure == nil {
		t.Errorf("seed %d failed once and not again: a run is not deterministic", seed)
		return
	}
	t.Errorf("seed %d: %v\nreplay: COHORT_SIM_MODEL=%s COHORT_SIM_OPERATOR=%s COHORT_SIM_PROFILE=%s COHORT_SIM_SEED=%d go test ./internal/sim -run TestReplay -v\ncut down to %s",
		seed, r.Failure, f.model, f.operator, f.profile, seed, shrunk(s, r.Failure.Check))
}

func shrunk(s *schedule.Schedule, check string) *schedule.Schedule {
	return schedule.Shrink(s, func(s *schedule.Schedule) bool {
		r := Run(s, nil)
		return r.Failure != nil && r.Failure.Check == check
	}, shrinkTries)
}

// TestReplay runs the schedule of COHORT_SIM_SEED. If it fails, the test shrinks the
// schedule and runs the shrunk one too. Both traces are artifacts (go test -artifacts keeps
// them). COHORT_SIM_MUTANT plants a deliberate bug.
func TestReplay(t *testing.T) {
	if os.Getenv("COHORT_SIM_SEED") == "" {
		t.Skip("replays the seed in COHORT_SIM_SEED")
	}
	plant(t)
	seed := setting(t, "COHORT_SIM_SEED", 0)
	s := schedule.Generate(seed, operatorSet(t), modelSet(t), profileSet(t))
	failure := replay(t, s, "trace.txt")
	if failure == nil {
		t.Logf("seed %d violates nothing\n%s", seed, s)
		return
	}
	small := shrunk(s, failure.Check)
	t.Errorf("%v\ncut down to %s%v", failure, small, replay(t, small, "trace-cut-down.txt"))
}

// replay runs a schedule, keeps its trace in a file and shows the end of it.
func replay(t *testing.T, s *schedule.Schedule, file string) *world.Failure {
	trace := &trace.Trace{}
	r := Run(s, trace)
	path := filepath.Join(t.ArtifactDir(), file)
	if err := os.WriteFile(path, []byte(s.String()+trace.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lines in %s; the last ones:\n%s", trace.Len(), path, trace.Last(60))
	return r.Failure
}

func TestTheSameSeedGivesTheSameTrace(t *testing.T) {
	for seed := range uint64(9) {
		var first, second trace.Trace
		kind, model := schedule.Operator(seed)%schedule.Operators, schedule.Model(seed/3)
		one, two := Run(schedule.Generate(seed, kind, model, schedule.Usual), &first), Run(schedule.Generate(seed, kind, model, schedule.Usual), &second)
		if first.Sum() != second.Sum() || first.Len() != second.Len() || one.Events != two.Events {
			t.Errorf("seed %d: %d lines with sum %x and %d events, then %d with %x and %d",
				seed, first.Len(), first.Sum(), one.Events, second.Len(), second.Sum(), two.Events)
		}
		if first.Len() < 1000 {
			t.Errorf("seed %d: only %d lines", seed, first.Len())
		}
	}
}

func TestDifferentSeedsGiveDifferentTraces(t *testing.T) {
	var first, second trace.Trace
	Run(schedule.Generate(1, schedule.Sane, schedule.Strong, schedule.Usual), &first)
	Run(schedule.Generate(2, schedule.Sane, schedule.Strong, schedule.Usual), &second)
	if first.Sum() == second.Sum() {
		t.Error("seeds 1 and 2 have the same trace")
	}
}

// docs/testing.md explains the values of the environment, and what each check means.
func TestTheGuideExplainsEveryOperatorProfileAndCheck(t *testing.T) {
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Concat(schedule.OperatorNames[:], schedule.ModelNames[:], schedule.ProfileNames[:])
	sources, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	checks := regexp.MustCompile(`\b[fF]ail\("([a-zP0-9 -]+)"`)
	for _, file := range sources {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range checks.FindAllStringSubmatch(string(source), -1) {
			names = append(names, m[1])
		}
	}
	for _, name := range names {
		if !strings.Contains(string(text), "`"+name+"`") && !strings.Contains(string(text), "| "+name+" |") {
			t.Errorf("docs/testing.md does not explain %q", name)
		}
	}
}
