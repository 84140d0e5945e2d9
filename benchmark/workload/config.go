// Package workload plays the clients of a run: each is one goroutine with one
// keep-alive connection that sends its next request when it has the answer to
// the last (a closed loop), so that latency and throughput belong together.
// Every operation goes into a history.Recorder, those of the warm-up too: a
// history with holes cannot be judged.
//
// Nothing is ever sent twice. A write without an answer is recorded as unknown
// and its client goes on under a new id; the next request uses a new connection.
package workload

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/cohortkv/cohort/api"
	access "github.com/cohortkv/cohort/client"
)

// Surface is the HTTP surface that clients use.
type Surface string

// The two surfaces (paths of package api).
const (
	V1      Surface = "v1"
	Classic Surface = "classic"
)

// Model is the kind of bucket that is loaded.
type Model string

// The two models. Clients of causal buckets carry what they have seen.
const (
	Strong Model = "strong"
	Causal Model = "causal"
)

// MinValueSize is the room that a value's name takes.
const MinValueSize = 16

// Config describes a workload. Begin with Default.
type Config struct {
	URLs    []string      // http://host:port or https://…, all alike; client i begins at URL i modulo their number
	Access  access.Access // what is shown to nodes that ask who clients are
	Pinned  bool          // a client whose node does not answer stays with it instead of trying the next
	Surface Surface
	Model   Model // on the classic surface, that of the nodes' default bucket

	Clients   int
	Keys      int
	Prefix    string // of every key; the keys must be absent, so benchmark makes one up if it is empty
	ValueSize int    // bytes, at least MinValueSize
	Puts      int    // the mix: shares, of any sum
	Gets      int
	Deletes   int
	Seed      uint64 // of the choice of keys and kinds

	// Of causal clients, per cent of operations: before them a client forgets what it
	// has seen; or, every other time, leaves a copy of that for others, or takes one.
	Fresh    int
	Handover int

	Preload  bool          // write every key once before anything else
	Warmup   time.Duration // recorded and judged, not measured
	Duration time.Duration // of what is measured; or
	Count    int           // operations to measure, if not 0
	Timeout  time.Duration // how long a client waits for an answer
	Patience time.Duration // of preloading and of the last reads: how long they go on while no key gets an answer

	Begin func() // called when measuring begins, if not nil
	End   func() // called when it ends

	// Settle, if not nil, is called when all clients have their answers. After it
	// every key is read once, so that a write which was lost at the end is missed.
	Settle func() error
}

// Default is a mixed load for the primary's surface, without targets.
func Default() Config {
	return Config{
		Surface: V1, Model: Strong, Fresh: 1, Handover: 2, Clients: 64, Keys: 100_000, ValueSize: 128, Puts: 50, Gets: 50, Seed: 1,
		Warmup: time.Second, Duration: 10 * time.Second, Timeout: 15 * time.Second, Patience: 30 * time.Second,
	}
}

// Validate reports everything that is wrong with the configuration.
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

// hostOf is the address behind a target's URL.
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
