// Command cohort is the node, the command line and the benchmark in one binary.
// Each file here is a command: it reads flags, calls a package and prints. The work
// itself is done by packages node, client and benchmark.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Serve serveCmd `cmd:"" group:"Nodes" help:"Run one node."`

	Demo    demoCmd    `cmd:"" group:"Nodes" help:"Run a cluster in this process, to try things out."`
	View    viewCmd    `cmd:"" group:"Operating" help:"Show or change the view: the list of members."`
	Status  statusCmd  `cmd:"" group:"Operating" help:"Show the state of all members: role, readiness, replication lag and amount of data."`
	Node    nodeCmd    `cmd:"" group:"Operating" help:"Act on a single node."`
	Health  healthCmd  `cmd:"" group:"Operating" help:"Check the health of a node. The exit status is the result."`
	KV      kvCmd      `cmd:"" name:"kv" group:"Data" help:"Write, read, delete and list keys."`
	Session sessionCmd `cmd:"" group:"Data" help:"Inspect a session: what a client of the causal bucket has seen."`
	Bench   benchCmd   `cmd:"" group:"More" help:"Measure a cluster and check its answers."`
	Version versionCmd `cmd:"" group:"More" help:"Print the version."`
}

const description = `A replicated key-value store on NATS. Each node serves buckets of two kinds: strong (linearizable through any node) and causal (always writable, causally consistent for each session).

First steps: "cohort demo" runs three nodes and prints commands to try.`

// terminal is where a command prints: results to out, everything else to err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills the process
	status := run(ctx, os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr}, os.Exit)
	stop()
	os.Exit(status)
}

// run is the program. It returns the exit status. After help was printed it calls exit,
// which does not return.
func run(ctx context.Context, args []string, term terminal, exit func(int)) int {
	var c cli
	parser, err := kong.New(&c, options(ctx, term, exit)...)
	if err != nil {
		panic(err) // the struct tags above are wrong
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(term.err, "cohort: %v\n", err)
		if parse := (*kong.ParseError)(nil); errors.As(err, &parse) && parse.Context.Selected() != nil {
			fmt.Fprintf(term.err, "See: cohort %s --help\n", parse.Context.Selected().Path())
		}
		return exitUsage
	}
	err = command.Run()
	if err != nil && !errors.As(err, new(exitStatus)) {
		fmt.Fprintf(term.err, "cohort: %v\n", err)
	}
	return statusOf(err)
}

func options(ctx context.Context, term terminal, exit func(int)) []kong.Option {
	return []kong.Option{
		kong.Name("cohort"),
		kong.Description(description),
		kong.Vars(benchDefaults()),
		kong.Writers(term.out, term.err),
		kong.Exit(exit),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(term),
		kong.KindMapper(reflect.String, kong.MapperFunc(textArg)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
	}
}
