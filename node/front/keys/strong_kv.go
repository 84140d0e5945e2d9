package keys

import (
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/condition"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/wire"
)

// StrongKV serves the strong bucket on v1.
type StrongKV struct {
	reader
	strong
}

// Put serves PUT /v1/kv/strong/{key}.
func (h *StrongKV) Put(ctx *fasthttp.RequestCtx, raw []byte) {
	var op wire.Op
	if timeout, ok := h.begin(ctx); ok && h.putRaw(ctx, &op, raw) {
		h.answerWrite(ctx, &op, timeout)
	}
}

// Delete serves DELETE /v1/kv/strong/{key}.
func (h *StrongKV) Delete(ctx *fasthttp.RequestCtx, raw []byte) {
	if timeout, ok := h.begin(ctx); ok {
		if key, ok := h.key(ctx, raw); ok {
			h.answerWrite(ctx, &wire.Op{Kind: wire.OpDelete, Key: key}, timeout)
		}
	}
}

// Post serves POST /v1/kv/strong/_batch.
func (h *StrongKV) Post(ctx *fasthttp.RequestCtx, raw []byte) {
	if _, ok := h.begin(ctx); ok {
		h.batch(ctx, raw)
	}
}

// Refuse answers a method that keys do not have.
func (h *StrongKV) Refuse(ctx *fasthttp.RequestCtx, _ []byte) {
	if _, ok := h.begin(ctx); ok {
		h.refuseKeyMethod(ctx)
	}
}

func (h *StrongKV) answerWrite(ctx *fasthttp.RequestCtx, op *wire.Op, timeout time.Duration) {
	others, err := condition.Write(&ctx.Request.Header, op)
	if err != nil {
		h.Fail(ctx, api.CodeBadCondition, err.Error())
		return
	}
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.write(ctx, w, op, others, timeout) {
		return
	}
	result := &w.Reply.Result
	switch result.Status {
	case wire.Created:
		ctx.SetStatusCode(http.StatusCreated)
		showVersion(ctx, w, result.Version)
	case wire.Replaced:
		ctx.SetStatusCode(http.StatusNoContent)
		showVersion(ctx, w, result.Version)
	case wire.Deleted, wire.Absent:
		showDeleted(ctx, result.Status == wire.Deleted)
	case wire.PreconditionFailed:
		h.preconditionFailed(ctx, w, result.Version)
		return
	default:
		h.Fail(ctx, api.CodeOutcomeUnknown, "the write may have taken effect: its result has the status of no write: "+strconv.Itoa(int(result.Status)))
		return
	}
	showMsgNum(ctx, w, result.MsgNum)
}

// preconditionFailed answers 412 with the version that the key has. A zero version
// means that the key does not exist.
func (h *StrongKV) preconditionFailed(ctx *fasthttp.RequestCtx, w *waiters.Request, has wire.Version) {
	if has == (wire.Version{}) {
		h.Fail(ctx, api.CodePreconditionFailed, "the key does not exist")
		return
	}
	h.Fail(ctx, api.CodePreconditionFailed, "the key has another version, which ETag shows")
	showVersion(ctx, w, has)
}

// Get serves GET /v1/kv/strong/{key}.
func (h *StrongKV) Get(ctx *fasthttp.RequestCtx, raw []byte) {
	timeout, ok := h.begin(ctx)
	if !ok || h.refuseWatch(ctx) {
		return
	}
	key, ok := h.key(ctx, raw)
	if !ok {
		return
	}
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.confirm(ctx, w, timeout) {
		return
	}
	record, found, next := h.node.State().Get(key)
	showMsgNum(ctx, w, next)
	if !found {
		h.Fail(ctx, api.CodeNoSuchKey, "no such key")
		return
	}
	etag := showVersion(ctx, w, record.Version)
	h.showValue(ctx, etag, record.Value, record.ContentType, func() api.Metadata { return metadata(&record) })
}

// showVersion returns the entity tag. The tag is valid until w.Scratch is used
// again.
func showVersion(ctx *fasthttp.RequestCtx, w *waiters.Request, v wire.Version) []byte {
	w.Scratch = api.Version(v).AppendETag(w.Scratch[:0])
	n := len(w.Scratch)
	w.Scratch = strconv.AppendUint(w.Scratch, v.MsgNum, 10)
	etag, number := w.Scratch[:n], w.Scratch[n:]
	ctx.Response.Header.SetCanonical(headerETag, etag)
	ctx.Response.Header.SetCanonical(headerVersion, number)
	return etag
}

func showMsgNum(ctx *fasthttp.RequestCtx, w *waiters.Request, n uint64) {
	w.Scratch = strconv.AppendUint(w.Scratch[:0], n, 10)
	ctx.Response.Header.SetCanonical(headerMsgNum, w.Scratch)
}

// List serves GET /v1/kv/strong: one page of the keys. A page shows one moment. The cursor
// holds the last key of the page, so writes between two pages neither hide nor
// repeat a key that stays.
func (h *StrongKV) List(ctx *fasthttp.RequestCtx, _ []byte) {
	timeout, ok := h.begin(ctx)
	if !ok {
		return
	}
	want, ok := h.page(ctx, strongCursor, "")
	if !ok {
		return
	}
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.confirm(ctx, w, timeout) {
		return
	}
	snapshot := h.node.State().Snapshot()
	showMsgNum(ctx, w, snapshot.Next())
	h.JSON(ctx, want.collect(snapshot))
}

// metadata describes a record.
func metadata(record *wire.Record) api.Metadata {
	return describe(record.Key, api.Metadata{
		ETag:        api.Version(record.Version).ETag(),
		Version:     record.Version.MsgNum,
		Size:        len(record.Value),
		ContentType: record.ContentType,
	})
}
