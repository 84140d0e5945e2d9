// Package node is one cohort node at work: it gives a machine its inputs (what
// clients ask, what the bus delivers, the time) and carries out what comes back.
// What it decides itself is nothing; the protocol is in the packages below it
// (docs/views.md, docs/strong.md), the choice of a bus and of addresses is its
// caller's.
//
// Goroutines belong to Run, which waits for them. Nothing that steps the machine
// may block: a waiting client, a frozen peer and a stuck log reader cost others
// nothing (driver.go).
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
	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// Config is what a node is made of.
type Config struct {
	ID            wire.NodeID
	Incarnation   wire.Incarnation // the same that the bus shows
	Boot          wire.Boot
	Bus           bus.Conn     // of this node alone; Run closes it
	HTTP          net.Listener // Run closes it
	Cluster       string       // its name; sessions of clients of causal buckets belong to it
	SessionKeys   [][]byte     // seal these sessions, by the first, and take those of any; none: they are not sealed
	ExpectData    bool         // the node is to come to data: a view without any is worth a warning
	DefaultBucket string       // the model of /data: strong or causal
	Limits        machine.Limits
	Causal        machine.CausalLimits
	AdminHTTP     net.Listener // health checks, metrics and profiles; nil: none. Run closes it
	Access        Access       // who may do what over HTTP
	HTTPLimits    HTTPLimits
	Patience      time.Duration // how long Run waits at its end for requests that were begun
	Log           *slog.Logger
	LinesLost     func() uint64 // lines that Log could not write; nil: it does not count
}

// HTTPLimits bounds what clients may take of the node; zero values mean the
// defaults.
type HTTPLimits = front.Limits

// Access names the files of certificates and tokens. The zero value means that
// connections are not encrypted and that every client may do everything.
type Access = access.Config

// Default is a node that starts with nothing: a new incarnation. ID, Bus and
// HTTP are the caller's to set.
func Default() Config {
	return Config{
		Incarnation:   wire.Incarnation(nonzero()),
		Boot:          wire.Boot(nonzero()),
		Cluster:       "cohort",
		DefaultBucket: "strong",
		Patience:      4 * time.Second,
		Log:           slog.New(slog.DiscardHandler),
	}
}

// gate says which models a PUT /view waits for. Both run in every node, and a
// request to a model that is not ready waits, so this decides only how long an
// operator does. Where /data is strong, a 200 means that both are ready. Where it
// is causal, only that this one is: strong buckets need every member, and would
// make each PUT during a partition take as long as it may.
func (c Config) gate() machine.Gate {
	if c.DefaultBucket == "causal" {
		return machine.GateCausal
	}
	return machine.GateBoth
}

func nonzero() uint64 { return max(rand.Uint64(), 1) }

// Validate reports everything that is wrong.
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
