package front

import (
	"net"
	"sync"
	"time"
)

// pinning is what a dump is read from.
type pinning interface{ Pinned() int64 }

// dumps are the answers to GET /data that are streamed. Each holds on to the state at
// one moment: what is written over meanwhile stays in memory until the last client
// has read it. So there are few at a time, and a reader that is slow while much is
// written is cut off.
type dumps struct {
	most      int
	mostBytes int64 // that the dumps may pin; the connections of those that do are closed

	mu    sync.Mutex
	count int
}

// lookAtDumps is how often it is looked at what a dump pins.
const lookAtDumps = 100 * time.Millisecond

// begin enters a dump; false: there are too many. The stream says when it has ended.
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
