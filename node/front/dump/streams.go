// Package dump sends JSON objects that may be as large as the whole store. They are
// produced as they are sent, from the state of one moment.
//
// A dump keeps that state: values that are overwritten meanwhile stay in memory until
// the dump ends. The number of dumps is therefore bounded. If a dump pins too many
// bytes, because its client is slow and many values are overwritten, its connection is
// closed (docs/security.md §3.1).
package dump

import (
	"io"
	"iter"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/front/answer"
)

// Pinning is the state of one moment that a dump is read from. Pinned is the number
// of bytes that only this state keeps in memory.
type Pinning interface{ Pinned() int64 }

// Streams is the dumps that are being sent. Any goroutine may use it.
type Streams struct {
	answers   *answer.Writer
	most      int   // dumps at a time
	mostBytes int64 // that one dump may pin; beyond it, the dump's connection is closed

	mu    sync.Mutex
	count int // dumps under way, at most most
}

// New returns a Streams without dumps.
func New(most int, mostBytes int64, answers *answer.Writer) *Streams {
	return &Streams{most: most, mostBytes: mostBytes, answers: answers}
}

// Count is the number of dumps under way.
func (s *Streams) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Send answers with a JSON object: head, the items as its members, and tail. A small
// object is sent at once, a larger one as it is produced. from is what the items are
// read from.
func (s *Streams) Send(ctx *fasthttp.RequestCtx, head, tail string, items iter.Seq2[string, []byte], from Pinning) {
	stream := newObject(head, tail, items)
	stream.fill(pieceSize)
	switch {
	case stream.done:
		stream.stop()
		if s.answers.Hold(ctx, len(stream.piece)) {
			ctx.Response.SetBodyRaw(stream.piece)
		}
	case !s.begin(ctx.Conn(), stream, from):
		stream.stop()
		s.answers.Shed(ctx, "this node already streams as many dumps as it may at a time")
	case ctx.Request.Header.IsHTTP11():
		ctx.SetBodyStream(stream, -1)
	default:
		sendUntilClose(ctx, stream)
	}
}

// sendUntilClose sends the answer to an HTTP/1.0 client. HTTP/1.0 has no chunks, so
// the body ends when the connection closes. fasthttp does not support such answers,
// so the connection is taken from it.
func sendUntilClose(ctx *fasthttp.RequestCtx, stream *object) {
	defer stream.Close()
	ctx.SetConnectionClose()
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(net.Conn) {})
	_, err := ctx.Conn().Write(ctx.Response.Header.AppendBytes(nil))
	if err == nil && !ctx.IsHead() {
		_, _ = io.CopyBuffer(struct{ io.Writer }{ctx.Conn()}, stream, make([]byte, 32<<10))
	}
}

// lookEvery is the interval at which the bytes that dumps pin are checked.
const lookEvery = 100 * time.Millisecond

// begin registers a dump. It returns false if there are too many. The stream
// reports its own end.
func (s *Streams) begin(c net.Conn, stream *object, from Pinning) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count >= s.most {
		return false
	}
	s.count++
	var look *time.Timer
	look = time.AfterFunc(lookEvery, func() {
		if from.Pinned() > s.mostBytes {
			_ = c.Close()
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if look != nil {
			look.Reset(lookEvery)
		}
	})
	stream.ended = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		look.Stop()
		look = nil
		s.count--
	}
	return true
}
