package front

import (
	"encoding/binary"
	"hash/crc32"
	"time"
	"unsafe"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// session reads a client's session. An empty text is the session of a client that
// has seen nothing.
func (s *Server) session(ctx *fasthttp.RequestCtx, text []byte) (c wire.Context, ok bool) {
	if len(text) == 0 {
		return wire.Context{}, true
	}
	c, err := wire.ParseContext(s.cluster, s.sealer, unsafe.String(unsafe.SliceData(text), len(text)))
	if err != nil {
		s.fail(ctx, api.CodeBadSession, "the session is not one of this cluster's: "+err.Error())
		return wire.Context{}, false
	}
	return c, s.hold(ctx, len(c.Exact)*int(unsafe.Sizeof(wire.Dependency{})))
}

// appendSession appends the text of a session; session reads that text.
func (s *Server) appendSession(dst []byte, c wire.Context) []byte {
	return wire.AppendContextText(dst, s.cluster, s.sealer, c)
}

// causalWrite submits a write to the causal bucket and waits for its end. If it
// returns false, it has answered the request.
func (s *Server) causalWrite(ctx *fasthttp.RequestCtx, w *waiting, op wire.Op, c wire.Context, timeout time.Duration) bool {
	if s.refuseWork(ctx) {
		return false
	}
	if s.full(ctx, true, &op) {
		return false
	}
	s.backend.CausalWrite(&w.Waiter, op, c)
	return !s.failed(ctx, s.waiters.await(w, timeout), w.Reply, causalWrite)
}

// causalRead reads a key of the causal bucket. If the timeout runs out, it answers
// with the code late. If it returns false, it has answered the request.
func (s *Server) causalRead(ctx *fasthttp.RequestCtx, w *waiting, key string, c wire.Context, timeout time.Duration, late api.Code) bool {
	if s.refuseWork(ctx) {
		return false
	}
	s.backend.CausalRead(&w.Waiter, key, c)
	return s.seen(ctx, w, timeout, late)
}

// causalList does the same for a list. If it returns true, w has the listing.
func (s *Server) causalList(ctx *fasthttp.RequestCtx, w *waiting, c wire.Context, timeout time.Duration, late api.Code) bool {
	if s.refuseWork(ctx) {
		return false
	}
	s.backend.CausalList(&w.Waiter, c)
	return s.seen(ctx, w, timeout, late)
}

func (s *Server) seen(ctx *fasthttp.RequestCtx, w *waiting, timeout time.Duration, late api.Code) bool {
	how := s.waiters.await(w, timeout)
	if how == timedOut && late != api.CodeReadUnanswered {
		s.failWaiting(ctx, late, "within "+timeout.String()+" this node could not show what the session has seen; nothing older is shown instead", causalRead)
		return false
	}
	return !s.failed(ctx, how, w.Reply, causalRead)
}

// value is the item that a read found; nil if the key is unknown or deleted.
func value(r *core.CausalResult) *wire.Item {
	if r.Item == nil || r.Item.Deleted {
		return nil
	}
	return r.Item
}

// causalVersion converts a version to the form that clients see. It writes to
// scratch.
func causalVersion(v *wire.CausalVersion, scratch []byte) api.CausalVersion {
	stream := &v.Dot.Stream
	origin := binary.LittleEndian.AppendUint64(scratch[:0], stream.View.Number)
	origin = binary.LittleEndian.AppendUint64(origin, uint64(stream.View.Author))
	origin = binary.LittleEndian.AppendUint64(origin, uint64(stream.View.Boot))
	origin = binary.LittleEndian.AppendUint64(origin, uint64(stream.Boot))
	return api.CausalVersion{
		Counter: v.Counter, Node: uint64(stream.Node), N: v.Dot.N, Fingerprint: crc32.Checksum(origin, castagnoli),
	}
}
