// Package front is the node's HTTP surface: the classic paths and v1, on
// fasthttp. Package api has its vocabulary.
//
// It promises that a request has exactly one answer. The answer is 503 only if the
// request was not applied, and 504 if the fate of a write is not known. A request that
// waits costs a goroutine, and is taken back when its client leaves. The front asks of
// its Backend that it never blocks a caller for long.
// Handlers run on fasthttp's goroutines; the front's own goroutine ends with
// Shutdown.
package front

import (
	"context"
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
	"github.com/cohortkv/cohort/node/wire"
)

// classicPatience bounds how long a classic read of a causal bucket waits; 408.
const classicPatience = 60 * time.Second

// Config is what a Server needs.
type Config struct {
	Node          wire.NodeID
	Backend       Backend
	Cluster       string                  // its name; sessions of another one are refused
	SessionKeys   [][]byte                // seal sessions by the first, and take those of any; none: a checksum does
	DefaultBucket string                  // the model that /data speaks; empty: strong
	Space         hashing.Space           // how many slots there are; 0: hashing.Standard
	Metrics       fasthttp.RequestHandler // serves /metrics; nil: 404
	Log           *slog.Logger            // nil: nothing is logged
	Limits        Limits
	Guard         *access.Guard // nil: no TLS, and everybody may do everything
}

// Server answers HTTP for one node.
type Server struct {
	backend       Backend
	cluster       string
	sealer        wire.Sealer // of sessions; nil: the cluster has no secret
	defaultBucket string
	metrics       fasthttp.RequestHandler
	id            wire.NodeID
	node          []byte // the node id, as headers show it
	space         hashing.Space
	assigned      atomic.Pointer[assigned] // nil: nobody has asked
	requestPrefix string                   // of request ids: this life of this server
	started       string                   // RFC 3339

	http  *fasthttp.Server
	conns connections
	guard *access.Guard // may be nil

	adminHTTP  *fasthttp.Server // of the listener for administrators
	adminConns connections

	budget   budget
	dumps    dumps
	shed     atomic.Uint64 // requests refused for want of memory
	log      *slog.Logger
	limits   Limits
	waiters  waiters
	requests tally
	puts     atomic.Int64 // views that are being put
	draining atomic.Bool  // no new work is taken

	patience time.Duration // classicPatience, but in tests
}

// New returns a server. It must be given a listener by Serve and ended by
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
	s.budget.limit = s.limits.RequestBytes
	s.conns.init(s.limits, &s.budget)
	s.dumps.most, s.dumps.mostBytes = s.limits.Dumps, s.limits.DumpBytes
	s.waiters.init(c.Backend)
	s.http = s.newHTTP(s.handle, &s.conns)
	admin := s.limits
	admin.Connections, admin.ConnectionsPerAddress = adminConnections, adminConnections
	s.adminConns.init(admin, &s.budget)
	s.adminHTTP = s.newHTTP(s.handleAdmin, &s.adminConns)
	if s.guard != nil {
		s.conns.tls, s.adminConns.tls = s.guard.TLS(), s.guard.TLS()
	}
	return s
}

// Serve accepts connections until Shutdown, and then returns nil. It owns the
// listener.
func (s *Server) Serve(ln net.Listener) error { return s.serve(ln, s.http, &s.conns) }

func (s *Server) serve(ln net.Listener, server *fasthttp.Server, conns *connections) error {
	wrapped := newListener(ln, conns, s.log)
	conns.listen(wrapped)
	if err := server.Serve(wrapped); err != nil {
		return fmt.Errorf("serve http on %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown stops accepting, lets what was begun end by itself for half of ctx's
// time (or two seconds), then answers what still waits: reads with 503, writes,
// which may yet be applied, with 504. It returns when every connection is closed
// and, with ctx's error, when ctx ends; connections are cut then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	grace := 2 * time.Second
	if deadline, bounded := ctx.Deadline(); bounded {
		grace = time.Until(deadline) / 2
	}
	impatience := time.AfterFunc(grace, s.waiters.endAll)
	defer impatience.Stop()
	s.conns.drain()
	s.adminConns.drain()
	err := s.stopHTTP(ctx)
	s.waiters.endAll()
	s.conns.cut()
	s.adminConns.cut()
	s.waiters.close()
	if err != nil {
		return fmt.Errorf("shut http down: %w", err)
	}
	return nil
}

// Waiting is the number of requests that wait for the node.
func (s *Server) Waiting() int { return s.waiters.count() }

// Connections is the number of open connections.
func (s *Server) Connections() int { return s.conns.count() }

// Pressure is what the bounds on clients have come to.
type Pressure struct {
	RequestBytes int64  // that requests under way hold now, beyond what a connection costs
	Shed         uint64 // requests refused for want of memory, so far
	Refused      uint64 // connections closed for want of a place, so far
	AcceptFails  uint64 // failures to accept, so far: too many open files, for instance
}

// Pressure may be called at any time by any goroutine.
func (s *Server) Pressure() Pressure {
	return Pressure{
		RequestBytes: s.budget.used.Load(), Shed: s.shed.Load(),
		Refused: s.conns.refused.Load(), AcceptFails: s.conns.acceptFails.Load(),
	}
}

// Tide is how much clients take, and the most that they took since it was last asked.
type Tide struct {
	Connections, ConnectionsHeight   int
	RequestBytes, RequestBytesHeight int64
}

// Tide is for one caller: it begins to watch for the heights anew.
func (s *Server) Tide() Tide {
	t := Tide{RequestBytes: s.budget.used.Load()}
	t.RequestBytesHeight = max(s.budget.height.Swap(t.RequestBytes), t.RequestBytes)
	t.Connections, t.ConnectionsHeight = s.conns.tide()
	return t
}

// handle answers a request and counts the answer. The path is the one of the
// request line: fasthttp's own is unescaped and folded, and a key must be
// neither.
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

// enter lets a request in, with its body if it may have one that matters, or
// answers it.
func (s *Server) enter(ctx *fasthttp.RequestCtx, to route, seen headers) bool {
	if c, ours := ctx.Conn().(*conn); ours && c.brief {
		ctx.SetConnectionClose()
		if !to.isHealth() {
			s.fail(ctx, api.CodeOverloaded, "all connections that this node may have, or one address of it, are taken")
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

// refusePath answers for a path that leads nowhere, or nowhere yet.
func (s *Server) refusePath(ctx *fasthttp.RequestCtx, path []byte) {
	switch string(path) {
	case api.PathTxn:
		s.fail(ctx, api.CodeNotBuilt, string(path)+" is not built yet")
	default:
		s.fail(ctx, api.CodeNoSuchPath, "there is nothing at this path")
	}
}

// logger gives fasthttp's complaints to slog. They concern connections, which
// clients break as they like.
type logger struct{ log *slog.Logger }

// Printf implements fasthttp.Logger.
func (l logger) Printf(format string, args ...any) {
	l.log.Debug("http", "err", fmt.Sprintf(format, args...))
}
