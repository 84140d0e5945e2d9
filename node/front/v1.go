package front

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// kv serves a bucket or a key of it. tail is the path after /v1/kv/.
func (s *Server) kv(ctx *fasthttp.RequestCtx, tail []byte) {
	bucket, raw, isKey := bytes.Cut(tail, []byte{'/'})
	switch string(bucket) {
	case api.BucketStrong:
	case api.BucketCausal:
		s.causalKV(ctx, raw, isKey)
		return
	default:
		s.fail(ctx, api.CodeNoSuchBucket, "the buckets are strong and causal")
		return
	}
	timeout, ok := s.timeout(ctx)
	switch {
	case !ok:
	case !isKey:
		s.list(ctx, timeout)
	case ctx.IsGet() || ctx.IsHead():
		s.getKey(ctx, raw, timeout)
	case ctx.IsPut():
		s.putKey(ctx, raw, timeout)
	case ctx.IsDelete():
		s.deleteKey(ctx, raw, timeout)
	case ctx.IsPost() && string(raw) == api.BatchName:
		s.fail(ctx, api.CodeNotBuilt, "batches are not built yet")
	default:
		s.refuseMethod(ctx, "GET, HEAD, PUT, DELETE")
	}
}

func (s *Server) putKey(ctx *fasthttp.RequestCtx, raw []byte, timeout time.Duration) {
	if op, ok := s.put(ctx, raw); ok {
		s.writeKey(ctx, op, timeout)
	}
}

// put reads a write whose body is the raw value. If the request is wrong, put
// answers it and ok is false.
func (s *Server) put(ctx *fasthttp.RequestCtx, raw []byte) (op wire.Op, ok bool) {
	value := ctx.PostBody()
	if s.tooLarge(ctx, value) {
		return op, false
	}
	given := ctx.Request.Header.ContentType()
	if len(given) > api.MaxContentType {
		s.fail(ctx, api.CodeBadContentType, "Content-Type has at most "+strconv.Itoa(api.MaxContentType)+" bytes")
		return op, false
	}
	op, err := newPut(raw, value, keepType(given))
	if err != nil {
		s.keyProblem(ctx, err)
	}
	return op, err == nil
}

func (s *Server) deleteKey(ctx *fasthttp.RequestCtx, raw []byte, timeout time.Duration) {
	if key, ok := s.key(ctx, raw); ok {
		s.writeKey(ctx, wire.Op{Kind: wire.OpDelete, Key: key}, timeout)
	}
}

