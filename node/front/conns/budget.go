package conns

import (
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// SmallBody is the number of bytes that a request may hold without being counted;
// they are part of the cost of a connection. Requests up to this size are never
// refused for want of memory, and cost no atomic addition.
const SmallBody = 8 << 10

// Budget bounds the bytes that all requests together hold: bodies that arrive,
// values and sessions of requests that wait for the node, and lists and answers on
// their way out.
type Budget struct {
	limit  int64        // bytes that may be in use; never changes
	used   atomic.Int64 // bytes in use, at most limit except within take
	height atomic.Int64 // most bytes in use since Tide was last called, approximately
}

// NewBudget returns a budget of which nothing is in use.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Limit is the number of bytes that may be in use.
func (b *Budget) Limit() int64 { return b.limit }

// Used is the number of bytes in use.
func (b *Budget) Used() int64 { return b.used.Load() }

// Tide returns how many bytes are in use now, and the most since the last call. It
// may have one caller only.
func (b *Budget) Tide() (now, height int64) {
	now = b.used.Load()
	return now, max(b.height.Swap(now), now)
}

// take reserves n bytes. It returns false if there is no room.
func (b *Budget) take(n int64) bool {
	if used := b.used.Add(n); used <= b.limit {
		if used > b.height.Load() {
			b.height.Store(used)
		}
		return true
	}
	b.used.Add(-n)
	return false
}

func (b *Budget) give(n int64) { b.used.Add(-n) }

// account is the number of bytes that one connection has taken of the budget. Only
// the goroutine that serves the connection touches the account. It is settled when
// the answer has left.
type account struct {
	budget *Budget
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

// Room counts n bytes against the budget until the answer to this request has left.
// It returns false if there is no room.
func Room(ctx *fasthttp.RequestCtx, n int) bool {
	c := Of(ctx)
	return c == nil || c.account.budget == nil || c.account.take(n)
}

// Give gives n of the bytes that were counted for this request back.
func Give(ctx *fasthttp.RequestCtx, n int) {
	if c := Of(ctx); c != nil && c.account.budget != nil {
		c.account.give(n)
	}
}

// Settle gives all bytes that were counted for this request back to the budget.
func Settle(ctx *fasthttp.RequestCtx) {
	if c := Of(ctx); c != nil {
		c.account.settle()
	}
}
