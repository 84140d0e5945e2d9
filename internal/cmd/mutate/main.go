// Command mutate plants random one-line bugs in the protocol packages, one at a time. It
// prints which test found each bug, and which bugs lived. `make mutate N=50` runs it. Each
// bug is built with an overlay, so no file of the repository changes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cohortkv/cohort/internal/mutate"
)

// targets are the folders whose packages, at any depth, get bugs, each with the bucket models
// whose simulated schedules depend on it.
var targets = map[string][]string{
	"node/strong": {"strong"},
	"node/causal": {"causal"},
	"node/view":   {"strong", "causal"},
	"node/kv":     {"strong", "causal"},
}

// models returns the models of the target that a file is in; nil: it is in none.
func models(file string) []string {
	for folder, models := range targets {
		if strings.HasPrefix(file, folder+"/") {
			return models
		}
	}
	return nil
}

func main() {
	var s session
	flag.IntVar(&s.count, "n", 50, "how many bugs to plant")
	flag.StringVar(&s.below, "in", "node", "only plant bugs in this folder, and below")
	flag.Uint64Var(&s.seed, "seed", 1, "chooses the bugs")
	flag.IntVar(&s.schedules, "schedules", 100, "simulated schedules of each model and operator for a bug")
	flag.DurationVar(&s.each, "each", 3*time.Minute, "a test that takes longer has found the bug")
	within := flag.Duration("within", 2*time.Hour, "stop after so long")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *within)
	defer cancel()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// session is one run of the command.
type session struct {
	count, schedules int
	seed             uint64
	each             time.Duration
	below            string // only bugs in this folder
	folder           string // for overlays

	tried, unbuilt int
	lived          []mutate.Mutation
}

func (s *session) run(ctx context.Context) (err error) {
	all, err := collect(s.below)
	if err != nil {
		return err
	}
	if s.folder, err = os.MkdirTemp("", "cohort-mutate-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.folder)) }()
	rng := rand.New(rand.NewPCG(s.seed, 0))
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, m := range all {
		if s.tried == s.count || ctx.Err() != nil {
			break
		}
		if err := s.try(ctx, m); err != nil {
			return err
		}
	}
	fmt.Printf("\nseed %d: %d bugs planted, %d found, %d lived; %d others did not build\n",
		s.seed, s.tried, s.tried-len(s.lived), len(s.lived), s.unbuilt)
	for _, m := range s.lived {
		fmt.Println("lived:", m)
	}
	return nil
}

// collect lists the mutations of the targets' files below a folder, in the order of their places.
func collect(below string) (all []mutate.Mutation, err error) {
	err = filepath.WalkDir("node", func(path string, entry fs.DirEntry, err error) error {
		file := filepath.ToSlash(path)
		if err != nil || entry.IsDir() || models(file) == nil || !strings.HasPrefix(file, below) ||
			!strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := mutate.Of(file, string(text))
		all = append(all, found...)
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no sources below %s: run this at the top of the repository", below)
	}
	return all, err
}

// try plants one bug and runs the quick tests, the quickest first.
func (s *session) try(ctx context.Context, m mutate.Mutation) error {
	overlay, err := s.plant(m)
	if err != nil {
		return err
	}
	pkg := "./" + filepath.ToSlash(filepath.Dir(m.File))
	if exec.CommandContext(ctx, "go", "build", "-overlay", overlay, pkg).Run() != nil {
		if ctx.Err() == nil {
			s.unbuilt++
		}
		return nil
	}
	began := time.Now()
	by := s.test(ctx, overlay, nil, pkg)
	for _, model := range models(m.File) {
		if by != "" {
			break
		}
		by = s.test(ctx, overlay, []string{
			"GOGC=400", "COHORT_SIM_MODEL=" + model, "COHORT_SIM_OPERATOR=all", "COHORT_SIM_SCHEDULES=" + strconv.Itoa(s.schedules),
		}, "./internal/sim", "-run", "TestSimulate$")
	}
	if ctx.Err() != nil {
		return nil // the run was interrupted, so its result means nothing
	}
	s.tried++
	if by == "" {
		by = "LIVED"
		s.lived = append(s.lived, m)
	}
	fmt.Printf("%3d %4.0f s  %s\n             %s\n", s.tried, time.Since(began).Seconds(), m, by)
	return nil
}

// plant writes the overlay of a mutation, and returns its path.
func (s *session) plant(m mutate.Mutation) (overlay string, err error) {
	text, err := os.ReadFile(m.File)
	if err != nil {
		return "", err
	}
	original, err := filepath.Abs(m.File)
	if err != nil {
		return "", err
	}
	file := filepath.Join(s.folder, "mutated.go")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: file}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(s.folder, "overlay.json")
	return overlay, errors.Join(os.WriteFile(file, []byte(m.Apply(string(text))), 0o600), os.WriteFile(overlay, replace, 0o600))
}

var (
	failed  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	reason  = regexp.MustCompile(`(?m)^\s+\w+_test\.go:\d+: (.+)$`)
	atSeed  = regexp.MustCompile(`(?m)^\s+\w+_test\.go:\d+: (seed \d+: .+)$`)
	crashed = regexp.MustCompile(`(?m)^panic: .+$`)
)

// test runs the tests of a package with the bug in it. It returns the first test that
// failed and why; empty if none failed.
func (s *session) test(ctx context.Context, overlay string, settings []string, args ...string) string {
	args = append([]string{"test", "-overlay", overlay, "-short", "-count=1", "-timeout", s.each.String()}, args...)
	command := exec.CommandContext(ctx, "go", args...)
	command.Env = append(os.Environ(), settings...)
	out, err := command.CombinedOutput()
	if err == nil {
		return ""
	}
	found, said := "tests of "+args[7], reason
	if len(settings) > 0 {
		found, said = "simulated schedules, "+settings[1], atSeed
	}
	for _, e := range []*regexp.Regexp{failed, crashed, said} {
		if m := e.FindSubmatch(out); m != nil {
			found += ": " + shorten(string(m[len(m)-1]))
		}
	}
	return found
}

func shorten(text string) string {
	const most = 120
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
