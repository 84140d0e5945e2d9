package keys

import (
	"errors"
	"iter"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/dump"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/wire"
)

// CausalData serves the classic surface where the default bucket is causal.
type CausalData struct {
	reader
	causal
	dumps    *dump.Streams
	patience time.Duration
}

// body reads the body and the client's context. The context is in the body
// or, if the body has none, in the header.
func (h *CausalData) body(ctx *fasthttp.RequestCtx) (body api.CausalBody, c wire.Context, ok bool) {
	body, err := api.ParseCausalBody(ctx.PostBody())
	if header := ctx.Request.Header.Peek(api.HeaderMetadata); err == nil && !body.Metadata && len(header) > 0 {
		body.Session, err = api.ParseMetadata(header)
	}
	switch {
	case errors.Is(err, api.ErrBadMetadata):
		h.Fail(ctx, api.CodeBadSession, err.Error())
		return body, c, false
	case err != nil:
		h.Fail(ctx, api.CodeBadBody, err.Error())
		return body, c, false
	}
	c, ok = h.session(ctx, body.Session)
	return body, c, ok
}

// Put serves PUT /data/{key}.
func (h *CausalData) Put(ctx *fasthttp.RequestCtx, raw []byte) {
	body, c, ok := h.body(ctx)
	switch {
	case !ok:
	case len(ctx.PostBody()) == 0:
		h.Fail(ctx, api.CodeBadBody, api.ErrNoBody.Error())
	case body.Value == nil:
		h.Fail(ctx, api.CodeBadBody, api.ErrNoValue.Error())
	default:
		var op wire.Op
		if h.put(ctx, &op, raw, body.Value, api.TypeText) {
			h.answerWrite(ctx, &op, c)
		}
	}
}

// Delete serves DELETE /data/{key}.
func (h *CausalData) Delete(ctx *fasthttp.RequestCtx, raw []byte) {
	if _, c, ok := h.body(ctx); ok {
		if key, ok := h.key(ctx, raw); ok {
			h.answerWrite(ctx, &wire.Op{Kind: wire.OpDelete, Key: key}, c)
		}
	}
}

// answerWrite answers 200 whether or not the key is new here: other replicas may know
// the key.
func (h *CausalData) answerWrite(ctx *fasthttp.RequestCtx, op *wire.Op, c wire.Context) {
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if h.write(ctx, w, op, c, 0) {
		h.answer(ctx, w, http.StatusOK, w.Reply.Causal.Context, func(dst []byte) []byte { return append(dst, '{') })
	}
}

// Get serves GET /data/{key}.
func (h *CausalData) Get(ctx *fasthttp.RequestCtx, raw []byte) {
	_, c, ok := h.body(ctx)
	if !ok {
		return
	}
	key, ok := h.key(ctx, raw)
	if !ok {
		return
	}
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.read(ctx, w, key, c, h.patience, api.CodeStillWaiting) {
		return
	}
	result := w.Reply.Causal
	item := value(result)
	if item == nil {
		h.answer(ctx, w, http.StatusNotFound, result.Context, func(dst []byte) []byte {
			return append(dst, `{"error":"no such key",`...)
		})
		return
	}
	h.answer(ctx, w, http.StatusOK, result.Context, func(dst []byte) []byte {
		dst, lossy := api.AppendString(append(dst, `{"value":`...), item.Value)
		if lossy {
			ctx.Response.Header.Set(api.HeaderLossy, "utf-8")
		}
		return append(dst, ',')
	})
}

// answer answers with a JSON object. head writes its beginning; the
// client's context is its last member.
func (h *CausalData) answer(ctx *fasthttp.RequestCtx, w *waiters.Request, status int, c wire.Context, head func([]byte) []byte) {
	ctx.SetStatusCode(status)
	h.stamp(ctx)
	w.Scratch = h.appendMetadata(head(w.Scratch[:0]), c)
	w.Scratch = append(w.Scratch, '}')
	h.sendScratch(ctx, w)
}

// stamp sets the headers that all classic answers have in common.
func (h *CausalData) stamp(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetContentTypeBytes(typeJSON)
	h.StampClassic(ctx)
}

// appendMetadata appends the member that clients send back.
func (h *CausalData) appendMetadata(dst []byte, c wire.Context) []byte {
	dst = append(dst, `"causal-metadata":`...)
	if c.IsZero() {
		return api.AppendMetadata(dst, nil)
	}
	return api.AppendMetadata(dst, func(dst []byte) []byte { return h.sessions.Append(dst, c) })
}

// Dump serves GET /data: this node's shard at one moment, read from the
// node's own copy, and produced as it is sent.
func (h *CausalData) Dump(ctx *fasthttp.RequestCtx, _ []byte) {
	_, c, ok := h.body(ctx)
	if !ok {
		return
	}
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.list(ctx, w, c, h.patience, api.CodeStillWaiting) {
		return
	}
	listing, lossy := w.Listing, false
	c = listing.Context(func(yield func(*wire.Item) bool) {
		for item := range listing.From(nil) {
			lossy = lossy || !item.Deleted && (!utf8.ValidString(item.Key) || !utf8.Valid(item.Value))
			if !yield(item) {
				return
			}
		}
	})
	h.stamp(ctx)
	if lossy {
		ctx.Response.Header.Set(api.HeaderLossy, "utf-8")
	}
	tail := string(append(h.appendMetadata([]byte("},"), c), "}\n"...))
	h.dumps.Send(ctx, `{"items":{`, tail, values(listing), listing)
}

// values are the keys and values of a listing. Deleted keys are left out.
func values(listing waiters.Listing) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for item := range listing.From(nil) {
			if !item.Deleted && !yield(item.Key, item.Value) {
				return
			}
		}
	}
}
