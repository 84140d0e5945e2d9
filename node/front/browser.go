package front

import (
	"bytes"
	"net"
	"net/url"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// Stored bytes are what somebody wrote, under a type that they chose. A browser that is
// shown them must not take them for another type, and must not run or load anything
// for them with the rights of this origin.
var (
	headerSniff = []byte("X-Content-Type-Options")
	valueSniff  = []byte("nosniff")
	headerCSP   = []byte("Content-Security-Policy")
	valueCSP    = []byte("default-src 'none'; sandbox")
)

// confine tells browsers to handle the body as foreign bytes.
func confine(header *fasthttp.ResponseHeader) {
	header.SetCanonical(headerSniff, valueSniff)
	header.SetCanonical(headerCSP, valueCSP)
}

// isLoopback reports an address that only this machine can reach.
func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// refuseHost answers for a name that is none of this machine's, at a listener that only
// this machine reaches: a page elsewhere has its own name lead there.
func (s *Server) refuseHost(ctx *fasthttp.RequestCtx) bool {
	c, ours := ctx.Conn().(*conn)
	if !ours || !c.local {
		return false
	}
	host := ctx.Host()
	if len(host) == 0 || api.IsLoopbackHost(asString(host)) {
		return false // without a name it is HTTP/1.0, which no browser speaks
	}
	s.fail(ctx, api.CodeMisdirected, "this node listens on a loopback address, and answers only to localhost and loopback addresses as Host")
	return true
}

// refuseOrigin answers for a write that a page of another origin makes a browser send.
// Other clients send neither header (as in net/http.CrossOriginProtection).
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
