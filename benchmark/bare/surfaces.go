package bare

import (
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// The bodies of classic answers to writes.
var (
	bodyCreated  = []byte(`{"result":"created"}`)
	bodyReplaced = []byte(`{"result":"replaced"}`)
	bodyDeleted  = []byte(`{"result":"deleted"}`)
	bodyNoKey    = []byte(`{"error":"no such key"}`)
)

func (s *Server) classic(ctx *fasthttp.RequestCtx, raw []byte) {
	switch {
	case ctx.IsPut():
		value, err := api.ParseValue(ctx.PostBody())
		if err != nil {
			refuse(ctx, err)
			return
		}
		num, existed, err := s.store.put(raw, value, api.TypeText)
		answer(ctx, err, num, pick(existed, http.StatusOK, http.StatusCreated), pick(existed, bodyReplaced, bodyCreated))
	case ctx.IsDelete():
		num, existed, err := s.store.remove(raw)
		answer(ctx, err, num, pick(existed, http.StatusOK, http.StatusNotFound), pick(existed, bodyDeleted, bodyNoKey))
	case ctx.IsGet():
		r, next, found, err := s.store.get(raw)
		answer(ctx, err, next, pick(found, http.StatusOK, http.StatusNotFound), bodyNoKey)
		if found {
			buf := scratch.Get().(*[]byte)
			*buf, _ = api.AppendValue((*buf)[:0], r.value)
			ctx.Response.SetBody(*buf)
			scratch.Put(buf)
		}
	default:
		refuseMethod(ctx)
	}
}

func answer(ctx *fasthttp.RequestCtx, err error, num uint64, status int, body []byte) {
	if err != nil {
		refuse(ctx, err)
		return
	}
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentType(api.TypeJSON)
	show(ctx, headerNodeID, valueNode)
	showNumber(ctx, headerMsgNum, num)
	ctx.Response.SetBodyRaw(body)
}

func pick[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}

func (s *Server) v1(ctx *fasthttp.RequestCtx, raw []byte) {
	show(ctx, headerNode, valueNode)
	show(ctx, headerView, valueView)
	switch {
	case ctx.IsPut():
		if num, ok := s.put(ctx, raw); ok {
			showVersion(ctx, num)
			showNumber(ctx, headerMsgNum, num)
		}
	case ctx.IsDelete():
		num, _, err := s.store.remove(raw)
		if err != nil {
			refuse(ctx, err)
			return
		}
		ctx.SetStatusCode(http.StatusNoContent)
		showNumber(ctx, headerMsgNum, num)
	case ctx.IsGet():
		s.getKey(ctx, raw)
	default:
		refuseMethod(ctx)
	}
}

// put stores the body of a v1 PUT. If ok is false, it has answered the request.
func (s *Server) put(ctx *fasthttp.RequestCtx, raw []byte) (num uint64, ok bool) {
	num, existed, err := s.store.put(raw, ctx.PostBody(), keepType(ctx.Request.Header.ContentType()))
	if err != nil {
		refuse(ctx, err)
		return 0, false
	}
	ctx.SetStatusCode(pick(existed, http.StatusNoContent, http.StatusCreated))
	return num, true
}

func (s *Server) getKey(ctx *fasthttp.RequestCtx, raw []byte) {
	r, next, found, err := s.store.get(raw)
	if err != nil {
		refuse(ctx, err)
		return
	}
	showNumber(ctx, headerMsgNum, next)
	if !found {
		showProblem(ctx)
		return
	}
	showVersion(ctx, r.num)
	showValue(ctx, &r)
}

// showProblem answers a v1 GET of a key that is not there.
func showProblem(ctx *fasthttp.RequestCtx) {
	ctx.SetStatusCode(http.StatusNotFound)
	ctx.Response.Header.SetContentType(api.TypeProblem)
	ctx.Response.SetBodyRaw(problem)
}

// showValue answers a v1 GET of a key that exists.
func showValue(ctx *fasthttp.RequestCtx, r *record) {
	show(ctx, headerVary, valueAccept)
	ctx.Response.Header.SetContentType(r.contentType)
	ctx.Response.SetBodyRaw(r.value)
}

// keepType is the Content-Type to store with a value. The usual type costs no
// memory.
func keepType(given []byte) string {
	if len(given) == 0 || string(given) == api.TypeBytes {
		return api.TypeBytes
	}
	return string(given)
}
