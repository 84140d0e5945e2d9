// Package screen checks what a request carries besides its path and body: how it is
// framed, its host and origin, its query, and its headers.
//
// The package promises:
//
//  1. Bytes that two readers could frame in two ways are never taken for a request
//     (Frame).
//  2. What a request carries is honoured or refused, if ignoring it could harm the
//     client (api.Modifiers). A refusal names it.
//
// All functions are pure: they read the request, and return a refusal that the caller
// answers with. docs/api.md §12 lists what is refused.
package screen

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/condition"
	"github.com/cohortkv/cohort/node/front/conns"
)

// Refusal is why a request is refused. The zero value refuses nothing.
type Refusal struct {
	Code   api.Code
	Detail string
}

// Refuses reports whether the request is refused.
func (r Refusal) Refuses() bool { return r.Code != "" }

// Rules is what requests of a path may carry.
type Rules struct {
	Parameters  []string  // query parameters that the path takes
	AnyQuery    bool      // the query is not looked at
	Read, Write api.Kinds // the kind of a request by its method, which decides how its headers are treated
}

// Frame reads the header lines. It fails if two readers could frame the request
// differently. Then nothing more may be read from the connection.
func Frame(h *fasthttp.RequestHeader) (seen Headers, err error) {
	seen, err = scan(h.RawHeaders())
	switch {
	case err != nil:
	case bytes.IndexByte(h.RequestURI(), '#') >= 0:
		err = errFragment
	case !h.IsHTTP11() && string(h.Protocol()) != "HTTP/1.0":
		err = errProtocol
	}
	return seen, err
}

// Check checks everything that a request carries besides its path and body.
func Check(ctx *fasthttp.RequestCtx, rules *Rules, seen Headers) Refusal {
	if c := conns.Of(ctx); c != nil && c.Local {
		if r := checkHost(ctx.Host()); r.Refuses() {
			return r
		}
	}
	if text := ctx.URI().QueryString(); len(text) > 0 && !rules.AnyQuery {
		if r := checkQuery(text, ctx.QueryArgs(), rules.Parameters); r.Refuses() {
			return r
		}
	}
	if seen.once == 0 {
		return Refusal{}
	}
	kind, write := rules.Read, !ctx.IsGet() && !ctx.IsHead()
	if write {
		kind = rules.Write
	}
	if write && seen.has(known.origin) {
		if r := checkOrigin(ctx); r.Refuses() {
			return r
		}
	}
	if r := checkHeaders(&ctx.Request.Header, kind, seen); r.Refuses() {
		return r
	}
	if seen.has(known.expect) {
		if r := checkExpectation(&ctx.Request.Header); r.Refuses() {
			return r
		}
	}
	if seen.has(known.tags) {
		if name, err := condition.Check(&ctx.Request.Header); err != nil {
			return Refusal{api.CodeBadCondition, name + " " + err.Error()}
		}
	}
	return Refusal{}
}

// Trailer refuses a request with fields behind its chunked body, once the body was
// read. fasthttp takes such fields for headers.
func Trailer(h *fasthttp.RequestHeader, seen Headers) Refusal {
	if !seen.has(known.encoding) || len(h.Peek("Trailer")) == 0 {
		return Refusal{}
	}
	return Refusal{api.CodeBadHeader, "there is a trailer field behind the body, and trailers are not supported"}
}
