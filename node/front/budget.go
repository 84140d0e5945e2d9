package front

import (
	"fmt"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// smallBody is the number of bytes that a request may hold without being counted;
// they are part of the cost of a connection. Requests up to this size are never
// refused for want of memory, and cost no atomic addition.
const smallBody = 8 << 10

// budget bounds the bytes that all requests together hold: bodies that arrive,
// values and sessions of requests that wait for the node, and lists and answers on
// their way out.
type budget struct {
	limit  int64        // bytes that may be in use; never changes
	used   atomic.Int64 // bytes in use, at most limit except within take
	height atomic.Int64 // most bytes in use since Tide was last called, approximately
}

// take reserves n bytes. It returns false if there is no room.
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

// account is the number of bytes that one connection has taken of the budget. Only
// the goroutine that serves the connection touches the account. It is settled when
// the answer has left.
type account struct {
	budget *budget
	held   int64 // bytes taken and not given back yet; 0 after settle
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

// room counts n bytes against the budget until the answer to this request has left.
// It returns false if there is no room.
func room(ctx *fasthttp.RequestCtx, n int) bool {
	c, ours := ctx.Conn().(*conn)
	return !ours || c.account.budget == nil || c.account.take(n)
}

// hold is room for n bytes, unless n is small. If it returns false, it has answered
// the request with 503.
func (s *Server) hold(ctx *fasthttp.RequestCtx, n int) bool {
	if n <= smallBody || room(ctx, n) {
		return true
	}
	s.overloaded(ctx)
	return false
}

// settle gives all bytes that were counted for this request back to the budget.
func settle(ctx *fasthttp.RequestCtx) {
	if c, ours := ctx.Conn().(*conn); ours {
		c.account.settle()
	}
}

// full answers 507 to a write that would make the store hold more than its bound.
// Writes that make the store smaller pass, and so do writes that other nodes have
// accepted. Concurrent requests may together exceed the bound, because each of them
// is compared with the same store.
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

// overloaded answers 503: the requests under way hold all the memory that requests
// may take.
func (s *Server) overloaded(ctx *fasthttp.RequestCtx) {
	settle(ctx)
	s.shed.Add(1)
	s.fail(ctx, api.CodeOverloaded, fmt.Sprintf(
		"the requests under way hold the %d bytes that requests may take together", s.budget.limit))
}
