package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cohortkv/cohort/benchmark"
	"github.com/cohortkv/cohort/benchmark/fault"
	"github.com/cohortkv/cohort/benchmark/workload"
)

type benchCmd struct {
	Run     benchRunCmd     `cmd:"" default:"withargs" help:"Load a cluster, record what clients see, and judge it (the default)."`
	Compare benchCompareCmd `cmd:"" help:"Measure a local cluster and the baseline by turns."`
	Views   benchViewsCmd   `cmd:"" help:"Measure how long PUT /view takes."`
	Shards  benchShardsCmd  `cmd:"" help:"Measure how fast the keys of causal buckets change shards."`
	Bare    benchBareCmd    `cmd:"" help:"Serve the baseline: one process and a map, nothing replicated."`
}

type benchRunCmd struct {
	URL       []string      `name:"url" placeholder:"URL" xor:"cluster" help:"The nodes of a cluster that nobody else writes to; repeat it."`
	Local     int           `placeholder:"N" xor:"cluster" help:"Start this many nodes for the run (${local}, without --url)."`
	Model     string        `enum:"strong,causal,both" default:"strong" help:"The buckets that are loaded: strong, causal, or both, with half of the clients each."`
	Clients   int           `default:"${clients}" help:"Clients, each with one connection and one request at a time."`
	Pinned    bool          `help:"A client whose node does not answer stays with it."`
	Surface   string        `enum:"v1,classic" default:"v1" help:"The HTTP surface: v1 or classic."`
	Keys      int           `default:"${keys}" help:"Keys that the clients choose among."`
	Prefix    string        `help:"Begins every key. All keys must be absent at the start."`
	ValueSize int           `default:"${valueSize}" help:"Bytes of a value."`
	Mix       mix           `default:"${mix}" placeholder:"PUT/GET/DELETE" help:"Shares of the operations (${default})."`
	Seed      uint64        `default:"${seed}" help:"Of the choice of keys and operations."`
	Fresh     int           `default:"${fresh}" placeholder:"PERCENT" help:"Of the operations of causal clients: before them a client forgets what it has seen (${default})."`
	Handover  int           `default:"${handover}" placeholder:"PERCENT" help:"Of the same: before them a client leaves a copy of what it has seen for others, or goes on from one that was left (${default})."`
	Preload   bool          `help:"Write every key once before anything else."`
	Warmup    time.Duration `default:"${warmup}" help:"Judged, and not measured."`
	Duration  time.Duration `default:"${duration}" help:"Of the measurement."`
	Count     int           `placeholder:"N" help:"Measure this many operations instead."`
	Timeout   time.Duration `default:"${timeout}" help:"How long a client waits for an answer."`
	Patience  time.Duration `default:"${patience}" help:"How long preloading, and the last reads of every key, go on while no key gets an answer."`
	Fault     []faultArg    `sep:"none" placeholder:"FAULT" help:"What happens meanwhile, with --local; repeat it: ${faults}."`
	Scenario  string        `enum:",${scenarios}" default:"" placeholder:"NAME" help:"A list of faults with its own length and number of local nodes: ${scenarios}."`
	History   string        `placeholder:"FILE" help:"Keep the history here."`
	Logs      string        `placeholder:"DIR" help:"Keep the logs of local nodes here."`
	NoJudge   bool          `help:"Do not judge."`
	Access    credentials   `embed:""`
}

func (benchRunCmd) Help() string {
	return `Every answer is recorded and judged: the order that Msg-Num claims must agree with real time and values, and Porcupine must find the history of each key linearizable. The last line is the verdict; the exit status is 0 only if it is good. Ctrl-C ends the run with figures and a verdict of what was seen until then; so does a cluster that no longer answers the last reads.

Faults have times since measuring began. Pauses (pause=NODE@AT+LENGTH), cuts of nodes from all others (cut=NODES@AT+LENGTH) and of one direction (cut-one-way=FROM:TO@AT+LENGTH) begin and end on time. Kills, restarts and views (shrink=2 and grow=2: the last view without, or with, node 2) are done one after another, each when the view before it is ready. A table shows what each cost: how long operations in flight waited, how long none was answered, and latencies before, during and after.

` + strings.Join(faultScenarios(), "\n\n")
}

// faultScenarios say what the scenarios are.
func faultScenarios() []string {
	var all []string
	for _, name := range fault.Names() {
		s := fault.ScenarioNamed(name)
		all = append(all, fmt.Sprintf("The scenario %q, of %d nodes, is %s.", name, s.Nodes, strings.Join(texts(s.Faults), " ")))
	}
	return all
}

// texts are faults as they are written.
func texts(faults []fault.Fault) []string {
	var all []string
	for _, f := range faults {
		all = append(all, f.String())
	}
	return all
}

func (c benchRunCmd) Run(ctx context.Context, term terminal) (err error) {
	cfg := c.config(term.out)
	if cfg.Workload.Access, err = c.Access.access(); err != nil {
		return err
	}
	report, err := benchmark.Run(ctx, cfg)
	return judged(report, err)
}

