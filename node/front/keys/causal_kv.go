package keys

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/wire"
)

// CausalKV serves the causal bucket on v1.
type CausalKV struct {
	reader
	causal
	shards shards
}

// begin begins the answer, and reads timeout and session.
func (h *CausalKV) begin(ctx *fasthttp.RequestCtx) (c wire.Context, timeout time.Duration, ok bool) {
	if timeout, ok = h.reader.begin(ctx); !ok {
		return c, timeout, false
	}
	text := ctx.Request.Header.Peek(api.HeaderSession)
	if len(text) == 0 {
		text = ctx.QueryArgs().Peek(api.QuerySession)
	}
	c, ok = h.session(ctx, text)
	return c, timeout, ok
}

// Put serves PUT /v1/kv/causal/{key}.
func (h *CausalKV) Put(ctx *fasthttp.RequestCtx, raw []byte) {
	var op wire.Op
	if c, timeout, ok := h.begin(ctx); ok && h.putRaw(ctx, &op, raw) {
		h.answerWrite(ctx, &op, c, timeout)
	}
}

// Delete serves DELETE /v1/kv/causal/{key}.
func (h *CausalKV) Delete(ctx *fasthttp.RequestCtx, raw []byte) {
	if c, timeout, ok := h.begin(ctx); ok {
		if key, ok := h.key(ctx, raw); ok {
			h.answerWrite(ctx, &wire.Op{Kind: wire.OpDelete, Key: key}, c, timeout)
		}
	}
}

// Post serves POST /v1/kv/causal/_batch.
func (h *CausalKV) Post(ctx *fasthttp.RequestCtx, raw []byte) {
	if _, _, ok := h.begin(ctx); ok {
		h.batch(ctx, raw)
	}
}

// Refuse answers a method that keys do not have.
func (h *CausalKV) Refuse(ctx *fasthttp.RequestCtx, _ []byte) {
	if _, _, ok := h.begin(ctx); ok {
		h.refuseKeyMethod(ctx)
	}
}

func (h *CausalKV) answerWrite(ctx *fasthttp.RequestCtx, op *wire.Op, c wire.Context, timeout time.Duration) {
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.write(ctx, w, op, c, timeout) {
		return
	}
	result := w.Reply.Causal
	switch {
	case op.Kind == wire.OpDelete:
		showDeleted(ctx, result.Existed)
	case result.Existed:
		ctx.SetStatusCode(http.StatusNoContent)
	default:
		ctx.SetStatusCode(http.StatusCreated)
	}
	if op.Kind == wire.OpPut {
		showCausalVersion(ctx, w, &result.Item.Version)
	}
	h.showSession(ctx, w, result.Context)
}

// Get serves GET /v1/kv/causal/{key}.
func (h *CausalKV) Get(ctx *fasthttp.RequestCtx, raw []byte) {
	c, timeout, ok := h.begin(ctx)
	if !ok || h.refuseWatch(ctx) {
		return
	}
	key, ok := h.key(ctx, raw)
	if !ok {
		return
	}
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.read(ctx, w, key, c, timeout, late(&c)) {
		return
	}
	h.showSession(ctx, w, w.Reply.Causal.Context)
	item := value(w.Reply.Causal)
	if item == nil {
		h.Fail(ctx, api.CodeNoSuchKey, "no such key")
		return
	}
	etag := showCausalVersion(ctx, w, &item.Version)
	h.showValue(ctx, etag, item.Value, item.ContentType, func() api.Metadata { return causalMetadata(item) })
}

// showCausalVersion returns the entity tag. The tag is valid until w.Scratch is
// used again.
func showCausalVersion(ctx *fasthttp.RequestCtx, w *waiters.Request, v *wire.CausalVersion) []byte {
	w.Scratch = causalVersion(v, w.Scratch).AppendETag(w.Scratch[:0])
	n := len(w.Scratch)
	w.Scratch = strconv.AppendUint(w.Scratch, v.Counter, 10)
	etag, counter := w.Scratch[:n], w.Scratch[n:]
	ctx.Response.Header.SetCanonical(headerETag, etag)
	ctx.Response.Header.SetCanonical(headerVersion, counter)
	return etag
}

func (h *CausalKV) showSession(ctx *fasthttp.RequestCtx, w *waiters.Request, c wire.Context) {
	w.Scratch = h.sessions.Append(w.Scratch[:0], c)
	ctx.Response.Header.SetCanonical(headerSession, w.Scratch)
}

// List serves GET /v1/kv/causal: one page of the keys of this node's shard, in the order of the
// state. An order by key bytes would need a look at all keys.
func (h *CausalKV) List(ctx *fasthttp.RequestCtx, _ []byte) {
	c, timeout, ok := h.begin(ctx)
	if !ok {
		return
	}
	want, ok := h.page(ctx, causalCursor, h.shards.origin())
	if !ok {
		return
	}
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.list(ctx, w, c, timeout, late(&c)) {
		return
	}
	var list api.List
	c = w.Listing.Context(func(yield func(*wire.Item) bool) { list = want.collectCausal(w.Listing, yield) })
	list.Shard = h.shards.own()
	h.showSession(ctx, w, c)
	h.JSON(ctx, list)
}

// late is the code of a read that was not answered in time.
func late(c *wire.Context) api.Code {
	if c.IsZero() {
		return api.CodeReadUnanswered
	}
	return api.CodeSessionNotVisible
}

func causalMetadata(item *wire.Item) api.Metadata {
	return describe(item.Key, api.Metadata{
		ETag:        string(causalVersion(&item.Version, nil).AppendETag(nil)),
		Version:     item.Version.Counter,
		Size:        len(item.Value),
		ContentType: item.ContentType,
	})
}

// collectCausal reads the page, and calls shown with every item of which the client
// learns. The client also learns that a key is deleted, so shown gets tombstones
// too.
func (p page) collectCausal(listing waiters.Listing, shown func(*wire.Item) bool) api.List {
	list := api.List{Items: []api.Metadata{}}
	last := ""
	for item := range listing.From(p.after) {
		if !strings.HasPrefix(item.Key, p.prefix) {
			continue
		}
		if !item.Deleted && len(list.Items) == p.limit {
			list.Next = p.cursor(last)
			break
		}
		if !shown(item) {
			break
		}
		if !item.Deleted {
			list.Items = append(list.Items, causalMetadata(item))
			last = item.Key
		}
	}
	return list
}
