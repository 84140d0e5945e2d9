package node

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/cohortkv/cohort/node/front"
)

// memoryReleaser returns memory to the operating system after a flood of clients. Without
// it an idle node keeps the memory of the flood: nothing starts the collector, and the
// runtime returns little at a time.
type memoryReleaser struct {
	load      func() front.Tide
	release   func() // releaseMemory, but in tests
	floodOver bool   // the last look found a flood that had ended
}

// Bounds of the releaser: how often it looks, and the smallest flood that counts. One
// release costs a run of the collector, so releases are rare.
const (
	releaseEvery       = 10 * time.Second
	releaseConnections = 256
	releaseBytes       = 32 << 20
)

func newMemoryReleaser(f *front.Server) *memoryReleaser {
	return &memoryReleaser{load: f.Tide, release: releaseMemory}
}

// releaseMemory runs the collector twice: what pools hold survives once.
func releaseMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}

// run looks now and then, until stop is closed.
func (r *memoryReleaser) run(stop <-chan struct{}) {
	look := time.NewTicker(releaseEvery)
	defer look.Stop()
	var height front.Tide
	for {
		select {
		case <-look.C:
			height = r.look(height)
		case <-stop:
			return
		}
	}
}

// look releases memory when clients hold less than half of what they held at the
// height of a flood, a look after it has found that: goroutines take a moment to end.
// It returns the height from which the next look judges.
func (r *memoryReleaser) look(height front.Tide) front.Tide {
	now := r.load()
	height.Connections = max(height.Connections, now.ConnectionsHeight)
	height.RequestBytes = max(height.RequestBytes, now.RequestBytesHeight)
	if height.Connections < 2*now.Connections+releaseConnections && height.RequestBytes < 2*now.RequestBytes+releaseBytes {
		r.floodOver = false
		return height
	}
	if r.floodOver = !r.floodOver; r.floodOver {
		return height
	}
	r.release()
	return now
}
