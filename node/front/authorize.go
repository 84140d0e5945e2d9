package front

import (
	"bytes"
	"log/slog"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/access"
	"github.com/cohortkv/cohort/node/front/conns"
)

// demand is the right that a request needs, and the key for which it needs the
// right.
type demand struct {
	open   bool // the client need not identify itself
	known  bool // any identified client is allowed
	right  access.Right
	bucket string
	key    []byte // as it stood in the path; for a list, the prefix that is listed
	raw    bool   // key is escaped
}

// demandOf says which right a request needs. By default a request needs an
// identified client; one that may change the cluster needs the right to
// administrate.
func (s *Server) demandOf(ctx *fasthttp.RequestCtx, to route, path []byte) demand {
	read := ctx.IsGet() || ctx.IsHead()
	right := access.Write
	if read {
		right = access.Read
	}
	switch to {
	case routePing, routeLive, routeReady, routeOpenAPI:
		return demand{open: true}
	case routeData:
		return demand{right: right, bucket: s.defaultBucket, key: path[len(api.DataPrefix):], raw: true}
	case routeDataList:
		return demand{right: right, bucket: s.defaultBucket}
	case routeKV:
		bucket, key, _ := bytes.Cut(path[len(api.KVPrefix):], []byte{'/'})
		return demand{right: right, bucket: string(bucket), key: key, raw: true}
	case routeKVList:
		return demand{right: right, bucket: string(path[len(api.KVPrefix):]), key: ctx.QueryArgs().Peek(api.QueryPrefix)}
	case routeProfile:
		return demand{right: access.Admin}
	}
	if read {
		return demand{known: true}
	}
	return demand{right: access.Admin}
}

// authorize reports whether the client may send this request. If not, it has
// answered the request.
func (s *Server) authorize(ctx *fasthttp.RequestCtx, to route, path []byte) bool {
	if s.guard == nil || !s.guard.Knows() {
		return true
	}
	need := s.demandOf(ctx, to, path)
	if need.open {
		return true
	}
	who := s.who(ctx)
	if who == nil {
		ctx.Response.Header.Set("WWW-Authenticate", `Bearer realm="cohort", Basic realm="cohort"`)
		s.fail(ctx, api.CodeUnauthorized, "this node answers only to clients that identify themselves: send a token, as a bearer or as the password of basic authentication, or a certificate")
		return false
	}
	if need.known || who.May(need.right, need.bucket, need.name()) {
		return true
	}
	s.fail(ctx, api.CodeForbidden, who.Name+" has no right to do this")
	return false
}

// name is the key as the bucket knows it. If the path has no valid key, the request
// is refused later.
func (d *demand) name() string {
	if !d.raw || bytes.IndexByte(d.key, '%') < 0 {
		return asString(d.key)
	}
	key, err := api.AppendKey(make([]byte, 0, len(d.key)), d.key)
	if err != nil {
		return ""
	}
	return asString(key)
}

// who returns the party that sends a request; nil if it is unknown.
func (s *Server) who(ctx *fasthttp.RequestCtx) *access.Party {
	header := ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)
	tokens := s.guard.Tokens()
	if c := conns.Of(ctx); c != nil {
		return c.Identity.Of(tokens, header, c.TLS)
	}
	return access.Identify(tokens, header, nil)
}

// audit logs what an administrator did, or was refused. A request of an
// unidentified client is only counted, so strangers cannot fill the log.
func (s *Server) audit(ctx *fasthttp.RequestCtx, to route, path []byte) {
	status := ctx.Response.StatusCode()
	if need := s.demandOf(ctx, to, path); need.open || need.known || need.right != access.Admin ||
		status == fasthttp.StatusUnauthorized || status == fasthttp.StatusNotFound || status == fasthttp.StatusMethodNotAllowed {
		return
	}
	name := "anyone"
	if s.guard != nil && s.guard.Knows() {
		name = s.who(ctx).Name
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "audit",
		slog.String("who", name), slog.String("what", string(ctx.Method())+" "+string(path)),
		slog.String("from", ctx.RemoteAddr().String()), slog.Int("result", status))
}
