package node

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/cohortkv/cohort/node/front"
)

// relief gives memory back to the machine after a flood of clients. Without it a node
// that has become quiet keeps what the flood took: nothing makes the collector run, and
// the runtime gives back little at a time.
type relief struct {
	tide    func() front.Tide
	release func() // releaseMemory, but in tests
	ebb     bool   // the last look found a flood that had ended
}

// Bounds of relief: how often it looks, and from which floods on. One costs a run of
// the collector, so they are rare.
const (
	reliefEvery       = 10 * time.Second
	reliefConnections = 256
	reliefBytes       = 32 << 20
)

func newRelief(f *front.Server) *relief {
	return &relief{tide: f.Tide, release: releaseMemory}
}

// releaseMemory runs the collector twice: what pools hold survives once.
func releaseMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}

// run looks now and then, until stop is closed.
func (r *relief) run(stop <-chan struct{}) {
	look := time.NewTicker(reliefEvery)
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
func (r *relief) look(height front.Tide) front.Tide {
	now := r.tide()
	height.Connections = max(height.Connections, now.ConnectionsHeight)
	height.RequestBytes = max(height.RequestBytes, now.RequestBytesHeight)
	if height.Connections < 2*now.Connections+reliefConnections && height.RequestBytes < 2*now.RequestBytes+reliefBytes {
		r.ebb = false
		return height
	}
	if r.ebb = !r.ebb; r.ebb {
		return height
	}
	r.release()
	return now
}
