package keys

import (
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/wire"
)

// strong carries operations on the strong bucket to the node.
type strong struct {
	answers *answer.Writer
	waiters *waiters.Table
	node    StrongNode
	space   space
}

// confirm waits until the state may be read. If it returns false, it has answered
// the request.
func (s *strong) confirm(ctx *fasthttp.RequestCtx, w *waiters.Request, timeout time.Duration) bool {
	if s.waiters.Refuse(ctx) {
		return false
	}
	s.node.Read(&w.Waiter)
	return !s.waiters.Failed(ctx, s.waiters.Await(w, timeout), &w.Reply, waiters.StrongRead)
}

// write submits a write and waits for its end. If the client's condition lists several
// versions, others has all but the first. If write returns false, it has answered the
// request.
func (s *strong) write(ctx *fasthttp.RequestCtx, w *waiters.Request, op *wire.Op, others []wire.Version, timeout time.Duration) bool {
	if s.waiters.Refuse(ctx) || s.space.full(ctx, false, op) {
		return false
	}
	s.node.Write(&w.Waiter, *op)
	how := s.waiters.Await(w, timeout)
	if len(others) > 0 {
		how = s.tryOthers(w, *op, others, how, timeout)
	}
	return !s.waiters.Failed(ctx, how, &w.Reply, waiters.StrongWrite)
}

// tryOthers continues a write whose If-Match lists several versions. A write that
// found another version did nothing. If that version is in others, the write is
// sent again with it. A version never comes back, so each one is tried at most
// once.
func (s *strong) tryOthers(w *waiters.Request, op wire.Op, others []wire.Version, how waiters.Ending, timeout time.Duration) waiters.Ending {
	for range others {
		result := &w.Reply.Result
		if how != waiters.Answered || w.Reply.Outcome != core.Done || result.Status != wire.PreconditionFailed ||
			!slices.Contains(others, result.Version) {
			break
		}
		op.Match, w.Reply = result.Version, core.Reply{}
		s.node.Write(&w.Waiter, op)
		how = s.waiters.Await(w, timeout)
	}
	return how
}
