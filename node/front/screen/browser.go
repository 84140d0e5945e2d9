package screen

import (
	"bytes"
	"net/url"
	"unsafe"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// checkHost refuses a Host that names another machine, at a listener that only this
// machine reaches. A web page can make its own name resolve to 127.0.0.1
// (DNS rebinding).
func checkHost(host []byte) Refusal {
	if len(host) == 0 || api.IsLoopbackHost(unsafe.String(unsafe.SliceData(host), len(host))) {
		return Refusal{} // without a name it is HTTP/1.0, which no browser speaks
	}
	return Refusal{api.CodeMisdirected, "this node listens on a loopback address, and answers only to localhost and loopback addresses as Host"}
}

// checkOrigin refuses a write that a browser sends for a page of another origin. Other
// clients send neither header (as in net/http.CrossOriginProtection).
func checkOrigin(ctx *fasthttp.RequestCtx) Refusal {
	header := &ctx.Request.Header
	switch site := header.Peek("Sec-Fetch-Site"); string(site) {
	case "same-origin", "none":
		return Refusal{}
	case "":
		text := header.Peek("Origin")
		origin, err := url.Parse(string(text))
		if len(text) == 0 || err == nil && bytes.EqualFold([]byte(origin.Host), ctx.Host()) {
			return Refusal{}
		}
	}
	return Refusal{api.CodeCrossOrigin, "a page of another origin makes the browser send this write; Origin and Sec-Fetch-Site say so"}
}
