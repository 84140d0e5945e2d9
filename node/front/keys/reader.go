package keys

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/screen"
	"github.com/cohortkv/cohort/node/wire"
)

// reader reads the parts of requests. A method that cannot read a part answers the
// request.
type reader struct {
	*answer.Writer
	most int // bytes of one value
}

// key reads a key as it stood in the request line. If that is not a valid key, key
// answers the request and ok is false.
func (r *reader) key(ctx *fasthttp.RequestCtx, raw []byte) (key string, ok bool) {
	buf, err := api.AppendKey(make([]byte, 0, len(raw)), raw)
	if err != nil {
		r.keyProblem(ctx, err)
		return "", false
	}
	return asString(buf), true
}

// tooLarge answers a request whose value is beyond the limit.
func (r *reader) tooLarge(ctx *fasthttp.RequestCtx, value []byte) bool {
	if len(value) <= r.most {
		return false
	}
	r.Fail(ctx, api.CodeValueTooLarge, "a value has at most "+strconv.Itoa(r.most)+" bytes, this one has "+strconv.Itoa(len(value)))
	return true
}

// keyProblem answers a request whose key is not valid.
func (r *reader) keyProblem(ctx *fasthttp.RequestCtx, err error) {
	code := api.CodeBadKey
	if errors.Is(err, api.ErrKeyTooLong) {
		code = api.CodeKeyTooLong
	}
	r.Fail(ctx, code, err.Error())
}

// put makes op a put of a key and its value. It copies what belongs to fasthttp.
func (r *reader) put(ctx *fasthttp.RequestCtx, op *wire.Op, raw, value []byte, contentType string) (ok bool) {
	if r.tooLarge(ctx, value) {
		return false
	}
	err := newPut(op, raw, value, contentType)
	if err != nil {
		r.keyProblem(ctx, err)
	}
	return err == nil
}

// putRaw is put for a request whose body is the raw value.
func (r *reader) putRaw(ctx *fasthttp.RequestCtx, op *wire.Op, raw []byte) (ok bool) {
	value := ctx.PostBody()
	if r.tooLarge(ctx, value) {
		return false
	}
	given := ctx.Request.Header.ContentType()
	if len(given) > api.MaxContentType {
		r.Fail(ctx, api.CodeBadContentType, "Content-Type has at most "+strconv.Itoa(api.MaxContentType)+" bytes")
		return false
	}
	return r.put(ctx, op, raw, value, keepType(given))
}

// batch answers POST of a key: only a batch is posted.
func (r *reader) batch(ctx *fasthttp.RequestCtx, raw []byte) {
	if string(raw) != api.BatchName {
		r.refuseKeyMethod(ctx)
		return
	}
	r.Fail(ctx, api.CodeNotBuilt, "batches are not built yet")
}

func (r *reader) refuseKeyMethod(ctx *fasthttp.RequestCtx) {
	r.RefuseMethod(ctx, "GET, HEAD, PUT, DELETE")
}

// refuseWatch answers a client that asks to be notified of changes.
func (r *reader) refuseWatch(ctx *fasthttp.RequestCtx) bool {
	if !bytes.Contains(accepts(&ctx.Request.Header), []byte(api.TypeEvents)) {
		return false
	}
	r.Fail(ctx, api.CodeNotBuilt, "watches are not built yet")
	return true
}

// begin begins the answer to a request of v1, and reads ?timeout=.
func (r *reader) begin(ctx *fasthttp.RequestCtx) (timeout time.Duration, ok bool) {
	r.Stamp(ctx)
	timeout, refusal := screen.Timeout(ctx)
	if refusal.Refuses() {
		r.Fail(ctx, refusal.Code, refusal.Detail)
	}
	return timeout, !refusal.Refuses()
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
