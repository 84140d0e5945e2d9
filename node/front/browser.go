package front

import (
	"bytes"
	"net/url"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/conns"
)

// A stored value comes from some client, under a Content-Type of that client's
// choice. A browser that shows the value must not take it for another type. It must
// not run or load anything for it with the rights of this origin.
var (
	headerSniff = []byte("X-Content-Type-Options")
	valueSniff  = []byte("nosniff")
	headerCSP   = []byte("Content-Security-Policy")
	valueCSP    = []byte("default-src 'none'; sandbox")
)

// confine sets headers that tell browsers to treat the body as untrusted.
func confine(header *fasthttp.ResponseHeader) {
	header.SetCanonical(headerSniff, valueSniff)
	header.SetCanonical(headerCSP, valueCSP)
}

// refuseHost answers a request whose Host names another machine, at a listener that
// only this machine reaches. A web page can make its own name resolve to 127.0.0.1
// (DNS rebinding). It returns true if it has answered.
func (s *Server) refuseHost(ctx *fasthttp.RequestCtx) bool {
	c := conns.Of(ctx)
	if c == nil || !c.Local {
		return false
	}
	host := ctx.Host()
	if len(host) == 0 || api.IsLoopbackHost(asString(host)) {
		return false // without a name it is HTTP/1.0, which no browser speaks
	}
	s.fail(ctx, api.CodeMisdirected, "this node listens on a loopback address, and answers only to localhost and loopback addresses as Host")
	return true
}

// refuseOrigin answers a write that a browser sends for a page of another origin.
// Other clients send neither header (as in net/http.CrossOriginProtection). It
// returns true if it has answered.
func (s *Server) refuseOrigin(ctx *fasthttp.RequestCtx) bool {
	header := &ctx.Request.Header
	switch site := header.Peek("Sec-Fetch-Site"); string(site) {
	case "same-origin", "none":
		return false
	case "":
		text := header.Peek("Origin")
		origin, err := url.Parse(string(text))
		if len(text) == 0 || err == nil && bytes.EqualFold([]byte(origin.Host), ctx.Host()) {
			return false
		}
	}
	s.fail(ctx, api.CodeCrossOrigin, "a page of another origin makes the browser send this write; Origin and Sec-Fetch-Site say so")
	return true
}
