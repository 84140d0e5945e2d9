package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/cohortkv/cohort/api"
)

type serveCmd struct {
	ID            *uint64 `env:"COHORT_ID,NODE_IDENTIFIER" placeholder:"N" help:"Id of this node: 0 or greater. The member with the lowest id is the primary of a view."`
	HTTP          string  `env:"COHORT_HTTP" default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Address for clients (${default})."`
	Bus           string  `env:"COHORT_BUS" placeholder:"HOST:PORT" help:"Address for other nodes (the HTTP port + 1000)."`
	NATS          string  `name:"nats" env:"COHORT_NATS" placeholder:"URL" help:"Use this NATS cluster instead of the embedded server."`
	Cluster       string  `env:"COHORT_CLUSTER" default:"cohort" help:"Name of the cluster. Nodes of other clusters are ignored."`
	DefaultBucket string  `env:"COHORT_DEFAULT_BUCKET" enum:"strong,causal" default:"strong" help:"Model of /data: strong or causal."`
	ExpectData    bool    `env:"COHORT_EXPECT_DATA" help:"The cluster has data: warn if this node gets a view in which no member has any."`
	LogLevel      string  `env:"COHORT_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"Lowest level to log: debug, info, warn or error."`
	LogFormat     string  `env:"COHORT_LOG_FORMAT" enum:"text,json" default:"text" help:"Format of the log: text or json."`
	Pprof         string  `name:"pprof" env:"COHORT_PPROF" placeholder:"HOST:PORT" help:"Serve profiles of the process (/debug/pprof/) on this loopback address."`

	Data     dataSettings   `embed:""`
	Secrets  secretSettings `embed:""`
	Security httpSecurity   `embed:""`
	Limits   clientLimits   `embed:""`
}

func (serveCmd) Help() string {
	return `A node starts without data and without a view, and waits for a view: see "cohort view set". With --data-dir, a restarted node has its data and its view again. Without it, all data is in memory: a restarted node is empty, and joins again when a view is put.

SIGTERM and Ctrl-C: the node stops accepting requests, answers those in progress and exits within 5 seconds. SIGHUP: the node reloads secrets, certificates and tokens from their files; it does not exit.

If the log is not read, or its disk is full, log lines are lost. The node never waits for the log.`
}

func (c *serveCmd) Run(ctx context.Context, term terminal) error {
	log, writer, err := c.openLog(term.err)
	if err != nil {
		return err
	}
	defer writer.Close()
	signal.Ignore(syscall.SIGPIPE) // if the reader of the log ends, the node must not
	profiling, err := servePprof(ctx, c.Pprof, log)
	if err != nil {
		return err
	}
	defer profiling()
	secrets, err := c.Secrets.read()
	if err != nil {
		return err
	}
	member, err := nodeSettings{
		id: *c.ID, http: c.HTTP, bus: c.Bus, nats: c.NATS, cluster: c.Cluster, data: c.Data, trust: c.Secrets, secrets: secrets,
		defaultBucket: c.DefaultBucket, expectData: c.ExpectData, limits: c.Limits.limits(), access: c.Security.access(), admin: c.Security.AdminHTTP, log: log, linesLost: writer.Lost,
	}.assemble()
	if err != nil {
		return err
	}
	reloading, stop := context.WithCancel(ctx)
	var hangups sync.WaitGroup
	hangups.Go(func() { reloadOnHangup(reloading, member.reloads, log) })
	defer hangups.Wait()
	defer stop()
	return member.run(ctx)
}

// Validate is called by kong. It also sets the default of the bus address.
func (c *serveCmd) Validate() error {
	if c.ID == nil {
		return errors.New("the id of this node is missing: give --id, or set COHORT_ID or NODE_IDENTIFIER")
	}
	if err := unknownVariables(os.Environ()); err != nil {
		return err
	}
	if err := c.Secrets.check(); err != nil {
		return err
	}
	if err := c.Data.check(); err != nil {
		return err
	}
	if err := checkListen(c.HTTP); err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	if err := c.Security.check(c.HTTP, c.Secrets.Insecure); err != nil {
		return err
	}
	if err := checkPprof(c.Pprof); err != nil {
		return err
	}
	if c.Bus == "" {
		return c.deriveBus()
	}
	if err := checkListen(c.Bus); err != nil {
		return fmt.Errorf("--bus: %w", err)
	}
	return nil
}

// checkListen accepts the addresses that api.CheckAddress accepts, and ":8081" for all
// interfaces.
func checkListen(address string) error {
	if strings.HasPrefix(address, ":") {
		address = "0.0.0.0" + address
	}
	return api.CheckAddress(address)
}

// deriveBus applies the rule by which other nodes derive the bus port.
func (c *serveCmd) deriveBus() error {
	host, port, err := net.SplitHostPort(c.HTTP)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	n, err := strconv.Atoi(port)
	if err != nil || n+api.BusPortOffset > 65535 {
		return fmt.Errorf("--http %s leaves no port for the bus (port + %d): give --bus", c.HTTP, api.BusPortOffset)
	}
	c.Bus = net.JoinHostPort(host, strconv.Itoa(n+api.BusPortOffset))
	return nil
}

// variables are the names that cohort reads from the environment.
var variables = []string{
	"COHORT_MAX_CONNECTIONS", "COHORT_MAX_CONNECTIONS_PER_ADDRESS", "COHORT_REQUEST_MEMORY", "COHORT_MAX_DUMPS", "COHORT_MAX_BYTES",
	"COHORT_ID", "COHORT_HTTP", "COHORT_BUS", "COHORT_NATS", "COHORT_CLUSTER", "COHORT_SECRET",
	"COHORT_SECRET_FILE", "COHORT_BUS_CERT", "COHORT_BUS_KEY", "COHORT_BUS_CA", "COHORT_INSECURE",
	"COHORT_TLS_CERT", "COHORT_TLS_KEY", "COHORT_CLIENT_CA", "COHORT_TOKENS", "COHORT_ADMIN_HTTP",
	"COHORT_CA", "COHORT_TOKEN_FILE", "COHORT_TOKEN", "COHORT_CERT", "COHORT_CERT_KEY",
	"COHORT_DATA_DIR", "COHORT_DURABILITY", "COHORT_DATA_ASIDE",
	"COHORT_DEFAULT_BUCKET", "COHORT_EXPECT_DATA", "COHORT_LOG_LEVEL", "COHORT_LOG_FORMAT", "COHORT_PPROF", "COHORT_URL", "COHORT_BUCKET", "COHORT_SESSION",
}

// unknownVariables refuses unknown COHORT_ variables, because a misspelt setting must not
// pass unnoticed. Kubernetes gives every pod variables named after its services; those are
// ignored.
func unknownVariables(environment []string) error {
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "COHORT_") || slices.Contains(variables, name) {
			continue
		}
		if strings.Contains(name, "_SERVICE_") || strings.Contains(name, "_PORT") {
			continue
		}
		return fmt.Errorf("unknown environment variable %s; cohort knows %s", name, strings.Join(variables, ", "))
	}
	return nil
}

// openLog opens a log to w in the chosen format. The log never waits for its reader.
func (c *serveCmd) openLog(w io.Writer) (*slog.Logger, *logWriter, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return nil, nil, err
	}
	log, writer := openLog(w, c.LogFormat, level)
	return log, writer, nil
}
