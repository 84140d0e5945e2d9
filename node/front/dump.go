package front

import (
	"io"
	"iter"
	"net"
	"net/http"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// dumpPiece is the number of bytes of GET /data that are produced at a time. A body
// that fits into one piece is sent with its length, a longer one in chunks.
const dumpPiece = 64 << 10

// dump answers GET /data: the whole store at one moment. It is read from this
// node's own copy after a read was confirmed, and produced as it is sent.
func (s *Server) dump(ctx *fasthttp.RequestCtx) {
	if !s.readOnly(ctx) {
		return
	}
	if s.defaultBucket == api.BucketCausal {
		s.causalDump(ctx)
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	if !s.confirm(ctx, w, 0) {
		return
	}
	snapshot := s.backend.State().Snapshot()
	s.answerData(ctx, w, http.StatusOK, nil, snapshot.Next())
	if isLossy(snapshot) {
		ctx.Response.Header.Set(api.HeaderLossy, "utf-8")
	}
	s.sendObject(ctx, newObjectStream("{", "}\n", pairs(snapshot)), snapshot)
}

// pairs are the keys and values of a snapshot.
func pairs(snapshot Snapshot) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for record := range snapshot.From(nil) {
			if !yield(record.Key, record.Value) {
				return
			}
		}
	}
}

// sendObject answers with a JSON object. A small object is sent at once, a larger
// one as it is produced.
func (s *Server) sendObject(ctx *fasthttp.RequestCtx, stream *objectStream, from pinning) {
	stream.fill(dumpPiece)
	switch {
	case stream.done:
		stream.stop()
		if s.hold(ctx, len(stream.piece)) {
			ctx.Response.SetBodyRaw(stream.piece)
		}
	case !s.dumps.begin(ctx.Conn(), stream, from):
		stream.stop()
		s.shed.Add(1)
		s.fail(ctx, api.CodeOverloaded, "this node already streams as many dumps as it may at a time")
	case ctx.Request.Header.IsHTTP11():
		ctx.SetBodyStream(stream, -1)
	default:
		sendUntilClose(ctx, stream)
	}
}

// sendUntilClose sends the answer to an HTTP/1.0 client. HTTP/1.0 has no chunks, so
// the body ends when the connection closes. fasthttp does not support such answers,
// so the connection is taken from it.
func sendUntilClose(ctx *fasthttp.RequestCtx, stream *objectStream) {
	defer stream.Close()
	ctx.SetConnectionClose()
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(net.Conn) {})
	_, err := ctx.Conn().Write(ctx.Response.Header.AppendBytes(nil))
	if err == nil && !ctx.IsHead() {
		_, _ = io.CopyBuffer(struct{ io.Writer }{ctx.Conn()}, stream, make([]byte, 32<<10))
	}
}

// isLossy looks through the whole snapshot. It must do so first, because a header
// cannot follow the body that it describes.
func isLossy(snapshot Snapshot) bool {
	for record := range snapshot.From(nil) {
		if !utf8.ValidString(record.Key) || !utf8.Valid(record.Value) {
			return true
		}
	}
	return false
}

// objectStream is a JSON object of keys and values, produced as it is read.
type objectStream struct {
	next  func() (string, []byte, bool) // the next item; false: there is none
	stop  func()                        // ends the iteration behind next
	tail  string                        // what follows the last item, the closing brace included
	piece []byte                        // JSON that is produced; its first read bytes were returned
	read  int                           // bytes of piece that were already returned
	some  bool                          // at least one item was written
	done  bool                          // the last item and the tail were written
	ended func()                        // called by Close; nil if the stream was not begun
}

func newObjectStream(head, tail string, items iter.Seq2[string, []byte]) *objectStream {
	d := &objectStream{tail: tail, piece: append(make([]byte, 0, 1024), head...)}
	d.next, d.stop = iter.Pull2(items)
	return d
}

// fill lengthens the piece to size bytes. The last value may make the piece longer.
func (d *objectStream) fill(size int) {
	for len(d.piece) < size {
		key, value, more := d.next()
		if !more {
			d.piece = append(d.piece, d.tail...)
			d.done = true
			return
		}
		if d.some {
			d.piece = append(d.piece, ',')
		}
		d.some = true
		d.piece, _ = api.AppendString(d.piece, key)
		d.piece = append(d.piece, ':')
		d.piece, _ = api.AppendString(d.piece, value)
	}
}

// Read implements io.Reader.
func (d *objectStream) Read(p []byte) (int, error) {
	if d.read == len(d.piece) {
		if d.done {
			return 0, io.EOF
		}
		d.piece, d.read = d.piece[:0], 0
		d.fill(dumpPiece)
	}
	n := copy(p, d.piece[d.read:])
	d.read += n
	return n, nil
}

// Close implements io.Closer. fasthttp also calls it if the client left.
func (d *objectStream) Close() error {
	d.stop()
	if d.ended != nil {
		d.ended()
		d.ended = nil
	}
	return nil
}
