// Package workload runs the clients of a benchmark. Each client is one goroutine with one
// keep-alive connection, and sends its next request when it has the answer to the last one
// (a closed loop). So latency and throughput belong together. Every operation goes into a
// history.Recorder, those of the warm-up too: a history with gaps cannot be judged.
//
// No request is sent twice. A write without an answer is recorded as unknown, and its
// client continues under a new id and on a new connection.
//
// Run returns when the last answer has arrived or was given up.
package workload

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/cohortkv/cohort/api"
	access "github.com/cohortkv/cohort/client"
)

// Surface is the HTTP surface that the clients use.
type Surface string

// The two surfaces (paths of package api).
const (
	V1      Surface = "v1"
	Classic Surface = "classic"
)

// Model is the kind of bucket that is loaded.
type Model string

// The two models. A client of a causal bucket carries its context.
const (
	Strong Model = "strong"
	Causal Model = "causal"
)

// MinValueSize is the size in bytes of the name inside a value.
const MinValueSize = 16

// Config describes a workload. Begin with Default.
type Config struct {
	URLs    []string      // http://host:port or https://…, all of one scheme; client i begins at URL i modulo their number
	Access  access.Access // how clients identify themselves
	Pinned  bool          // a client stays with its node, even if the node does not answer
	Surface Surface       // HTTP surface
	Model   Model         // on the classic surface it must be that of the nodes' default bucket

	Clients   int    // how many, each with one connection
	Keys      int    // how many
	Prefix    string // of every key; the keys must be absent before the run; package benchmark makes a prefix if it is empty
	ValueSize int    // bytes, at least MinValueSize
	Puts      int    // share of PUTs; the sum of the shares is arbitrary
	Gets      int    // share of GETs
	Deletes   int    // share of DELETEs
	Seed      uint64 // of the random choice of keys and kinds

	// Of causal clients, in per cent of operations. Before a Fresh operation, a client
	// drops its context. Before a Handover operation, it leaves a copy of its context for
	// other clients, or takes one.
	Fresh    int
	Handover int

	Preload  bool          // write every key once before anything else
	Warmup   time.Duration // recorded and judged, not measured
	Duration time.Duration // of the measurement; or
	Count    int           // operations to measure; 0: measure for Duration
	Timeout  time.Duration // how long a client waits for one answer
	Patience time.Duration // how long preloading and the last reads continue while no key gets an answer

	Begin func() // called when the measurement begins; nil: not called
	End   func() // called when the measurement ends; nil: not called

	// Settle, if not nil, is called when all clients have their answers. After it every key
	// is read once, which shows a write that was lost at the end.
	Settle func() error
}

// Default is a mixed load on the surface of the primary, without targets.
func Default() Config {
	return Config{
		Surface: V1, Model: Strong, Fresh: 1, Handover: 2, Clients: 64, Keys: 100_000, ValueSize: 128, Puts: 50, Gets: 50, Seed: 1,
		Warmup: time.Second, Duration: 10 * time.Second, Timeout: 15 * time.Second, Patience: 30 * time.Second,
	}
}

// Validate reports all errors of the configuration.
func (c *Config) Validate() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(len(c.URLs) == 0, "no URL to send requests to")
	for _, u := range c.URLs {
		if _, err := hostOf(u); err != nil {
			errs = append(errs, err)
		}
	}
	wrong(c.Surface != V1 && c.Surface != Classic, "surface %q is neither %q nor %q", c.Surface, V1, Classic)
	wrong(c.Model != Strong && c.Model != Causal, "model %q is neither %q nor %q", c.Model, Strong, Causal)
	wrong(c.Fresh < 0 || c.Handover < 0 || c.Fresh+c.Handover > 100, "sessions: %d and %d are not per cent", c.Fresh, c.Handover)
	wrong(c.Clients < 1, "clients: %d is less than 1", c.Clients)
	wrong(c.Keys < 1, "keys: %d is less than 1", c.Keys)
	wrong(len(c.Prefix) > api.MaxKey-32, "prefix: longer than %d bytes", api.MaxKey-32)
	wrong(c.ValueSize < MinValueSize || c.ValueSize > api.MaxValue, "value size: %d is not between %d and %d", c.ValueSize, MinValueSize, api.MaxValue)
	wrong(c.Puts < 0 || c.Gets < 0 || c.Deletes < 0 || c.Puts+c.Gets+c.Deletes == 0, "mix: %d/%d/%d are not shares of puts, gets and deletes", c.Puts, c.Gets, c.Deletes)
	wrong(c.Warmup < 0, "warm-up: %v is negative", c.Warmup)
	wrong(c.Duration < 0 || c.Count < 0 || (c.Duration == 0) == (c.Count == 0), "give a duration or a count of operations, and one of them")
	wrong(c.Timeout <= 0, "timeout: %v is not positive", c.Timeout)
	wrong(c.Patience <= 0, "patience: %v is not positive", c.Patience)
	return errors.Join(errs...)
}

// hostOf returns the address in a target's URL.
func hostOf(target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", fmt.Errorf("target: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" {
		return "", fmt.Errorf("target %q is not http://host:port or https://host:port", target)
	}
	if err := api.CheckAddress(u.Host); err != nil {
		return "", fmt.Errorf("target %w", err)
	}
	return u.Host, nil
}
