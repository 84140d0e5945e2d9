package front

import (
	"fmt"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// smallBody is what a request may hold without being counted: it is part of what
// a connection costs. Requests up to this size are never refused for want of
// memory, and cost no atomic addition.
const smallBody = 8 << 10

// budget bounds the bytes that all requests together hold: bodies that arrive,
// values and sessions that wait for the node, lists and answers on their way out.
type budget struct {
	limit  int64
	used   atomic.Int64
	height atomic.Int64 // of used, about; Server.Tide
}

// take reserves n bytes; false: there is no room.
func (b *budget) take(n int64) bool {
	if used := b.used.Add(n); used <= b.limit {
		if used > b.height.Load() {
			b.height.Store(used)
		}
		return true
	}
	b.used.Add(-n)
	return false
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// account is what one connection has taken of the budget. Only the goroutine that
// serves the connection touches it; it is settled when the answer has left.
type account struct {
	budget *budget
	held   int64
}

func (a *account) take(n int) bool {
	if !a.budget.take(int64(n)) {
		return false
	}
	a.held += int64(n)
	return true
}

func (a *account) give(n int) {
	a.budget.give(int64(n))
	a.held -= int64(n)
}

func (a *account) settle() {
	if a.held > 0 {
		a.budget.give(a.held)
		a.held = 0
	}
}

// room counts n bytes against the budget until the answer to this request has left;
// false: there is no room.
func room(ctx *fasthttp.RequestCtx, n int) bool {
	c, ours := ctx.Conn().(*conn)
	return !ours || c.account.budget == nil || c.account.take(n)
}

// hold is room for what is not small. False: the request was answered with 503.
func (s *Server) hold(ctx *fasthttp.RequestCtx, n int) bool {
	if n <= smallBody || room(ctx, n) {
		return true
	}
	s.overloaded(ctx)
	return false
}

// settle gives back all that the request has been counted for.
func settle(ctx *fasthttp.RequestCtx) {
	if c, ours := ctx.Conn().(*conn); ours {
		c.account.settle()
	}
}

// full answers 507 for a write that would make the store hold more than it may. What
// makes it hold less passes, and so does what other nodes have accepted: of requests
// that come at once, each finds the room that there is.
func (s *Server) full(ctx *fasthttp.RequestCtx, causal bool, op *wire.Op) bool {
	most := s.limits.StoreBytes
	if most == 0 || op.Kind != wire.OpPut {
		return false
	}
	state := s.backend.State()
	held, more := state.Bytes(), state.Growth(causal, op.Key, len(op.Value))
	if more <= 0 || held+more <= most {
		return false
	}
	s.fail(ctx, api.CodeStorageFull, fmt.Sprintf(
		"this node holds %d of the %d bytes that it may (--max-bytes), and the write needs %d more; deletions always pass", held, most, more))
	return true
}

// overloaded answers 503: the requests that are under way hold all the memory that
// requests may take.
func (s *Server) overloaded(ctx *fasthttp.RequestCtx) {
	settle(ctx)
	s.shed.Add(1)
	s.fail(ctx, api.CodeOverloaded, fmt.Sprintf(
		"the requests under way hold the %d bytes that requests may take together", s.budget.limit))
}
