package keys

import (
	"encoding/binary"
	"hash/crc32"
	"time"
	"unsafe"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/session"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/wire"
)

// causal carries operations on the causal bucket to the node.
type causal struct {
	answers  *answer.Writer
	waiters  *waiters.Table
	node     CausalNode
	space    space
	sessions *session.Codec
}

// session reads a client's session. If ok is false, it has answered the request.
func (s *causal) session(ctx *fasthttp.RequestCtx, text []byte) (c wire.Context, ok bool) {
	c, err := s.sessions.Parse(text)
	if err != nil {
		s.answers.Fail(ctx, api.CodeBadSession, "the session is not one of this cluster's: "+err.Error())
		return wire.Context{}, false
	}
	return c, s.answers.Hold(ctx, len(c.Exact)*int(unsafe.Sizeof(wire.Dependency{})))
}

// write submits a write to the causal bucket and waits for its end. If it
// returns false, it has answered the request.
func (s *causal) write(ctx *fasthttp.RequestCtx, w *waiters.Request, op *wire.Op, c wire.Context, timeout time.Duration) bool {
	if s.waiters.Refuse(ctx) || s.space.full(ctx, true, op) {
		return false
	}
	s.node.CausalWrite(&w.Waiter, *op, c)
	return !s.waiters.Failed(ctx, s.waiters.Await(w, timeout), &w.Reply, waiters.CausalWrite)
}

// read reads a key of the causal bucket. If the timeout runs out, it answers
// with the code late. If it returns false, it has answered the request.
func (s *causal) read(ctx *fasthttp.RequestCtx, w *waiters.Request, key string, c wire.Context, timeout time.Duration, late api.Code) bool {
	if s.waiters.Refuse(ctx) {
		return false
	}
	s.node.CausalRead(&w.Waiter, key, c)
	return s.seen(ctx, w, timeout, late)
}

// list does the same for a list. If it returns true, w has the listing.
func (s *causal) list(ctx *fasthttp.RequestCtx, w *waiters.Request, c wire.Context, timeout time.Duration, late api.Code) bool {
	if s.waiters.Refuse(ctx) {
		return false
	}
	s.node.CausalList(&w.Waiter, c)
	return s.seen(ctx, w, timeout, late)
}

func (s *causal) seen(ctx *fasthttp.RequestCtx, w *waiters.Request, timeout time.Duration, late api.Code) bool {
	how := s.waiters.Await(w, timeout)
	if how == waiters.TimedOut && late != api.CodeReadUnanswered {
		s.waiters.FailWaiting(ctx, late, "within "+timeout.String()+" this node could not show what the session has seen; nothing older is shown instead", waiters.CausalRead)
		return false
	}
	return !s.waiters.Failed(ctx, how, &w.Reply, waiters.CausalRead)
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
