package node

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/cohortkv/cohort/node/front"
)

// memoryReleaser returns memory to the operating system after a flood of clients. Otherwise an
// idle node would keep the memory of the flood: nothing starts the garbage collector, and the
// runtime returns little at a time.
type memoryReleaser struct {
	load      func() front.Tide
	release   func() // releaseMemory, except in tests
	floodOver bool   // at the last check, a flood had ended
}

// Bounds of the releaser: the interval of checks, and the smallest flood. A release costs a run
// of the garbage collector, so releases are rare.
const (
	releaseEvery       = 10 * time.Second
	releaseConnections = 256
	releaseBytes       = 32 << 20
)

func newMemoryReleaser(f *front.Server) *memoryReleaser {
	return &memoryReleaser{load: f.Tide, release: releaseMemory}
}

// releaseMemory runs the garbage collector twice: the contents of pools survive one run.
func releaseMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}

// run checks at intervals until stop is closed.
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

// look releases memory when connections or memory of clients have fallen below half of the height
// of a flood. The release comes one check later, because goroutines take a moment to end. look
// returns the height for the next check.
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
