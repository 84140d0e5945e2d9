package front

import (
	"net/http"
	"strconv"
	"time"
	"unsafe"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/wire"
)

// Constant bodies of the classic surface.
var (
	bodyCreated  = []byte(`{"result":"created"}`)
	bodyReplaced = []byte(`{"result":"replaced"}`)
	bodyDeleted  = []byte(`{"result":"deleted"}`)
	bodyNoKey    = []byte(`{"error":"no such key"}`)
)

// data serves one key of the classic surface. raw is the key as it stood in the
// request line.
func (s *Server) data(ctx *fasthttp.RequestCtx, raw []byte) {
	get, put, remove := s.getData, s.putData, s.deleteData
	if s.defaultBucket == api.BucketCausal {
		get, put, remove = s.getCausalData, s.putCausalData, s.deleteCausalData
	}
	switch {
	case ctx.IsGet() || ctx.IsHead():
		get(ctx, raw)
	case ctx.IsPut():
		put(ctx, raw)
	case ctx.IsDelete():
		remove(ctx, raw)
	default:
		s.refuseMethod(ctx, "GET, HEAD, PUT, DELETE")
	}
}

func (s *Server) putData(ctx *fasthttp.RequestCtx, raw []byte) {
	value, err := api.ParseValue(ctx.PostBody())
	if err != nil {
		s.fail(ctx, api.CodeBadBody, err.Error())
		return
	}
	if s.tooLarge(ctx, value) {
		return
	}
	op, err := newPut(raw, value, api.TypeText)
	if err != nil {
		s.keyProblem(ctx, err)
		return
	}
	s.writeData(ctx, op)
}

func (s *Server) deleteData(ctx *fasthttp.RequestCtx, raw []byte) {
	if key, ok := s.key(ctx, raw); ok {
		s.writeData(ctx, wire.Op{Kind: wire.OpDelete, Key: key})
	}
}

// writeData submits an unconditional write and answers with its result.
func (s *Server) writeData(ctx *fasthttp.RequestCtx, op wire.Op) {
	if s.refuseWork(ctx) {
		return
	}
	if s.full(ctx, false, &op) {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	s.backend.Write(&w.Waiter, op)
	if s.failed(ctx, s.waiters.await(w, 0), w.Reply, strongWrite) {
		return
	}
	switch status := w.Reply.Result.Status; status {
	case wire.Created:
		s.answerData(ctx, w, http.StatusCreated, bodyCreated, w.Reply.Result.MsgNum)
	case wire.Replaced:
		s.answerData(ctx, w, http.StatusOK, bodyReplaced, w.Reply.Result.MsgNum)
	case wire.Deleted:
		s.answerData(ctx, w, http.StatusOK, bodyDeleted, w.Reply.Result.MsgNum)
	case wire.Absent:
		s.answerData(ctx, w, http.StatusNotFound, bodyNoKey, w.Reply.Result.MsgNum)
	default:
		s.fail(ctx, api.CodeOutcomeUnknown, "the write may have taken effect: its result has the status of no unconditional write: "+strconv.Itoa(int(status)))
	}
}

func (s *Server) getData(ctx *fasthttp.RequestCtx, raw []byte) {
	key, ok := s.key(ctx, raw)
	if !ok {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	if !s.confirm(ctx, w, 0) {
		return
	}
	record, found, next := s.backend.State().Get(key)
	if !found {
		s.answerData(ctx, w, http.StatusNotFound, bodyNoKey, next)
		return
	}
	s.answerData(ctx, w, http.StatusOK, nil, next)
	body, lossy := api.AppendValue(w.scratch[:0], record.Value)
	w.scratch = body
	if lossy {
		ctx.Response.Header.Set(api.HeaderLossy, "utf-8")
	}
	s.sendScratch(ctx, w)
}

// sendScratch answers with the bytes in w's scratch. A large answer keeps the
// buffer until it has left, and counts against the budget.
func (s *Server) sendScratch(ctx *fasthttp.RequestCtx, w *waiting) {
	body := w.scratch
	if len(body) <= conns.SmallBody {
		ctx.Response.SetBody(body)
		return
	}
	if s.hold(ctx, len(body)) {
		ctx.Response.SetBodyRaw(body)
		w.scratch = nil
	}
}

// confirm waits until the state may be read. If it returns false, it has answered
// the request.
func (s *Server) confirm(ctx *fasthttp.RequestCtx, w *waiting, timeout time.Duration) bool {
	if s.refuseWork(ctx) {
		return false
	}
	s.backend.Read(&w.Waiter)
	return !s.failed(ctx, s.waiters.await(w, timeout), w.Reply, strongRead)
}

func (s *Server) answerData(ctx *fasthttp.RequestCtx, w *waiting, status int, body []byte, msgNum uint64) {
	ctx.SetStatusCode(status)
	header := &ctx.Response.Header
	header.SetContentTypeBytes(typeJSON)
	header.SetCanonical(headerNodeID, s.node)
	w.scratch = strconv.AppendUint(w.scratch[:0], msgNum, 10)
	header.SetCanonical(headerMsgNum, w.scratch)
	ctx.Response.SetBodyRaw(body)
}

// key reads a key as it stood in the request line. If that is not a valid key, key
// answers the request and ok is false.
func (s *Server) key(ctx *fasthttp.RequestCtx, raw []byte) (key string, ok bool) {
	buf, err := api.AppendKey(make([]byte, 0, len(raw)), raw)
	if err != nil {
		s.keyProblem(ctx, err)
		return "", false
	}
	return asString(buf), true
}

// tooLarge answers a request whose value is beyond the limit.
func (s *Server) tooLarge(ctx *fasthttp.RequestCtx, value []byte) bool {
	most := s.limits.ValueBytes
	if len(value) <= most {
		return false
	}
	s.fail(ctx, api.CodeValueTooLarge, "a value has at most "+strconv.Itoa(most)+" bytes, this one has "+strconv.Itoa(len(value)))
	return true
}

// shareLimit is the size in bytes of the largest value that shares its allocation
// with its key. A store may keep the first copy of a key for long, and with it all bytes
// of the same allocation.
const shareLimit = 1 << 10

// newPut copies key and value, which belong to fasthttp, in one allocation. The
// value of a large body is not copied: readBody gave it memory of its own, so no
// second copy exists while the request waits.
func newPut(raw, value []byte, contentType string) (wire.Op, error) {
	size := len(raw)
	if len(value) <= shareLimit {
		size += len(value)
	}
	buf, err := api.AppendKey(make([]byte, 0, size), raw)
	if err != nil {
		return wire.Op{}, err
	}
	n := len(buf)
	op := wire.Op{Kind: wire.OpPut, Key: asString(buf), ContentType: contentType}
	if len(value) > conns.SmallBody {
		op.Value = value[:len(value):len(value)] // of a body that is the request's own
		return op, nil
	}
	if len(value) > shareLimit {
		op.Value = append([]byte(nil), value...)
		return op, nil
	}
	buf = append(buf, value...)
	op.Value = buf[n:len(buf):len(buf)]
	return op, nil
}

// asString returns bytes as a string without a copy. The caller must hold the only
// reference, and must not write to the bytes any more.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
