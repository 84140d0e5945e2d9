package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// outcome is the exit status and the output of the program.
type outcome struct {
	status   int
	out, err string
}

// exited is the panic value in place of a call of os.Exit.
type exited int

// cohort runs the program in this process.
func cohort(t *testing.T, args ...string) (o outcome) {
	t.Helper()
	var out, err bytes.Buffer
	defer func() {
		switch status := recover().(type) {
		case nil:
		case exited:
			o.status = int(status)
		default:
			panic(status)
		}
		o.out, o.err = out.String(), err.String()
	}()
	o.status = run(t.Context(), args, terminal{strings.NewReader("from standard input"), &out, &err}, func(status int) { panic(exited(status)) })
	return o
}

// The help of each command is kept as a file. Read the difference before you accept it
// with -update.
func TestHelpReadsAsItDid(t *testing.T) {
	clearEnvironment(t)
	for _, command := range []string{
		"", "serve", "demo", "view", "view get", "view set", "view add", "view remove", "status", "health", "kv", "kv put", "kv get", "kv del", "kv ls",
		"bench", "bench run", "bench compare", "bench views", "bench shards", "bench bare", "node", "node forget", "session", "session show", "version",
	} {
		name := strings.ReplaceAll("cohort "+command, " ", "_")
		t.Run(name, func(t *testing.T) {
			o := cohort(t, append(strings.Fields(command), "--help")...)
			if o.status != 0 || o.err != "" {
				t.Fatalf("status %d, complaint %q", o.status, o.err)
			}
			golden(t, filepath.Join("testdata", "help", strings.TrimSuffix(name, "_")+".txt"), o.out)
		})
	}
}

func TestWithoutArgumentsHelpIsShown(t *testing.T) {
	if diff := cmp.Diff(cohort(t, "--help"), cohort(t), cmp.AllowUnexported(outcome{})); diff != "" {
		t.Error(diff)
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// clearEnvironment hides the settings of the shell that runs the tests.
func clearEnvironment(t *testing.T) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "COHORT_") || name == "NODE_IDENTIFIER" {
			t.Setenv(name, "") // restores the old value after the test
			os.Unsetenv(name)
		}
	}
}

func TestBadInputGetsAClearError(t *testing.T) {
	tests := []struct {
		args string
		env  string // NAME=value
		want string
	}{
		{"bogus", "", "unexpected argument bogus"},
		{"kv", "", `expected one of "put", "get", "del", "ls"`},
		{"kv get", "", `expected "<key>"`},
		{"kv get x --bucket foo", "", `--bucket must be one of "strong","causal" but got "foo"`},
		{"kv get x --timeout soon", "", `--timeout: expected duration but got "soon"`},
		{"serve", "", "the id of this node is missing: give --id, or set COHORT_ID or NODE_IDENTIFIER"},
		{"serve --id -1", "", `--id: expected uint value but got "-1"`},
		{"serve", "NODE_IDENTIFIER=-1", `expected a valid 64 bit uint but got "-1"`},
		{"serve", "COHORT_ID=x", `expected a valid 64 bit uint but got "x"`},
		{"serve --id 1 --peers x", "", "unknown flag --peers"},
		{"serve --id 1", "COHORT_DEFAULT_BUCKT=causal", "unknown environment variable COHORT_DEFAULT_BUCKT"},
		{"serve --id 1", "COHORT_DEFAULT_BUCKET=eventual", `--default-bucket must be one of "strong","causal" but got "eventual"`},
		{"serve --id 1", "COHORT_LOG_LEVEL=loud", `--log-level must be one of "debug","info","warn","error" but got "loud"`},
		{"serve --id 1 --secret x", "", "--secret would expose the secret in the list of processes"},
		{"serve --id 1 --secret-file x", "COHORT_SECRET=x", "--secret-file and COHORT_SECRET are both set"},
		{"serve --id 1 --bus-cert x", "", "--bus-cert and --bus-key go together"},
		{"serve --id 1 --bus-cert x --bus-key y", "", "--bus-cert needs --bus-ca"},
		{"serve --id 1 --http localhost", "", `--http: "localhost" is not host:port`},
		{"serve --id 1 --http localhost:65000", "", "leaves no port for the bus"},
		{"serve --id 1 --bus nowhere", "", `--bus: "nowhere" is not host:port`},
		{"bench --mix 50/50", "", `"50/50" is not like 50/50/0`},
		{"bench --mix a/b/c", "", `"a" is not a whole number`},
		{"bench --local 3 --url http://a:1", "", "--url and --local can't be used together"},
		{"bench --fault flood@3s", "", "unknown action"},
		{"bench --fault cut-one-way=0@3s+1s", "", "cut-one-way names 2 nodes; write it like cut-one-way=0:2@10s+5s"},
		{"bench --scenario peace", "", "--scenario must be one of"},
		{"bench compare --connections many", "", `expected a valid 64 bit int but got "many"`},
		{"view set", "", "give the members, such as 0=127.0.0.1:8081, or --empty"},
		{"view set --empty 0=a:1", "", "--empty takes no members"},
		{"view set 127.0.0.1:8081", "", `"127.0.0.1:8081" is not like 0=127.0.0.1:8081`},
		{"view set x=127.0.0.1:8081", "", `the id "x" is not a whole number`},
		{"view set 0=127.0.0.1", "", `"127.0.0.1" is not host:port`},
		{"view set 0=a:1,bus=b", "", `bus: "b" is not host:port`},
	}
	for _, test := range tests {
		t.Run(test.env+" "+test.args, func(t *testing.T) {
			clearEnvironment(t)
			if name, value, ok := strings.Cut(test.env, "="); ok {
				t.Setenv(name, value)
			}
			o := cohort(t, strings.Fields(test.args)...)
			if o.status != exitUsage || !strings.Contains(o.err, test.want) || o.out != "" {
				t.Errorf("status %d, printed %q, complaint %q; want %q", o.status, o.out, o.err, test.want)
			}
		})
	}
}
