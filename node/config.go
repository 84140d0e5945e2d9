// Package node runs one cohort node. It gives a machine its inputs (requests of clients, messages
// of the bus, the time) and carries out the outputs. The package makes no protocol decisions:
// these are in the packages below (docs/views.md, docs/strong.md). The caller chooses the bus and
// the addresses.
//
// All goroutines belong to Run, which waits for them. Code that steps the machine must not block:
// a waiting client, a frozen peer or a stuck log reader must not delay others (driver.go).
package node

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/access"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
)

// Config is the configuration of a node.
type Config struct {
	ID            ids.Node
	Incarnation   ids.Incarnation // that of Store and Bus
	Boot          ids.Boot
	Store         Store           // of this node alone; nil: in memory. Run closes it
	Recovered     *core.Recovered // with which the machine starts; nil: the store is empty
	Bus           bus.Conn        // of this node alone; Run closes it
	HTTP          net.Listener    // Run closes it
	Cluster       string          // name of the cluster; sessions of causal buckets belong to one cluster
	SessionKeys   [][]byte        // the first seals sessions; seals of all are accepted; empty: sessions are not sealed
	ExpectData    bool            // the cluster has data: warn of a view without any
	DefaultBucket string          // the model of /data: strong or causal
	Limits        machine.Limits
	Causal        machine.CausalLimits
	AdminHTTP     net.Listener // health checks, metrics and profiles; nil: none. Run closes it
	Access        Access       // rights of clients over HTTP
	HTTPLimits    HTTPLimits
	Patience      time.Duration // how long Run waits at its end for requests in progress
	Log           *slog.Logger
	LinesLost     func() uint64 // number of lines that Log lost; nil: not counted
}

// HTTPLimits bounds the resources that clients may use. Zero values mean the defaults.
type HTTPLimits = front.Limits

// Access names the files of certificates and tokens. With the zero value, connections are not
// encrypted and every client has all rights.
type Access = access.Config

// Default is a node without data: a new incarnation. The caller sets ID, Bus and HTTP.
func Default() Config {
	return Config{
		Incarnation:   ids.Incarnation(nonzero()),
		Boot:          ids.Boot(nonzero()),
		Cluster:       "cohort",
		DefaultBucket: "strong",
		Patience:      4 * time.Second,
		Log:           slog.New(slog.DiscardHandler),
	}
}

// gate decides which models a PUT /view waits for. Both models run in every node, and requests to
// a model that is not ready wait. So the gate decides only how long an operator waits. If /data
// is strong, a 200 means that both models are ready. If /data is causal, a 200 means that the
// causal model is ready. Strong buckets need every member; waiting for them during a partition
// would delay each PUT to its time limit.
func (c Config) gate() machine.Gate {
	if c.DefaultBucket == "causal" {
		return machine.GateCausal
	}
	return machine.GateBoth
}

func nonzero() uint64 { return max(rand.Uint64(), 1) }

// Validate reports all errors of the configuration.
func (c Config) Validate() error {
	var wrong []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	need(c.Incarnation != 0, "no incarnation")
	need(c.Boot != 0, "no boot number")
	need(c.Bus != nil, "no bus")
	need(c.HTTP != nil, "no HTTP listener")
	need(c.DefaultBucket == "strong" || c.DefaultBucket == "causal",
		"default bucket %q: strong and causal are known", c.DefaultBucket)
	need(c.Patience > 0, "patience %v: must be more than nothing", c.Patience)
	need(c.Log != nil, "no logger")
	if len(wrong) > 0 {
		return fmt.Errorf("node %d: %w", c.ID, errors.Join(wrong...))
	}
	return nil
}