func (c benchRunCmd) config(out io.Writer) benchmark.Config {
	cfg := benchmark.Default(out)
	if c.Local > 0 || len(c.URL) > 0 {
		cfg.Local = c.Local
	}
	cfg.Models = models[c.Model]
	w := &cfg.Workload
	w.Fresh, w.Handover = c.Fresh, c.Handover
	w.URLs, w.Pinned, w.Surface = c.URL, c.Pinned, workload.Surface(c.Surface)
	w.Clients, w.Keys, w.Prefix, w.ValueSize = c.Clients, c.Keys, c.Prefix, c.ValueSize
	w.Puts, w.Gets, w.Deletes, w.Seed = c.Mix.puts, c.Mix.gets, c.Mix.deletes, c.Seed
	w.Preload, w.Warmup, w.Duration, w.Count, w.Timeout = c.Preload, c.Warmup, c.Duration, c.Count, c.Timeout
	w.Patience = c.Patience
	if c.Count > 0 {
		w.Duration = 0
	}
	for _, f := range c.Fault {
		cfg.Faults = append(cfg.Faults, f.Fault)
	}
	if c.Scenario != "" {
		c.play(fault.ScenarioNamed(c.Scenario), &cfg)
	}
	cfg.HistoryFile, cfg.LogDir, cfg.NoJudge = c.History, c.Logs, c.NoJudge
	return cfg
}

var models = map[string][]workload.Model{
	"strong": {workload.Strong}, "causal": {workload.Causal}, "both": {workload.Strong, workload.Causal},
}

// play adds a scenario. It makes the run as long and the cluster as large as the
// scenario needs; a cluster that was asked for and is too small is an error later.
func (c benchRunCmd) play(s fault.Scenario, cfg *benchmark.Config) {
	cfg.Faults = append(cfg.Faults, s.Faults...)
	if cfg.Workload.Duration > 0 {
		cfg.Workload.Duration = max(cfg.Workload.Duration, s.Duration)
	}
	if c.Local == 0 && len(c.URL) == 0 {
		cfg.Local = s.Nodes
	}
}

// judged makes a verdict the exit status; the report has been printed.
func judged(report interface{ ExitCode() int }, err error) error {
	if err != nil {
		return err
	}
	if status := report.ExitCode(); status != 0 {
		return exitStatus(status)
	}
	return nil
}

// mix is --mix 50/50/0.
type mix struct{ puts, gets, deletes int }

// UnmarshalText implements encoding.TextUnmarshaler for kong.
func (m *mix) UnmarshalText(text []byte) error {
	shares := strings.Split(string(text), "/")
	if len(shares) != 3 {
		return fmt.Errorf("%q is not like 50/50/0: shares of PUT, GET and DELETE", text)
	}
	for i, share := range []*int{&m.puts, &m.gets, &m.deletes} {
		n, err := strconv.ParseUint(shares[i], 10, 31)
		if err != nil {
			return fmt.Errorf("%q is not like 50/50/0: %q is not a whole number", text, shares[i])
		}
		*share = int(n)
	}
	return nil
}

// faultArg is a fault on the command line.
type faultArg struct{ fault.Fault }

// UnmarshalText implements encoding.TextUnmarshaler for kong.
func (f *faultArg) UnmarshalText(text []byte) (err error) {
	f.Fault, err = fault.Parse(string(text))
	return err
}

// benchDefaults are the defaults of package benchmark, for the struct tags.
func benchDefaults() map[string]string {
	cfg, compare := benchmark.Default(nil), benchmark.DefaultCompare(nil)
	w := cfg.Workload
	views, shards := benchmark.DefaultViews(nil), benchmark.DefaultShards(nil)
	return map[string]string{
		"local":     strconv.Itoa(cfg.Local),
		"clients":   strconv.Itoa(w.Clients),
		"keys":      strconv.Itoa(w.Keys),
		"valueSize": strconv.Itoa(w.ValueSize),
		"mix":       fmt.Sprintf("%d/%d/%d", w.Puts, w.Gets, w.Deletes),
		"seed":      strconv.FormatUint(w.Seed, 10),
		"warmup":    w.Warmup.String(),
		"duration":  w.Duration.String(),
		"timeout":   w.Timeout.String(),
		"patience":  w.Patience.String(),

		"fresh":    strconv.Itoa(w.Fresh),
		"handover": strconv.Itoa(w.Handover),

		"faults":    fault.Examples(),
		"scenarios": strings.Join(fault.Names(), ","),

		"compareNodes":       strconv.Itoa(compare.Nodes),
		"compareConnections": list(compare.Connections),
		"compareRounds":      strconv.Itoa(compare.Rounds),
		"compareKeys":        strconv.Itoa(compare.Keys),
		"compareValueSize":   strconv.Itoa(compare.ValueSize),
		"compareWarmup":      compare.Warmup.String(),
		"compareDuration":    compare.Duration.String(),

		"viewsMembers":   list(views.Members),
		"viewsKeys":      list(views.Keys),
		"viewsValueSize": strconv.Itoa(views.ValueSize),
		"viewsRounds":    strconv.Itoa(views.Rounds),

		"shards":          strconv.Itoa(shards.Shards),
		"shardsKeys":      list(shards.Keys),
		"shardsValueSize": strconv.Itoa(shards.ValueSize),
		"shardsRounds":    strconv.Itoa(shards.Rounds),
		"shardsIdle":      shards.Idle.String(),
	}
}

// list is how numbers are given to a flag that takes several.
func list(numbers []int) string {
	var all []string
	for _, n := range numbers {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, ",")
}
