package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/benchmark/ports"
)

// parse reads a command line without running it.
func parse(t *testing.T, args ...string) cli {
	t.Helper()
	var c cli
	parser, err := kong.New(&c, options(t.Context(), terminal{}, func(int) {})...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestServeTakesItsSettingsFromFlagsThenEnvironmentThenDefaults(t *testing.T) {
	defaults := serveCmd{
		HTTP: "127.0.0.1:8081", Bus: "127.0.0.1:9081", Cluster: "cohort",
		DefaultBucket: "strong", LogLevel: "info", LogFormat: "text",
	}
	id := func(n uint64) func(*serveCmd) { return func(c *serveCmd) { c.ID = &n } }
	tests := []struct {
		name string
		args string
		env  []string
		want func(*serveCmd)
	}{
		{"defaults", "--id 7", nil, id(7)},
		{"the container contract", "--insecure", []string{"NODE_IDENTIFIER=0", "COHORT_HTTP=0.0.0.0:8081"},
			func(c *serveCmd) { id(0)(c); c.Secrets.Insecure = true; c.HTTP, c.Bus = "0.0.0.0:8081", "0.0.0.0:9081" }},
		{"COHORT_ID before NODE_IDENTIFIER", "", []string{"NODE_IDENTIFIER=1", "COHORT_ID=2"}, id(2)},
		{"a flag before the environment", "--id 3", []string{"NODE_IDENTIFIER=1", "COHORT_ID=2"}, id(3)},
		{"the bus follows the HTTP port", "--id 0 --http [::1]:700",
			nil, func(c *serveCmd) { id(0)(c); c.HTTP, c.Bus = "[::1]:700", "[::1]:1700" }},
		{"all interfaces", "--id 0 --http :8081 --insecure",
			nil, func(c *serveCmd) { id(0)(c); c.Secrets.Insecure = true; c.HTTP, c.Bus = ":8081", ":9081" }},
		{"the bus where it is told", "--id 0 --bus 10.0.0.1:4222",
			nil, func(c *serveCmd) { id(0)(c); c.Bus = "10.0.0.1:4222" }},
		{"each has its variable", "", []string{
			"COHORT_ID=1", "COHORT_HTTP=h:1", "COHORT_BUS=h:2", "COHORT_NATS=nats://n", "COHORT_CLUSTER=c", "COHORT_SECRET=s", "COHORT_INSECURE=true",
			"COHORT_BUS_CERT=/c", "COHORT_BUS_KEY=/k", "COHORT_BUS_CA=/a",
			"COHORT_DEFAULT_BUCKET=strong", "COHORT_LOG_LEVEL=debug", "COHORT_LOG_FORMAT=json"},
			func(c *serveCmd) {
				id(1)(c)
				c.HTTP, c.Bus, c.NATS, c.Cluster, c.LogLevel, c.LogFormat = "h:1", "h:2", "nats://n", "c", "debug", "json"
				c.Secrets = secretSettings{Secret: "s", Insecure: true, BusCert: "/c", BusKey: "/k", BusCA: "/a"}
			}},
		{"what clients may take", "--id 1 --request-memory 64MiB --max-connections 100", []string{"COHORT_MAX_CONNECTIONS_PER_ADDRESS=10", "COHORT_MAX_DUMPS=2"},
			func(c *serveCmd) {
				id(1)(c)
				c.Limits = clientLimits{MaxConnections: 100, MaxPerAddress: 10, RequestMemory: 64 << 20, MaxDumps: 2}
			}},
		{"where the data is kept", "--id 1 --data-dir /d", []string{"COHORT_DURABILITY=async", "COHORT_DATA_ASIDE=true"},
			func(c *serveCmd) { id(1)(c); c.Data = dataSettings{"/d", "async", true} }},
		{"variables that Kubernetes sets are no settings", "--id 1",
			[]string{"COHORT_SERVICE_HOST=10.0.0.1", "COHORT_PORT_8081_TCP=tcp://10.0.0.1:8081"}, id(1)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clearEnvironment(t)
			for _, entry := range test.env {
				name, value, _ := strings.Cut(entry, "=")
				t.Setenv(name, value)
			}
			want := defaults
			test.want(&want)
			if diff := cmp.Diff(want, parse(t, append([]string{"serve"}, strings.Fields(test.args)...)...).Serve); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryVariableOfTheFlagsIsKnown(t *testing.T) {
	var c cli
	parser, err := kong.New(&c, options(t.Context(), terminal{}, func(int) {})...)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, command := range parser.Model.Leaves(false) {
		for _, group := range command.AllFlags(false) {
			for _, f := range group {
				for _, name := range f.Envs {
					used[name] = true
				}
			}
		}
	}
	for name := range used {
		if strings.HasPrefix(name, "COHORT_") && !slices.Contains(variables, name) {
			t.Errorf("%s is read by a flag and not in variables", name)
		}
	}
	for _, name := range variables {
		if !used[name] {
			t.Errorf("%s is in variables and no flag reads it", name)
		}
	}
}

func TestServeSaysWhichPortIsTaken(t *testing.T) {
	clearEnvironment(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := freeAddress(t)
	tests := []struct{ name, http, bus string }{
		{"http", taken.Addr().String(), freeAddress(t)},
		{"bus", free, taken.Addr().String()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := cohort(t, "serve", "--id", "0", "--http", test.http, "--bus", test.bus)
			if o.status != exitFailed || !strings.Contains(o.err, taken.Addr().String()) || !strings.Contains(o.err, "address already in use") {
				t.Errorf("status %d, complaint %q", o.status, o.err)
			}
		})
	}
	if again, err := net.Listen("tcp", free); err != nil {
		t.Errorf("the node that could not start still listens: %v", err)
	} else {
		again.Close()
	}
}

func TestServeAnswersUntilItIsToldToStop(t *testing.T) {
	clearEnvironment(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	address := freeAddress(t)
	reader, writer := io.Pipe() // the log
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--id", "4", "--http", address, "--bus", freeAddress(t), "--log-format", "json"},
			terminal{nil, io.Discard, writer}, nil)
		writer.Close()
	}()
	log := bufio.NewScanner(reader)
	for log.Scan() && !strings.Contains(log.Text(), `"msg":"node up"`) {
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	response, err := http.Get("http://" + address + "/ping")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("ping: %s", response.Status)
	}
	stop()
	if status := <-ended; status != 0 {
		t.Errorf("status %d after it was told to stop", status)
	}
}

// freeAddress is an address that is free during the test.
func freeAddress(t *testing.T) string {
	t.Helper()
	reserved, err := ports.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reserved.Close() })
	return reserved.Addrs()[0]
}

func TestABusThatOthersReachNeedsASecretOrConsent(t *testing.T) {
	clearEnvironment(t)
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	o := cohort(t, "serve", "--id", "0", "--http", freeAddress(t), "--bus", ":"+port)
	if o.status != exitFailed || !strings.Contains(o.err, "--secret-file") || !strings.Contains(o.err, "--insecure") {
		t.Errorf("status %d, complaint %q", o.status, o.err)
	}
}

func TestLoopbackAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.0.1:1": true, "[::1]:1": true, "localhost:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false,
	} {
		if got := onlyHere(address); got != want {
			t.Errorf("%s is on loopback: %v", address, got)
		}
	}
}

func TestTheHandbookHasEveryFlagOfServe(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	help, err := os.ReadFile("testdata/help/cohort_serve.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## 10. Flags\n")
	flags := regexp.MustCompile(`(?m)^ +(?:-h, )?(--[a-z-]+)`).FindAllStringSubmatch(string(help), -1)
	if len(flags) < 20 {
		t.Fatalf("only %d flags found", len(flags))
	}
	for _, flag := range flags {
		if flag[1] != "--help" && !strings.Contains(table, "`"+flag[1]+"`") {
			t.Errorf("docs/operations.md does not explain %s", flag[1])
		}
	}
}