func (s *Server) writeKey(ctx *fasthttp.RequestCtx, op wire.Op, timeout time.Duration) {
	others, err := readCondition(&ctx.Request.Header, &op)
	if err != nil {
		s.fail(ctx, api.CodeBadCondition, err.Error())
		return
	}
	if s.refuseWork(ctx) {
		return
	}
	if s.full(ctx, false, &op) {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	s.backend.Write(&w.Waiter, op)
	how := s.waiters.await(w, timeout)
	if len(others) > 0 {
		how = s.tryOthers(w, op, others, how, timeout)
	}
	if s.failed(ctx, how, w.Reply, strongWrite) {
		return
	}
	result := &w.Reply.Result
	switch result.Status {
	case wire.Created:
		ctx.SetStatusCode(http.StatusCreated)
		s.showVersion(ctx, w, result.Version)
	case wire.Replaced:
		ctx.SetStatusCode(http.StatusNoContent)
		s.showVersion(ctx, w, result.Version)
	case wire.Deleted, wire.Absent:
		s.showDeleted(ctx, result.Status == wire.Deleted)
	case wire.PreconditionFailed:
		s.preconditionFailed(ctx, w, result.Version)
		return
	default:
		s.fail(ctx, api.CodeOutcomeUnknown, "the write may have taken effect: its result has the status of no write: "+strconv.Itoa(int(result.Status)))
		return
	}
	s.showMsgNum(ctx, w, result.MsgNum)
}

// showDeleted answers a DELETE with 204, whether or not the key existed.
func (s *Server) showDeleted(ctx *fasthttp.RequestCtx, existed bool) {
	ctx.SetStatusCode(http.StatusNoContent)
	ctx.Response.Header.SetCanonical(headerDeleted, strconv.AppendBool(nil, existed))
}

// tryOthers continues a write whose If-Match lists several versions. A write that
// found another version did nothing. If that version is in others, the write is
// sent again with it. A version never comes back, so each one is tried at most
// once.
func (s *Server) tryOthers(w *waiting, op wire.Op, others []wire.Version, how ending, timeout time.Duration) ending {
	for range others {
		result := &w.Reply.Result
		if how != answered || w.Reply.Outcome != core.Done || result.Status != wire.PreconditionFailed ||
			!slices.Contains(others, result.Version) {
			break
		}
		op.Match, w.Reply = result.Version, core.Reply{}
		s.backend.Write(&w.Waiter, op)
		how = s.waiters.await(w, timeout)
	}
	return how
}

// preconditionFailed answers 412 with the version that the key has. A zero version
// means that the key does not exist.
func (s *Server) preconditionFailed(ctx *fasthttp.RequestCtx, w *waiting, has wire.Version) {
	if has == (wire.Version{}) {
		s.fail(ctx, api.CodePreconditionFailed, "the key does not exist")
		return
	}
	s.fail(ctx, api.CodePreconditionFailed, "the key has another version, which ETag shows")
	s.showVersion(ctx, w, has)
}

func (s *Server) getKey(ctx *fasthttp.RequestCtx, raw []byte, timeout time.Duration) {
	if s.refuseWatch(ctx) {
		return
	}
	key, ok := s.key(ctx, raw)
	if !ok {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	if !s.confirm(ctx, w, timeout) {
		return
	}
	record, found, next := s.backend.State().Get(key)
	s.showMsgNum(ctx, w, next)
	if !found {
		s.fail(ctx, api.CodeNoSuchKey, "no such key")
		return
	}
	etag := s.showVersion(ctx, w, record.Version)
	s.showValue(ctx, etag, record.Value, record.ContentType, func() api.Metadata { return metadata(&record) })
}

// refuseWatch answers a client that asks to be notified of changes.
func (s *Server) refuseWatch(ctx *fasthttp.RequestCtx) bool {
	if !bytes.Contains(accepts(&ctx.Request.Header), []byte(api.TypeEvents)) {
		return false
	}
	s.fail(ctx, api.CodeNotBuilt, "watches are not built yet")
	return true
}

// showValue answers a GET of a key that exists. Depending on the request, the
// answer is the value, 304 or 412, or the key's metadata.
func (s *Server) showValue(ctx *fasthttp.RequestCtx, etag, value []byte, contentType string, describe func() api.Metadata) {
	request, header := &ctx.Request.Header, &ctx.Response.Header
	header.SetCanonical(headerVary, valueAccept)
	switch {
	case !permits(request.PeekAll(api.HeaderIfMatch), etag, true):
		s.fail(ctx, api.CodePreconditionFailed, "the key has another version, which ETag shows")
	case !permits(request.PeekAll(api.HeaderIfNoneMatch), etag, false):
		ctx.SetStatusCode(http.StatusNotModified)
	case onlyJSON(accepts(request)):
		s.writeJSON(ctx, describe())
	default:
		if s.hold(ctx, len(value)) { // a slow reader keeps the value in memory, even if the key is overwritten
			header.SetContentType(contentType)
			confine(header)
			ctx.Response.SetBodyRaw(value)
		}
	}
}

// showVersion returns the entity tag. The tag is valid until w's scratch is used
// again.
func (s *Server) showVersion(ctx *fasthttp.RequestCtx, w *waiting, v wire.Version) []byte {
	w.scratch = api.Version(v).AppendETag(w.scratch[:0])
	n := len(w.scratch)
	w.scratch = strconv.AppendUint(w.scratch, v.MsgNum, 10)
	etag, number := w.scratch[:n], w.scratch[n:]
	ctx.Response.Header.SetCanonical(headerETag, etag)
	ctx.Response.Header.SetCanonical(headerVersion, number)
	return etag
}

func (s *Server) showMsgNum(ctx *fasthttp.RequestCtx, w *waiting, n uint64) {
	w.scratch = strconv.AppendUint(w.scratch[:0], n, 10)
	ctx.Response.Header.SetCanonical(headerMsgNum, w.scratch)
}

// accepts is the value of Accept. Several lines are joined to one list.
func accepts(h *fasthttp.RequestHeader) []byte {
	switch lines := h.PeekAll("Accept"); len(lines) {
	case 0:
		return nil
	case 1:
		return lines[0]
	default:
		return bytes.Join(lines, []byte(", "))
	}
}

// onlyJSON reports whether the client accepts only JSON. Such a client wants the
// key's metadata. Many libraries send "JSON, or anything else"; such a client wants
// the value.
func onlyJSON(accept []byte) bool {
	media, _, _ := bytes.Cut(accept, []byte{';'})
	return string(bytes.TrimSpace(media)) == api.TypeJSON && !bytes.ContainsRune(accept, ',')
}

// keepType is the Content-Type to store with a value. The usual types cost no
// memory.
func keepType(given []byte) string {
	switch string(given) {
	case "", api.TypeBytes:
		return api.TypeBytes
	case api.TypeJSON:
		return api.TypeJSON
	case api.TypeText:
		return api.TypeText
	case "text/plain":
		return "text/plain"
	case "application/x-www-form-urlencoded": // curl -d sends this
		return "application/x-www-form-urlencoded"
	}
	return string(given)
}
