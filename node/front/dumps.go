package front

import (
	"net"
	"sync"
	"time"
)

// pinning is the snapshot that a dump is read from.
type pinning interface{ Pinned() int64 }

// dumps are the answers to GET /data that are being streamed. Each keeps the state
// of one moment: values that are overwritten meanwhile stay in memory until the
// dump ends. The number of dumps is therefore bounded. If a dump pins too many
// bytes, because its client is slow and many values are overwritten, its connection
// is closed.
type dumps struct {
	most      int   // dumps at a time
	mostBytes int64 // that one dump may pin; beyond it, the dump's connection is closed

	mu    sync.Mutex
	count int // dumps under way, at most most
}

// lookAtDumps is the interval at which the bytes that dumps pin are checked.
const lookAtDumps = 100 * time.Millisecond

// begin registers a dump. It returns false if there are too many. The stream
// reports its own end.
func (d *dumps) begin(c net.Conn, stream *objectStream, from pinning) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count >= d.most {
		return false
	}
	d.count++
	var look *time.Timer
	look = time.AfterFunc(lookAtDumps, func() {
		if from.Pinned() > d.mostBytes {
			_ = c.Close()
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if look != nil {
			look.Reset(lookAtDumps)
		}
	})
	stream.ended = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		look.Stop()
		look = nil
		d.count--
	}
	return true
}
