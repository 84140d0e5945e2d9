package front

import (
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/wire"
)

// hold is room for n bytes, unless n is small. If it returns false, it has answered
// the request with 503.
func (s *Server) hold(ctx *fasthttp.RequestCtx, n int) bool {
	if n <= conns.SmallBody || conns.Room(ctx, n) {
		return true
	}
	s.overloaded(ctx)
	return false
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
	conns.Settle(ctx)
	s.shed.Add(1)
	s.fail(ctx, api.CodeOverloaded, fmt.Sprintf(
		"the requests under way hold the %d bytes that requests may take together", s.budget.Limit()))
}
