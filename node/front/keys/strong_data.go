package keys

import (
	"iter"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/dump"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/wire"
)

// StrongData serves the classic surface where the default bucket is strong.
type StrongData struct {
	reader
	strong
	dumps *dump.Streams
}

// Constant bodies of the classic surface.
var (
	bodyCreated  = []byte(`{"result":"created"}`)
	bodyReplaced = []byte(`{"result":"replaced"}`)
	bodyDeleted  = []byte(`{"result":"deleted"}`)
	bodyNoKey    = []byte(`{"error":"no such key"}`)
)

// Put serves PUT /data/{key}.
func (h *StrongData) Put(ctx *fasthttp.RequestCtx, raw []byte) {
	value, err := api.ParseValue(ctx.PostBody())
	if err != nil {
		h.Fail(ctx, api.CodeBadBody, err.Error())
		return
	}
	var op wire.Op
	if h.put(ctx, &op, raw, value, api.TypeText) {
		h.answerWrite(ctx, &op)
	}
}

// Delete serves DELETE /data/{key}.
func (h *StrongData) Delete(ctx *fasthttp.RequestCtx, raw []byte) {
	if key, ok := h.key(ctx, raw); ok {
		h.answerWrite(ctx, &wire.Op{Kind: wire.OpDelete, Key: key})
	}
}

// answerWrite submits an unconditional write and answers with its result.
func (h *StrongData) answerWrite(ctx *fasthttp.RequestCtx, op *wire.Op) {
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.write(ctx, w, op, nil, 0) {
		return
	}
	switch status := w.Reply.Result.Status; status {
	case wire.Created:
		h.answer(ctx, w, http.StatusCreated, bodyCreated, w.Reply.Result.MsgNum)
	case wire.Replaced:
		h.answer(ctx, w, http.StatusOK, bodyReplaced, w.Reply.Result.MsgNum)
	case wire.Deleted:
		h.answer(ctx, w, http.StatusOK, bodyDeleted, w.Reply.Result.MsgNum)
	case wire.Absent:
		h.answer(ctx, w, http.StatusNotFound, bodyNoKey, w.Reply.Result.MsgNum)
	default:
		h.Fail(ctx, api.CodeOutcomeUnknown, "the write may have taken effect: its result has the status of no unconditional write: "+strconv.Itoa(int(status)))
	}
}

// Get serves GET /data/{key}.
func (h *StrongData) Get(ctx *fasthttp.RequestCtx, raw []byte) {
	key, ok := h.key(ctx, raw)
	if !ok {
		return
	}
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.confirm(ctx, w, 0) {
		return
	}
	record, found, next := h.node.State().Get(key)
	if !found {
		h.answer(ctx, w, http.StatusNotFound, bodyNoKey, next)
		return
	}
	h.answer(ctx, w, http.StatusOK, nil, next)
	body, lossy := api.AppendValue(w.Scratch[:0], record.Value)
	w.Scratch = body
	if lossy {
		ctx.Response.Header.Set(api.HeaderLossy, "utf-8")
	}
	h.sendScratch(ctx, w)
}

func (h *StrongData) answer(ctx *fasthttp.RequestCtx, w *waiters.Request, status int, body []byte, msgNum uint64) {
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentTypeBytes(typeJSON)
	h.StampClassic(ctx)
	w.Scratch = strconv.AppendUint(w.Scratch[:0], msgNum, 10)
	ctx.Response.Header.SetCanonical(headerMsgNum, w.Scratch)
	ctx.Response.SetBodyRaw(body)
}

// Dump serves GET /data: the whole store at one moment. It is read from this
// node's own copy after a read was confirmed, and produced as it is sent.
func (h *StrongData) Dump(ctx *fasthttp.RequestCtx, _ []byte) {
	w := waiters.NewRequest(ctx)
	defer w.Free()
	if !h.confirm(ctx, w, 0) {
		return
	}
	snapshot := h.node.State().Snapshot()
	h.answer(ctx, w, http.StatusOK, nil, snapshot.Next())
	if isLossy(snapshot) {
		ctx.Response.Header.Set(api.HeaderLossy, "utf-8")
	}
	h.dumps.Send(ctx, "{", "}\n", pairs(snapshot), snapshot)
}

// pairs are the keys and values of a snapshot.
func pairs(snapshot Snapshot) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for record := range snapshot.From(nil) {
			if !yield(record.Key, record.Value) {
				return
			}
		}
	}
}

// isLossy looks through the whole snapshot. It must do so first, because a header
// cannot follow the body that it describes.
func isLossy(snapshot Snapshot) bool {
	for record := range snapshot.From(nil) {
		if !utf8.ValidString(record.Key) || !utf8.Valid(record.Value) {
			return true
		}
	}
	return false
}
