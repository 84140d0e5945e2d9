package front

import (
	"errors"
	"iter"
	"net/http"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// causalBody reads the body and the client's context. The context is in the body
// or, if the body has none, in the header.
func (s *Server) causalBody(ctx *fasthttp.RequestCtx) (body api.CausalBody, c wire.Context, ok bool) {
	body, err := api.ParseCausalBody(ctx.PostBody())
	if header := ctx.Request.Header.Peek(api.HeaderMetadata); err == nil && !body.Metadata && len(header) > 0 {
		body.Session, err = api.ParseMetadata(header)
	}
	switch {
	case errors.Is(err, api.ErrBadMetadata):
		s.fail(ctx, api.CodeBadSession, err.Error())
		return body, c, false
	case err != nil:
		s.fail(ctx, api.CodeBadBody, err.Error())
		return body, c, false
	}
	c, ok = s.session(ctx, body.Session)
	return body, c, ok
}

func (s *Server) putCausalData(ctx *fasthttp.RequestCtx, raw []byte) {
	body, c, ok := s.causalBody(ctx)
	switch {
	case !ok:
		return
	case len(ctx.PostBody()) == 0:
		s.fail(ctx, api.CodeBadBody, api.ErrNoBody.Error())
		return
	case body.Value == nil:
		s.fail(ctx, api.CodeBadBody, api.ErrNoValue.Error())
		return
	case s.tooLarge(ctx, body.Value):
		return
	}
	op, err := newPut(raw, body.Value, api.TypeText)
	if err != nil {
		s.keyProblem(ctx, err)
		return
	}
	s.writeCausalData(ctx, op, c)
}

func (s *Server) deleteCausalData(ctx *fasthttp.RequestCtx, raw []byte) {
	if _, c, ok := s.causalBody(ctx); ok {
		if key, ok := s.key(ctx, raw); ok {
			s.writeCausalData(ctx, wire.Op{Kind: wire.OpDelete, Key: key}, c)
		}
	}
}

// writeCausalData answers 200 whether or not the key is new here: other replicas
// may know the key.
func (s *Server) writeCausalData(ctx *fasthttp.RequestCtx, op wire.Op, c wire.Context) {
	w := newWaiting(ctx)
	defer w.free()
	if s.causalWrite(ctx, w, op, c, 0) {
		s.answerCausalData(ctx, w, http.StatusOK, w.Reply.Causal.Context, func(dst []byte) []byte { return append(dst, '{') })
	}
}

func (s *Server) getCausalData(ctx *fasthttp.RequestCtx, raw []byte) {
	_, c, ok := s.causalBody(ctx)
	if !ok {
		return
	}
	key, ok := s.key(ctx, raw)
	if !ok {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	if !s.causalRead(ctx, w, key, c, s.patience, api.CodeStillWaiting) {
		return
	}
	result := w.Reply.Causal
	item := value(result)
	if item == nil {
		s.answerCausalData(ctx, w, http.StatusNotFound, result.Context, func(dst []byte) []byte {
			return append(dst, `{"error":"no such key",`...)
		})
		return
	}
	s.answerCausalData(ctx, w, http.StatusOK, result.Context, func(dst []byte) []byte {
		dst, lossy := api.AppendString(append(dst, `{"value":`...), item.Value)
		if lossy {
			ctx.Response.Header.Set(api.HeaderLossy, "utf-8")
		}
		return append(dst, ',')
	})
}

// answerCausalData answers with a JSON object. head writes its beginning; the
// client's context is its last member.
func (s *Server) answerCausalData(ctx *fasthttp.RequestCtx, w *waiting, status int, c wire.Context, head func([]byte) []byte) {
	ctx.SetStatusCode(status)
	s.stampData(ctx)
	w.scratch = s.appendMetadata(head(w.scratch[:0]), c)
	w.scratch = append(w.scratch, '}')
	s.sendScratch(ctx, w)
}

// stampData sets the headers that all classic answers have in common.
func (s *Server) stampData(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetContentTypeBytes(typeJSON)
	ctx.Response.Header.SetCanonical(headerNodeID, s.node)
}

// appendMetadata appends the member that clients send back.
func (s *Server) appendMetadata(dst []byte, c wire.Context) []byte {
	dst = append(dst, `"causal-metadata":`...)
	if c.IsZero() {
		return api.AppendMetadata(dst, nil)
	}
	return api.AppendMetadata(dst, func(dst []byte) []byte { return s.appendSession(dst, c) })
}

// causalDump answers GET /data: this node's shard at one moment, read from the
// node's own copy, and produced as it is sent.
func (s *Server) causalDump(ctx *fasthttp.RequestCtx) {
	_, c, ok := s.causalBody(ctx)
	if !ok {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	if !s.causalList(ctx, w, c, s.patience, api.CodeStillWaiting) {
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
	s.stampData(ctx)
	if lossy {
		ctx.Response.Header.Set(api.HeaderLossy, "utf-8")
	}
	tail := string(append(s.appendMetadata([]byte("},"), c), "}\n"...))
	s.sendObject(ctx, newObjectStream(`{"items":{`, tail, values(listing)), listing)
}

// values are the keys and values of a listing. Deleted keys are left out.
func values(listing Listing) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for item := range listing.From(nil) {
			if !item.Deleted && !yield(item.Key, item.Value) {
				return
			}
		}
	}
}
