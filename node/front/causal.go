package front

import (
	"encoding/binary"
	"hash/crc32"
	"time"
	"unsafe"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// session reads what a client says that it has seen; nothing is that, too.
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

// appendSession is the inverse of session.
func (s *Server) appendSession(dst []byte, c wire.Context) []byte {
	return wire.AppendContextText(dst, s.cluster, s.sealer, c)
}

// causalWrite submits a write to the causal bucket and waits for it. False: it was
// answered.
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

// causalRead reads a key of the causal bucket; late says what it is when the
// timeout runs out. False: it was answered.
func (s *Server) causalRead(ctx *fasthttp.RequestCtx, w *waiting, key string, c wire.Context, timeout time.Duration, late api.Code) bool {
	if s.refuseWork(ctx) {
		return false
	}
	s.backend.CausalRead(&w.Waiter, key, c)
	return s.seen(ctx, w, timeout, late)
}

// causalList is the same for a list: then w has the listing.
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

// value is the item that a read found, unless its key is unknown or deleted.
func value(r *wire.CausalResult) *wire.Item {
	if r.Item == nil || r.Item.Deleted {
		return nil
	}
	return r.Item
}

// causalVersion names a version for clients. scratch is written to.
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
