package keys

import (
	"bytes"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/condition"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/front/waiters"
)

// Names of headers. Their spelling is fixed here because fasthttp would change it,
// or look each name up again.
var (
	headerMsgNum  = []byte(api.HeaderMsgNum)
	headerVersion = []byte(api.HeaderVersion)
	headerETag    = []byte(api.HeaderETag)
	headerDeleted = []byte(api.HeaderDeleted)
	headerSession = []byte(api.HeaderSession)
	headerVary    = []byte("Vary")
	valueAccept   = []byte("Accept")
	typeJSON      = []byte(api.TypeJSON)
)

// showValue answers a GET of a key that exists. Depending on the request, the
// answer is the value, 304 or 412, or the key's metadata.
func (r *reader) showValue(ctx *fasthttp.RequestCtx, etag, value []byte, contentType string, describe func() api.Metadata) {
	request, header := &ctx.Request.Header, &ctx.Response.Header
	header.SetCanonical(headerVary, valueAccept)
	switch result := condition.Read(request, etag); {
	case result == condition.Failed:
		r.Fail(ctx, api.CodePreconditionFailed, "the key has another version, which ETag shows")
	case result == condition.NotModified:
		ctx.SetStatusCode(http.StatusNotModified)
	case onlyJSON(accepts(request)):
		r.JSON(ctx, describe())
	default:
		if r.Hold(ctx, len(value)) { // a slow reader keeps the value in memory, even if the key is overwritten
			header.SetContentType(contentType)
			confine(header)
			ctx.Response.SetBodyRaw(value)
		}
	}
}

// sendScratch answers with the bytes in w.Scratch. A large answer keeps the
// buffer until it has left, and counts against the budget.
func (r *reader) sendScratch(ctx *fasthttp.RequestCtx, w *waiters.Request) {
	body := w.Scratch
	if len(body) <= conns.SmallBody {
		ctx.Response.SetBody(body)
		return
	}
	if r.Hold(ctx, len(body)) {
		ctx.Response.SetBodyRaw(body)
		w.Scratch = nil
	}
}

// showDeleted answers a DELETE with 204, whether or not the key existed.
func showDeleted(ctx *fasthttp.RequestCtx, existed bool) {
	ctx.SetStatusCode(http.StatusNoContent)
	ctx.Response.Header.SetCanonical(headerDeleted, strconv.AppendBool(nil, existed))
}

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

// onlyJSON reports whether the client accepts only JSON. Such a client wants the
// key's metadata. Many libraries send "JSON, or anything else"; such a client wants
// the value.
func onlyJSON(accept []byte) bool {
	media, _, _ := bytes.Cut(accept, []byte{';'})
	return string(bytes.TrimSpace(media)) == api.TypeJSON && !bytes.ContainsRune(accept, ',')
}

// describe adds the key to its metadata.
func describe(key string, m api.Metadata) api.Metadata {
	if utf8.ValidString(key) {
		m.Key = key
	} else {
		m.KeyBase64 = []byte(key)
	}
	return m
}
