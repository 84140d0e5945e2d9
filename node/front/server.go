// Package front is the node's HTTP surface: the classic paths and v1, on fasthttp.
// Package api has the vocabulary.
//
// The package promises:
//
//  1. A request gets exactly one answer.
//  2. 503 is given only for a request that was not applied.
//  3. 504 is given for a write whose outcome is unknown.
//  4. A request that waits costs one goroutine, and is taken back when its client
//     leaves.
//
// Its Backend must never block a caller for long. Handlers run on fasthttp's
// goroutines. The front's own goroutine ends with Shutdown.
package front

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/access"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/front/dump"
	"github.com/cohortkv/cohort/node/front/keys"
	"github.com/cohortkv/cohort/node/front/route"
	"github.com/cohortkv/cohort/node/front/session"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/ids"
)

// classicPatience bounds how long a classic read of a causal bucket waits. After
// that the answer is 408.
const classicPatience = 60 * time.Second

// Config is what New needs to create a Server.
type Config struct {
	Node          ids.Node                // id of the node, for headers
	Backend       Backend                 // the node that answers
	Cluster       string                  // the cluster's name; sessions of another cluster are refused
	SessionKeys   [][]byte                // sessions are sealed by the first, and accepted from all; none: a checksum instead of a seal
	DefaultBucket string                  // the model that /data speaks; empty: strong
	Space         hashing.Space           // how many slots there are; 0: hashing.Standard
	Metrics       fasthttp.RequestHandler // serves /metrics; nil: 404
	Log           *slog.Logger            // nil: nothing is logged
	Limits        Limits                  // bounds on clients
	Guard         *access.Guard           // nil: no TLS, and every client has every right

	patience time.Duration // 0: classicPatience; other values are for tests
}

func (c Config) withDefaults() Config {
	c.DefaultBucket = cmp.Or(c.DefaultBucket, api.BucketStrong)
	c.Space = cmp.Or(c.Space, hashing.Standard)
	c.patience = cmp.Or(c.patience, classicPatience)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults()
	return c
}

// Server answers HTTP for one node.
type Server struct {
	http, adminHTTP   *fasthttp.Server // of the listeners for clients and for administrators
	conns, adminConns *conns.Table

	budget   *conns.Budget
	answers  *answer.Writer
	waiters  *waiters.Table
	sessions *session.Codec
	dumps    *dump.Streams
	keys     keys.Handlers
	gate     gate
	routes   *route.Table
	log      *slog.Logger
}

// New returns a server. The caller gives it a listener by Serve, and ends it by
// Shutdown.
func New(c Config) *Server {
	c = c.withDefaults()
	budget := conns.NewBudget(c.Limits.RequestBytes)
	answers := answer.New(c.Node, c.Backend, budget)
	s := &Server{
		budget:   budget,
		answers:  answers,
		waiters:  waiters.New(c.Backend, answers),
		sessions: session.New(c.Cluster, c.SessionKeys),
		dumps:    dump.New(c.Limits.Dumps, c.Limits.DumpBytes, answers),
		gate:     gate{guard: c.Guard, log: c.Log, answers: answers},
		log:      c.Log,
	}
	s.keys = keys.New(keys.Config{
		ID: c.Node, Node: c.Backend, Answers: answers, Waiters: s.waiters, Sessions: s.sessions, Dumps: s.dumps,
		ValueBytes: c.Limits.ValueBytes, StoreBytes: c.Limits.StoreBytes, Patience: c.patience,
	})
	s.routes = s.newRoutes(&c)
	var encryption *tls.Config
	if c.Guard != nil {
		encryption = c.Guard.TLS()
	}
	s.conns = conns.New(conns.Bounds{Open: c.Limits.Connections, PerAddress: c.Limits.ConnectionsPerAddress}, budget, encryption)
	s.adminConns = conns.New(conns.Bounds{Open: adminConnections, PerAddress: adminConnections}, budget, encryption)
	s.http = s.newHTTP(s.handle, s.conns)
	s.adminHTTP = s.newHTTP(s.handleAdmin, s.adminConns)
	return s
}

// Serve accepts connections until Shutdown, and then returns nil. It owns the
// listener.
func (s *Server) Serve(ln net.Listener) error { return s.serve(ln, s.http, s.conns) }

func (s *Server) serve(ln net.Listener, server *fasthttp.Server, open *conns.Table) error {
	if err := server.Serve(open.Listen(ln, s.log)); err != nil {
		return fmt.Errorf("serve http on %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown stops accepting, and waits for requests under way for half of the time
// until ctx's deadline, or two seconds without a deadline. Then it answers the
// requests that still wait: reads with 503, and writes, which may yet be applied,
// with 504.
//
// Shutdown returns nil when every connection is closed. If ctx ends first, Shutdown
// cuts the connections and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.waiters.Drain()
	grace := 2 * time.Second
	if deadline, bounded := ctx.Deadline(); bounded {
		grace = time.Until(deadline) / 2
	}
	impatience := time.AfterFunc(grace, s.waiters.EndAll)
	defer impatience.Stop()
	s.conns.Drain()
	s.adminConns.Drain()
	err := s.stopHTTP(ctx)
	s.waiters.EndAll()
	s.conns.Cut()
	s.adminConns.Cut()
	s.waiters.Close()
	if err != nil {
		return fmt.Errorf("shut http down: %w", err)
	}
	return nil
}

// Waiting is the number of requests that wait for the node.
func (s *Server) Waiting() int { return s.waiters.Count() }

// Connections is the number of open connections.
func (s *Server) Connections() int { return s.conns.Count() }

// RenewSessionKeys replaces Config.SessionKeys. The server must have been created
// with session keys. Any goroutine may call RenewSessionKeys.
func (s *Server) RenewSessionKeys(keys [][]byte) { s.sessions.Renew(keys) }

// Requests yields, for every kind of request that occurred, the number of answers. Any
// goroutine may call Requests at any time.
func (s *Server) Requests() iter.Seq2[Request, uint64] { return s.routes.Requests() }

// Pressure is how far the bounds on clients are used.
type Pressure struct {
	RequestBytes int64  // bytes that requests under way hold now, beyond the fixed cost of connections
	Shed         uint64 // requests refused for want of memory, so far
	Refused      uint64 // connections closed for want of a place, so far
	AcceptFails  uint64 // failures to accept, so far: too many open files, for instance
}

// Pressure may be called by any goroutine at any time.
func (s *Server) Pressure() Pressure {
	return Pressure{
		RequestBytes: s.budget.Used(), Shed: s.answers.Sheds(),
		Refused: s.conns.Refused(), AcceptFails: s.conns.AcceptFails(),
	}
}

// Tide is how much clients take now, and the most that they took since the last
// call.
type Tide struct {
	Connections, ConnectionsHeight   int   // open now, and the most at one time since the last call
	RequestBytes, RequestBytesHeight int64 // the same of the bytes that requests under way hold
}

// Tide may have one caller only: each call starts the maxima anew.
func (s *Server) Tide() Tide {
	var t Tide
	t.RequestBytes, t.RequestBytesHeight = s.budget.Tide()
	t.Connections, t.ConnectionsHeight = s.conns.Tide()
	return t
}

// logger passes fasthttp's messages to slog. They are about connections that
// clients break, and so are logged at DEBUG.
type logger struct{ log *slog.Logger }

// Printf implements fasthttp.Logger.
func (l logger) Printf(format string, args ...any) {
	l.log.Debug("http", "err", fmt.Sprintf(format, args...))
}
