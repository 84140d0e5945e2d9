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
	Run     benchRunCmd     `cmd:"" default:"withargs" help:"Load a cluster, record all operations, and check the history (the default)."`
	Compare benchCompareCmd `cmd:"" help:"Compare a local cluster with the baseline, in alternating turns."`
	Views   benchViewsCmd   `cmd:"" help:"Measure how long PUT /view takes."`
	Shards  benchShardsCmd  `cmd:"" help:"Measure how fast keys of causal buckets move between shards."`
	Bare    benchBareCmd    `cmd:"" help:"Serve the baseline: a single process with a map, without replication."`
}

type benchRunCmd struct {
	URL        []string      `name:"url" placeholder:"URL" xor:"cluster" help:"A node of a cluster without other writers. Repeatable."`
	Local      int           `placeholder:"N" xor:"cluster" help:"Start this many local nodes for the run (${local}, without --url)."`
	Model      string        `enum:"strong,causal,both" default:"strong" help:"The buckets to load: strong, causal, or both, with half of the clients each."`
	Clients    int           `default:"${clients}" help:"Number of clients. Each has one connection and one open request at a time."`
	Pinned     bool          `help:"Clients do not switch to another node when their node does not answer."`
	Surface    string        `enum:"v1,classic" default:"v1" help:"The HTTP surface: v1 or classic."`
	Keys       int           `default:"${keys}" help:"Number of keys to choose from."`
	Prefix     string        `help:"Prefix of every key. All keys must be absent at the start."`
	ValueSize  int           `default:"${valueSize}" help:"Size of a value in bytes."`
	Mix        mix           `default:"${mix}" placeholder:"PUT/GET/DELETE" help:"Shares of PUT, GET and DELETE operations (${default})."`
	Seed       uint64        `default:"${seed}" help:"Seed for the choice of keys and operations."`
	Fresh      int           `default:"${fresh}" placeholder:"PERCENT" help:"Share of causal operations before which the client drops its session (${default})."`
	Handover   int           `default:"${handover}" placeholder:"PERCENT" help:"Share of causal operations before which the client leaves a copy of its session for other clients, or continues with such a copy (${default})."`
	Preload    bool          `help:"Write every key once before the run."`
	Warmup     time.Duration `default:"${warmup}" help:"Time before the measurement. Its operations are checked, but not measured."`
	Duration   time.Duration `default:"${duration}" help:"Length of the measurement."`
	Count      int           `placeholder:"N" help:"Measure this many operations instead of a duration."`
	Timeout    time.Duration `default:"${timeout}" help:"How long a client waits for an answer."`
	Patience   time.Duration `default:"${patience}" help:"How long preloading and the final reads of every key continue while no key gets an answer."`
	Fault      []faultArg    `sep:"none" placeholder:"FAULT" help:"Inject a fault during the run; needs --local. Repeatable. Examples: ${faults}."`
	Scenario   string        `enum:",${scenarios}" default:"" placeholder:"NAME" help:"Inject a list of faults, with its own length and number of local nodes: ${scenarios}."`
	Durability string        `enum:"fsync,async,memory" default:"memory" help:"Durability of the local nodes: fsync, async or memory."`
	History    string        `placeholder:"FILE" help:"Keep the history in this file."`
	Logs       string        `placeholder:"DIR" help:"Keep the logs of the local nodes in this directory."`
	NoJudge    bool          `help:"Do not check the history."`
	Access     credentials   `embed:""`
}

func (benchRunCmd) Help() string {
	return `All operations are recorded and checked. In the strong bucket, the order that Msg-Num claims must agree with real time and with the values, and Porcupine must find the history of each key linearizable. The last line is the verdict; the exit status is 0 only if the verdict is good. Ctrl-C ends the run early, with figures and a verdict for the operations until then. The run also ends this way if the cluster no longer answers the final reads.

The times of faults count from the start of the measurement. Three faults begin and end on time: pauses (pause=NODE@AT+LENGTH), cuts of nodes from all others (cut=NODES@AT+LENGTH) and cuts of one direction (cut-one-way=FROM:TO@AT+LENGTH). Kills, restarts and views are done one after another, each when the view before it is ready. shrink=2 and grow=2 put the last view without, or with, node 2. A table shows the cost of each fault: how long operations in flight waited, how long no operation was answered, and latencies before, during and after.

` + strings.Join(faultScenarios(), "\n\n")
}

// faultScenarios describes the scenarios, for the help page.
func faultScenarios() []string {
	var all []string
	for _, name := range fault.Names() {
		s := fault.ScenarioNamed(name)
		all = append(all, fmt.Sprintf("The scenario %q, of %d nodes, is %s.", name, s.Nodes, strings.Join(texts(s.Faults), " ")))
	}
	return all
}

// texts returns faults as flags write them.
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
	cfg.Durability = c.Durability
	cfg.HistoryFile, cfg.LogDir, cfg.NoJudge = c.History, c.Logs, c.NoJudge
	return cfg
}

var models = map[string][]workload.Model{
	"strong": {workload.Strong}, "causal": {workload.Causal}, "both": {workload.Strong, workload.Causal},
}

// play adds a scenario. It makes the run as long and the cluster as large as the scenario
// needs. If the flags ask for a smaller cluster, package benchmark reports the error.
func (c benchRunCmd) play(s fault.Scenario, cfg *benchmark.Config) {
	cfg.Faults = append(cfg.Faults, s.Faults...)
	if cfg.Workload.Duration > 0 {
		cfg.Workload.Duration = max(cfg.Workload.Duration, s.Duration)
	}
	if c.Local == 0 && len(c.URL) == 0 {
		cfg.Local = s.Nodes
	}
}

// judged turns a verdict into the exit status. The report has been printed before.
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

// list writes numbers as a flag with several values expects them.
func list(numbers []int) string {
	var all []string
	for _, n := range numbers {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, ",")
}
