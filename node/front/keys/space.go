package keys

import (
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/wire"
)

// space bounds what clients may have the store hold.
type space struct {
	answers *answer.Writer
	state   func() State
	most    int64 // bytes; 0: no bound
}

// full answers 507 to a write that would make the store hold more than its bound.
// Writes that make the store smaller pass, and so do writes that other nodes have
// accepted. Concurrent requests may together exceed the bound, because each of them
// is compared with the same store.
func (s *space) full(ctx *fasthttp.RequestCtx, causal bool, op *wire.Op) bool {
	most := s.most
	if most == 0 || op.Kind != wire.OpPut {
		return false
	}
	state := s.state()
	held, more := state.Bytes(), state.Growth(causal, op.Key, len(op.Value))
	if more <= 0 || held+more <= most {
		return false
	}
	s.answers.Fail(ctx, api.CodeStorageFull, fmt.Sprintf(
		"this node holds %d of the %d bytes that it may (--max-bytes), and the write needs %d more; deletions always pass", held, most, more))
	return true
}
