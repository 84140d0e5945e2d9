package dump

import (
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/conns"
)

type node struct{}

func (node) Status() core.NodeStatus { return core.NodeStatus{} }

type pinned int64

func (p pinned) Pinned() int64 { return int64(p) }

func streams(most int) *Streams {
	return New(most, 1000, answer.New(3, node{}, conns.NewBudget(1<<20)))
}

// items yields n items of a kilobyte each.
func items(n int) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i := range n {
			if !yield(fmt.Sprint(i), []byte(strings.Repeat("x", 1000))) {
				return
			}
		}
	}
}

func arrived() *fasthttp.RequestCtx {
	request := &fasthttp.Request{}
	request.Header.SetRequestURI("/data")
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(request, nil, nil)
	return ctx
}

func TestASmallObjectIsSentWithItsLength(t *testing.T) {
	s, ctx := streams(0), arrived()
	s.Send(ctx, `{"items":{`, `}}`, items(1), pinned(0))
	if want := `{"items":{"0":"` + strings.Repeat("x", 1000) + `"}}`; string(ctx.Response.Body()) != want || ctx.Response.IsBodyStream() {
		t.Errorf("%s", ctx.Response.Body())
	}
	s.Send(ctx, "{", "}", items(0), pinned(0))
	if string(ctx.Response.Body()) != "{}" {
		t.Errorf("%s", ctx.Response.Body())
	}
}

func TestALargeObjectIsAStreamAndSoManyMayBeUnderWay(t *testing.T) {
	s, ctx := streams(1), arrived()
	s.Send(ctx, "{", "}", items(200), pinned(0))
	if !ctx.Response.IsBodyStream() || s.Count() != 1 {
		t.Fatalf("%d are under way", s.Count())
	}
	more := arrived()
	s.Send(more, "{", "}", items(200), pinned(0))
	if more.Response.StatusCode() != http.StatusServiceUnavailable || s.answers.Sheds() != 1 {
		t.Errorf("a second: %d", more.Response.StatusCode())
	}
	if n := strings.Count(string(ctx.Response.Body()), `":"`); n != 200 { // reads the stream and closes it
		t.Errorf("%d items", n)
	}
	if s.Count() != 0 {
		t.Errorf("%d are under way", s.Count())
	}
}

// closes is a connection that says when it is closed.
type closes struct {
	net.Conn
	closed chan struct{}
}

func (c closes) Close() error { close(c.closed); return nil }

func TestADumpThatPinsTooMuchLosesItsConnection(t *testing.T) {
	s, c := streams(1), closes{closed: make(chan struct{})}
	o := newObject("{", "}", items(200))
	if !s.begin(c, o, pinned(1001)) {
		t.Fatal("not begun")
	}
	<-c.closed
	if err := o.Close(); err != nil || s.Count() != 0 {
		t.Errorf("%v, %d are under way", err, s.Count())
	}
}

func TestAnObjectIsTheSameInPiecesOfAnySize(t *testing.T) {
	want, err := io.ReadAll(newObject("{", "}", items(100)))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if _, err := io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{newObject("{", "}", items(100))}, make([]byte, 7)); err != nil || got.String() != string(want) {
		t.Errorf("%v, %d bytes, want %d", err, got.Len(), len(want))
	}
}
