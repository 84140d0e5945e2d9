package front

import (
	"bytes"
	"log/slog"
	"unsafe"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/access"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/front/route"
)

// gate decides which client may send which request, by the rights in the table of
// routes, and logs what administrators do.
type gate struct {
	guard   *access.Guard // nil: every client has every right
	log     *slog.Logger
	answers *answer.Writer
}

// rights are the rights of a party that route.Right asks for.
var rights = [...]access.Right{route.Read: access.Read, route.Write: access.Write, route.Admin: access.Admin}

// admits reports whether the client may send this request. If not, it has answered
// the request.
func (g *gate) admits(ctx *fasthttp.RequestCtx, to *route.Endpoint, method route.Method, path []byte) bool {
	need := to.Right(method)
	if g.guard == nil || need == route.Open || !g.guard.Knows() {
		return true
	}
	who := g.who(ctx)
	if who == nil {
		ctx.Response.Header.Set("WWW-Authenticate", `Bearer realm="cohort", Basic realm="cohort"`)
		g.answers.Fail(ctx, api.CodeUnauthorized, "this node answers only to clients that identify themselves: send a token, as a bearer or as the password of basic authentication, or a certificate")
		return false
	}
	bucket, key := "", ""
	if need == route.Read || need == route.Write {
		bucket, key = concerns(ctx, to, path)
	}
	if need == route.Known || who.May(rights[need], bucket, key) {
		return true
	}
	g.answers.Fail(ctx, api.CodeForbidden, who.Name+" has no right to do this")
	return false
}

// concerns is the bucket that a request concerns, and the key: as the bucket knows it,
// or the prefix that is listed. If the path has no valid key, the key is empty, and the
// request is refused later.
func concerns(ctx *fasthttp.RequestCtx, to *route.Endpoint, path []byte) (bucket, key string) {
	bucket, raw := to.Bucket, to.Tail(path)
	if bucket == "" {
		name, rest, _ := bytes.Cut(raw, []byte{'/'})
		bucket, raw = asString(name), rest
	}
	switch to.Key {
	case route.KeyInQuery:
		return bucket, asString(ctx.QueryArgs().Peek(api.QueryPrefix))
	case route.KeyInPath:
		return bucket, unescaped(raw)
	}
	return bucket, ""
}

func unescaped(raw []byte) string {
	if bytes.IndexByte(raw, '%') < 0 {
		return asString(raw)
	}
	key, err := api.AppendKey(make([]byte, 0, len(raw)), raw)
	if err != nil {
		return ""
	}
	return asString(key)
}

// asString returns bytes as a string without a copy. It is valid as long as the bytes
// are.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// who returns the party that sends a request; nil if it is unknown.
func (g *gate) who(ctx *fasthttp.RequestCtx) *access.Party {
	header := ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)
	tokens := g.guard.Tokens()
	if c := conns.Of(ctx); c != nil {
		return c.Identity.Of(tokens, header, c.TLS)
	}
	return access.Identify(tokens, header, nil)
}

// audit logs what an administrator did, or was refused. A request of an
// unidentified client is only counted, so strangers cannot fill the log.
func (g *gate) audit(ctx *fasthttp.RequestCtx, to *route.Endpoint, method route.Method, path []byte) {
	if to.Right(method) != route.Admin {
		return
	}
	status := ctx.Response.StatusCode()
	if status == fasthttp.StatusUnauthorized || status == fasthttp.StatusNotFound || status == fasthttp.StatusMethodNotAllowed {
		return
	}
	name := "anyone"
	if g.guard != nil && g.guard.Knows() {
		name = g.who(ctx).Name
	}
	g.log.LogAttrs(ctx, slog.LevelInfo, "audit",
		slog.String("who", name), slog.String("what", string(ctx.Method())+" "+string(path)),
		slog.String("from", ctx.RemoteAddr().String()), slog.Int("result", status))
}
