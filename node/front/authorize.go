package front

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"log/slog"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/access"
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

// identity is the party that uses a connection. It is valid as long as the tokens
// are the same.
type identity struct {
	tokens *access.Tokens
	asked  bool
	header []byte // Authorization
	party  *access.Party
}

// who returns the party that sends a request; nil if it is unknown.
func (s *Server) who(ctx *fasthttp.RequestCtx) *access.Party {
	header := ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)
	tokens := s.guard.Tokens()
	c, ours := ctx.Conn().(*conn)
	if !ours {
		return partyOf(tokens, header, nil)
	}
	known := &c.identity
	if known.asked && known.tokens == tokens && bytes.Equal(known.header, header) {
		return known.party
	}
	*known = identity{tokens, true, append(known.header[:0], header...), partyOf(tokens, header, c.tls)}
	return known.party
}

// partyOf is the party that has this token or, if there is no token, this
// certificate.
func partyOf(tokens *access.Tokens, header []byte, encrypted *tls.Conn) *access.Party {
	if len(header) > 0 {
		if tokens == nil {
			return nil
		}
		return tokens.Token(tokenOf(header))
	}
	if encrypted == nil {
		return nil
	}
	state := encrypted.ConnectionState()
	if len(state.VerifiedChains) == 0 {
		return nil
	}
	subject := state.PeerCertificates[0].Subject
	if tokens == nil {
		return access.Everything(subject.String())
	}
	return tokens.Certificate(subject.CommonName)
}

// tokenOf is the token of an Authorization header, empty if there is none.
func tokenOf(header []byte) []byte {
	scheme, rest, _ := bytes.Cut(header, []byte{' '})
	rest = bytes.TrimSpace(rest)
	switch {
	case bytes.EqualFold(scheme, []byte("bearer")):
		return rest
	case bytes.EqualFold(scheme, []byte("basic")):
		pair, err := base64.StdEncoding.AppendDecode(nil, rest)
		if err != nil {
			return nil
		}
		_, password, _ := bytes.Cut(pair, []byte{':'})
		return password
	}
	return nil
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
