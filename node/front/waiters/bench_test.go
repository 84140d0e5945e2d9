package waiters

import (
	"testing"

	"github.com/valyala/fasthttp"
)

// BenchmarkWait measures a request that is not answered at once.
func BenchmarkWait(b *testing.B) {
	s := New(&node{}, nil)
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		w := NewRequest(&ctx)
		s.add(w)
		s.remove(w)
		w.Free()
	}
	s.Close()
}
