package front

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// causalKV serves the causal bucket or a key of it.
func (s *Server) causalKV(ctx *fasthttp.RequestCtx, raw []byte, isKey bool) {
	timeout, ok := s.timeout(ctx)
	if !ok {
		return
	}
	text := ctx.Request.Header.Peek(api.HeaderSession)
	if len(text) == 0 {
		text = ctx.QueryArgs().Peek(api.QuerySession)
	}
	c, ok := s.session(ctx, text)
	switch {
	case !ok:
	case !isKey:
		s.listCausal(ctx, c, timeout)
	case ctx.IsGet() || ctx.IsHead():
		s.getCausalKey(ctx, raw, c, timeout)
	case ctx.IsPut():
		if op, ok := s.put(ctx, raw); ok {
			s.writeCausalKey(ctx, op, c, timeout)
		}
	case ctx.IsDelete():
		if key, ok := s.key(ctx, raw); ok {
			s.writeCausalKey(ctx, wire.Op{Kind: wire.OpDelete, Key: key}, c, timeout)
		}
	case ctx.IsPost() && string(raw) == api.BatchName:
		s.fail(ctx, api.CodeNotBuilt, "batches are not built yet")
	default:
		s.refuseMethod(ctx, "GET, HEAD, PUT, DELETE")
	}
}

// late is the code of a read that was not answered in time.
func late(c *wire.Context) api.Code {
	if c.IsZero() {
		return api.CodeReadUnanswered
	}
	return api.CodeSessionNotVisible
}

func (s *Server) writeCausalKey(ctx *fasthttp.RequestCtx, op wire.Op, c wire.Context, timeout time.Duration) {
	w := newWaiting(ctx)
	defer w.free()
	if !s.causalWrite(ctx, w, op, c, timeout) {
		return
	}
	result := w.Reply.Causal
	switch {
	case op.Kind == wire.OpDelete:
		s.showDeleted(ctx, result.Existed)
	case result.Existed:
		ctx.SetStatusCode(http.StatusNoContent)
	default:
		ctx.SetStatusCode(http.StatusCreated)
	}
	if op.Kind == wire.OpPut {
		s.showCausalVersion(ctx, w, &result.Item.Version)
	}
	s.showSession(ctx, w, result.Context)
}

func (s *Server) getCausalKey(ctx *fasthttp.RequestCtx, raw []byte, c wire.Context, timeout time.Duration) {
	if s.refuseWatch(ctx) {
		return
	}
	key, ok := s.key(ctx, raw)
	if !ok {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	if !s.causalRead(ctx, w, key, c, timeout, late(&c)) {
		return
	}
	s.showSession(ctx, w, w.Reply.Causal.Context)
	item := value(w.Reply.Causal)
	if item == nil {
		s.fail(ctx, api.CodeNoSuchKey, "no such key")
		return
	}
	etag := s.showCausalVersion(ctx, w, &item.Version)
	s.showValue(ctx, etag, item.Value, item.ContentType, func() api.Metadata { return causalMetadata(item) })
}

// showCausalVersion returns the entity tag. The tag is valid until w's scratch is
// used again.
func (s *Server) showCausalVersion(ctx *fasthttp.RequestCtx, w *waiting, v *wire.CausalVersion) []byte {
	w.scratch = causalVersion(v, w.scratch).AppendETag(w.scratch[:0])
	n := len(w.scratch)
	w.scratch = strconv.AppendUint(w.scratch, v.Counter, 10)
	etag, counter := w.scratch[:n], w.scratch[n:]
	ctx.Response.Header.SetCanonical(headerETag, etag)
	ctx.Response.Header.SetCanonical(headerVersion, counter)
	return etag
}

func (s *Server) showSession(ctx *fasthttp.RequestCtx, w *waiting, c wire.Context) {
	w.scratch = s.appendSession(w.scratch[:0], c)
	ctx.Response.Header.SetCanonical(headerSession, w.scratch)
}

func causalMetadata(item *wire.Item) api.Metadata {
	return describe(item.Key, api.Metadata{
		ETag:        string(causalVersion(&item.Version, nil).AppendETag(nil)),
		Version:     item.Version.Counter,
		Size:        len(item.Value),
		ContentType: item.ContentType,
	})
}

// listCausal answers one page of the keys of this node's shard, in the order of the
// state. An order by key bytes would need a look at all keys.
func (s *Server) listCausal(ctx *fasthttp.RequestCtx, c wire.Context, timeout time.Duration) {
	want, ok := s.page(ctx, causalCursor)
	if !ok {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	if !s.causalList(ctx, w, c, timeout, late(&c)) {
		return
	}
	var list api.List
	c = w.Listing.Context(func(yield func(*wire.Item) bool) { list = want.collectCausal(w.Listing, yield) })
	list.Shard = s.shard()
	s.showSession(ctx, w, c)
	s.writeJSON(ctx, list)
}

// collectCausal reads the page, and calls shown with every item of which the client
// learns. The client also learns that a key is deleted, so shown gets tombstones
// too.
func (p page) collectCausal(listing Listing, shown func(*wire.Item) bool) api.List {
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

// shard is the name of this node's shard; nil if the view has no shards or the node
// is in none.
func (s *Server) shard() *string {
	status := s.backend.Status()
	if status.View.Layout.Flat {
		return nil
	}
	for _, shard := range status.View.Layout.Shards {
		for _, m := range shard.Members {
			if m.ID == s.id {
				return &shard.Name
			}
		}
	}
	return nil
}
