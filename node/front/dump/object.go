package dump

import (
	"io"
	"iter"

	"github.com/cohortkv/cohort/api"
)

// pieceSize is the number of bytes that are produced at a time. A body that fits into
// one piece is sent with its length, a longer one in chunks.
const pieceSize = 64 << 10

// object is a JSON object of keys and values, produced as it is read.
type object struct {
	next  func() (string, []byte, bool) // the next item; false: there is none
	stop  func()                        // ends the iteration behind next
	tail  string                        // what follows the last item, the closing brace included
	piece []byte                        // JSON that is produced; its first read bytes were returned
	read  int                           // bytes of piece that were already returned
	some  bool                          // at least one item was written
	done  bool                          // the last item and the tail were written
	ended func()                        // called by Close; nil if the stream was not begun
}

func newObject(head, tail string, items iter.Seq2[string, []byte]) *object {
	o := &object{tail: tail, piece: append(make([]byte, 0, 1024), head...)}
	o.next, o.stop = iter.Pull2(items)
	return o
}

// fill lengthens the piece to size bytes. The last value may make the piece longer.
func (o *object) fill(size int) {
	for len(o.piece) < size {
		key, value, more := o.next()
		if !more {
			o.piece = append(o.piece, o.tail...)
			o.done = true
			return
		}
		if o.some {
			o.piece = append(o.piece, ',')
		}
		o.some = true
		o.piece, _ = api.AppendString(o.piece, key)
		o.piece = append(o.piece, ':')
		o.piece, _ = api.AppendString(o.piece, value)
	}
}

// Read implements io.Reader.
func (o *object) Read(p []byte) (int, error) {
	if o.read == len(o.piece) {
		if o.done {
			return 0, io.EOF
		}
		o.piece, o.read = o.piece[:0], 0
		o.fill(pieceSize)
	}
	n := copy(p, o.piece[o.read:])
	o.read += n
	return n, nil
}

// Close implements io.Closer. fasthttp also calls it if the client left.
func (o *object) Close() error {
	o.stop()
	if o.ended != nil {
		o.ended()
		o.ended = nil
	}
	return nil
}
