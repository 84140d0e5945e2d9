// Command cohort is the node, the command line and the benchmark in one binary.
// A file here is a command: it reads flags, calls a package and prints. What a
// command does lives in node, client and benchmark.
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
	View    viewCmd    `cmd:"" group:"Operating" help:"Show the members of the cluster, or say who they are."`
	Status  statusCmd  `cmd:"" group:"Operating" help:"Show all members: their roles, who waits for whom, how far behind they are, what they hold."`
	Node    nodeCmd    `cmd:"" group:"Operating" help:"Do something about one node."`
	Health  healthCmd  `cmd:"" group:"Operating" help:"Ask whether a node is well; the exit status tells."`
	KV      kvCmd      `cmd:"" name:"kv" group:"Data" help:"Write, read, delete and list keys."`
	Session sessionCmd `cmd:"" group:"Data" help:"Look into the session of a client of the causal bucket."`
	Bench   benchCmd   `cmd:"" group:"More" help:"Measure a cluster, and judge its answers."`
	Version versionCmd `cmd:"" group:"More" help:"Print the version."`
}

const description = `A replicated key-value store on NATS, with buckets of two kinds on the same nodes: strong (linearizable through any node) and causal (always writable, and nobody is shown less than they have seen).

First steps: "cohort demo" runs three nodes and prints what to try.`

// terminal is where a command prints: results to out, everything else to err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends what the first did not
	status := run(ctx, os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr}, os.Exit)
	stop()
	os.Exit(status)
}

// run is the program: it returns the exit status. exit is called, and does not
// return, after help was printed.
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
