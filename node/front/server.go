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
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/access"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
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
}

// Server answers HTTP for one node.
type Server struct {
	backend       Backend
	cluster       string
	sealer        wire.Sealer // of sessions; nil: the cluster has no secret
	defaultBucket string
	metrics       fasthttp.RequestHandler
	id            ids.Node
	node          []byte // the node id, as headers show it
	space         hashing.Space
	assigned      atomic.Pointer[assigned] // the ring of the view that was asked for last; nil: none yet
	requestPrefix string                   // of request ids; differs for every start of the server
	started       string                   // RFC 3339

	http  *fasthttp.Server
	conns *conns.Table
	guard *access.Guard // may be nil

	adminHTTP  *fasthttp.Server // of the listener for administrators
	adminConns *conns.Table

	budget   *conns.Budget
	dumps    dumps
	shed     atomic.Uint64 // requests refused for want of memory
	log      *slog.Logger
	limits   Limits
	waiters  waiters
	requests tally
	puts     atomic.Int64 // views that are being put now
	draining atomic.Bool  // no new request is begun

	patience time.Duration // classicPatience, except in tests
}

// New returns a server. The caller gives it a listener by Serve, and ends it by
// Shutdown.
func New(c Config) *Server {
	if c.DefaultBucket == "" {
		c.DefaultBucket = api.BucketStrong
	}
	if c.Space == 0 {
		c.Space = hashing.Standard
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		backend:       c.Backend,
		cluster:       c.Cluster,
		sealer:        newSealer(c.Cluster, c.SessionKeys),
		defaultBucket: c.DefaultBucket,
		metrics:       c.Metrics,
		id:            c.Node,
		node:          strconv.AppendUint(nil, uint64(c.Node), 10),
		space:         c.Space,
		requestPrefix: newRequestPrefix(),
		started:       time.Now().UTC().Format(time.RFC3339),
		patience:      classicPatience,
		log:           c.Log,
		limits:        c.Limits.withDefaults(),
		guard:         c.Guard,
	}
	s.budget = conns.NewBudget(s.limits.RequestBytes)
	var encryption *tls.Config
	if s.guard != nil {
		encryption = s.guard.TLS()
	}
	s.conns = conns.New(conns.Bounds{Open: s.limits.Connections, PerAddress: s.limits.ConnectionsPerAddress}, s.budget, encryption)
	s.adminConns = conns.New(conns.Bounds{Open: adminConnections, PerAddress: adminConnections}, s.budget, encryption)
	s.dumps.most, s.dumps.mostBytes = s.limits.Dumps, s.limits.DumpBytes
	s.waiters.init(c.Backend)
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
	s.draining.Store(true)
	grace := 2 * time.Second
	if deadline, bounded := ctx.Deadline(); bounded {
		grace = time.Until(deadline) / 2
	}
	impatience := time.AfterFunc(grace, s.waiters.endAll)
	defer impatience.Stop()
	s.conns.Drain()
	s.adminConns.Drain()
	err := s.stopHTTP(ctx)
	s.waiters.endAll()
	s.conns.Cut()
	s.adminConns.Cut()
	s.waiters.close()
	if err != nil {
		return fmt.Errorf("shut http down: %w", err)
	}
	return nil
}

// Waiting is the number of requests that wait for the node.
func (s *Server) Waiting() int { return s.waiters.count() }

// Connections is the number of open connections.
func (s *Server) Connections() int { return s.conns.Count() }

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
		RequestBytes: s.budget.Used(), Shed: s.shed.Load(),
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

// handle answers a request and counts the answer. It takes the path from the
// request line, because fasthttp unescapes and folds its own copy, and a key must
// not be changed.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	to := routeNone
	if seen, ok := s.framed(ctx); ok {
		path := ctx.URI().PathOriginal()
		to = routeOf(path)
		if s.authorize(ctx, to, path) && s.screen(ctx, to, path, seen) && s.enter(ctx, to, seen) {
			s.dispatch(ctx, to, path)
		}
		if to.isAdmins() {
			s.audit(ctx, to, path)
		}
	}
	s.requests.count(to, methodOf(ctx.Method()), ctx.Response.StatusCode())
}

// enter admits the request and reads its body, if the route takes one. On a brief
// connection it admits health checks only. If enter returns false, it has answered
// the request.
func (s *Server) enter(ctx *fasthttp.RequestCtx, to route, seen headers) bool {
	if c := conns.Of(ctx); c != nil && c.Brief {
		ctx.SetConnectionClose()
		if !to.isHealth() {
			s.fail(ctx, api.CodeOverloaded, "all connections that this node may have, or that one address may have, are in use")
			return false
		}
	}
	return !to.takesBody() || s.readBody(ctx, to) && !(seen.has(known.encoding) && s.refuseTrailer(ctx))
}

func (s *Server) dispatch(ctx *fasthttp.RequestCtx, to route, path []byte) {
	switch to {
	case routeData:
		s.data(ctx, path[len(api.DataPrefix):])
	case routeKV, routeKVList:
		s.stamp(ctx)
		s.kv(ctx, path[len(api.KVPrefix):])
	case routePing:
		s.ping(ctx)
	case routeView:
		s.view(ctx)
	case routeV1View:
		s.v1View(ctx)
	case routeDataList:
		s.dump(ctx)
	case routeLive:
		s.live(ctx)
	case routeReady:
		s.ready(ctx)
	case routeMetrics:
		s.serveMetrics(ctx)
	case routeCluster:
		s.showCluster(ctx)
	case routeRing:
		s.ring(ctx)
	case routeForget:
		s.forget(ctx, path)
	case routeOpenAPI:
		s.openAPI(ctx)
	default:
		s.refusePath(ctx, path)
	}
}

// refusePath answers a request for a path that does not exist, or is reserved.
func (s *Server) refusePath(ctx *fasthttp.RequestCtx, path []byte) {
	switch string(path) {
	case api.PathTxn:
		s.fail(ctx, api.CodeNotBuilt, string(path)+" is not built yet")
	default:
		s.fail(ctx, api.CodeNoSuchPath, "there is nothing at this path")
	}
}

// logger passes fasthttp's messages to slog. They are about connections that
// clients break, and so are logged at DEBUG.
type logger struct{ log *slog.Logger }

// Printf implements fasthttp.Logger.
func (l logger) Printf(format string, args ...any) {
	l.log.Debug("http", "err", fmt.Sprintf(format, args...))
}
