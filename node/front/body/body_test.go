package body

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/front/conns"
)

// arrives reads the header of a request with a body that is still to be read.
func arrives(t *testing.T, framing, body string) *fasthttp.RequestCtx {
	t.Helper()
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(&fasthttp.Request{}, nil, nil)
	text := "PUT /k HTTP/1.1\r\nHost: n\r\n" + framing + "\r\n\r\n" + body
	r := bufio.NewReaderSize(strings.NewReader(text), 16<<10)
	if err := ctx.Request.Header.Read(r); err != nil {
		t.Fatal(err)
	}
	if err := ctx.Request.ContinueReadBodyStream(r, 64<<10, false); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func TestABodyIsReadToItsEndHoweverItComes(t *testing.T) {
	for _, size := range []int{0, 1, conns.SmallBody, conns.SmallBody + 1, FirstPiece, 3*FirstPiece + 7, growth*FirstPiece + 1} {
		text := strings.Repeat("x", size)
		chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", size, text)
		if size == 0 {
			chunked = "0\r\n\r\n"
		}
		for framing, body := range map[string]string{fmt.Sprintf("Content-Length: %d", size): text, "Transfer-Encoding: chunked": chunked} {
			ctx := arrives(t, framing, body)
			if err := Read(ctx, 1<<20); err != nil || string(ctx.PostBody()) != text {
				t.Errorf("%d bytes, %s: %v, %d bytes came", size, framing, err, len(ctx.PostBody()))
			}
		}
	}
}

func TestABodyThatIsTooLongOrTooShort(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	for name, c := range map[string]struct {
		framing, body string
		want          error
	}{
		"a declared length":      {"Content-Length: 100000", long[:20<<10], fasthttp.ErrBodyTooLarge},
		"chunks":                 {"Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(long), long), fasthttp.ErrBodyTooLarge},
		"less than was declared": {"Content-Length: 50000", long[:20<<10], io.ErrUnexpectedEOF},
	} {
		if err := Read(arrives(t, c.framing, c.body), 64<<10); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
