// Package keys answers requests for keys and lists of keys: on the classic surface and
// on v1, in strong and in causal buckets.
//
// Each file of a surface and a model has one handler type: StrongData, StrongKV,
// CausalData, CausalKV. What they have in common is below them:
//
//  1. reader reads the parts of a request: key, value, page;
//  2. strong and causal carry an operation to the node, wait, and answer if there is no
//     result;
//  3. dumps and lists are read from the state of one moment.
//
// The handlers are stateless, apart from what New gets. Any goroutine may call them.
package keys

import (
	"time"

	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/dump"
	"github.com/cohortkv/cohort/node/front/session"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/ids"
)

// Config is what New needs.
type Config struct {
	ID         ids.Node
	Node       Node
	Answers    *answer.Writer
	Waiters    *waiters.Table
	Sessions   *session.Codec
	Dumps      *dump.Streams
	ValueBytes int           // bytes of one value
	StoreBytes int64         // bytes that the store may hold; a put beyond it gets 507; 0: no bound
	Patience   time.Duration // how long a classic read of a causal bucket waits; then the answer is 408
}

// Handlers are the handlers of all routes of keys.
type Handlers struct {
	StrongData *StrongData // /data and /data/{key}, where the default bucket is strong
	CausalData *CausalData // the same, where it is causal
	StrongKV   *StrongKV   // /v1/kv/strong
	CausalKV   *CausalKV   // /v1/kv/causal
	NoBucket   *NoBucket   // /v1/kv and any other bucket
}

// New returns the handlers.
func New(c Config) Handlers {
	r := reader{Writer: c.Answers, most: c.ValueBytes}
	space := space{answers: c.Answers, state: c.Node.State, most: c.StoreBytes}
	s := strong{answers: c.Answers, waiters: c.Waiters, node: c.Node, space: space}
	k := causal{answers: c.Answers, waiters: c.Waiters, node: c.Node, space: space, sessions: c.Sessions}
	return Handlers{
		StrongData: &StrongData{reader: r, strong: s, dumps: c.Dumps},
		CausalData: &CausalData{reader: r, causal: k, dumps: c.Dumps, patience: c.Patience},
		StrongKV:   &StrongKV{reader: r, strong: s},
		CausalKV:   &CausalKV{reader: r, causal: k, shards: shards{c.ID, c.Node.Status}},
		NoBucket:   &NoBucket{c.Answers},
	}
}
