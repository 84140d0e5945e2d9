// Package promptness is the oracle of time in a simulated run. Other oracles ask whether an
// answer is right and whether there is one; this oracle asks whether it is in time. A rule
// that is forgotten often costs neither safety nor liveness, because a timer repairs the
// omission.
//
// In a calm stretch nothing goes wrong: no message is lost or kept back, no node stops or
// starts, no disk is slow, and no view is put. The judge knows two kinds of bounds
// (docs/testing.md §10):
//
//   - While a view is steady, a request takes a number of steps. A step is one message and
//     the write that follows it. It lasts as long as the slowest message that was under way
//     while the request was open, and one disk delay. No timer may be needed.
//   - Work that follows a fault or a PUT may need timers. It must end within seconds of the
//     moment from which on the stretch is calm.
//
// The evidence is what nodes show, and what package truth knows of their state. The judge
// draws no random number, so schedules run the same with it and without.
package promptness

import (
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Judge checks the requests and the rounds of a run against their bounds.
type Judge struct {
	w      *world.World
	truth  *truth.Truth
	of     func(*world.Node) *truth.Incarnation
	open   []*Request
	trips  trips
	held   map[*world.Node]heldView
	late   map[lateness]wire.Instant // since when each work has been pending
	newest []newest                  // by key
}

// heldView is the view that a node shows, and since when.
type heldView struct {
	id    ids.View
	since wire.Instant
}

// lookEvery is the time between two looks at pending work.
const lookEvery = 100 * wire.Millisecond

// New returns the judge of a world that has no nodes yet.
func New(w *world.World) *Judge {
	j := &Judge{w: w, held: map[*world.Node]heldView{}, late: map[lateness]wire.Instant{}}
	w.On.Travels = append(w.On.Travels, j.travels)
	w.On.Shows = append(w.On.Shows, j.shows)
	return j
}

// Begin starts to look at views and at causal buckets. truth and of give the true state of
// the latter.
func (j *Judge) Begin(truth *truth.Truth, of func(*world.Node) *truth.Incarnation) {
	if j.w.Sched.Garbled() || j.w.Sched.Measure { // such a run takes hours and has thousands of keys
		return
	}
	j.truth, j.of, j.newest = truth, of, make([]newest, j.w.Sched.Causal.Keys)
	j.w.After(lookEvery, j.look)
}

func (j *Judge) look() {
	for _, r := range j.open {
		j.wait(r)
		j.hold(r)
	}
	for _, n := range j.w.Nodes {
		j.lookAtView(n)
	}
	if j.w.Sched.Model.Causal() {
		j.lookAtKeys()
	}
	j.w.After(lookEvery, j.look)
}

// shows records when a node came to its view.
func (j *Judge) shows(n *world.Node) {
	if id := n.Shows.View.ID; j.held[n].id != id {
		j.held[n] = heldView{id, j.w.Now}
	}
}

// calmSince returns the moment since when all members of a node's view have held it and
// nothing has gone wrong. calm is false if that is not so now.
func (j *Judge) calmSince(n *world.Node) (since wire.Instant, calm bool) {
	since = j.w.Trouble
	if !n.Up || !n.Shows.Member {
		return 0, false
	}
	for _, m := range n.Shows.View.Layout.Members() {
		o := j.w.ProcessAt(m)
		if !o.Up || o.Pauses > 0 || o.Address() != m.Address || !o.Shows.Present || o.Shows.View.ID != n.Shows.View.ID || o.Shows.LeftBehind {
			return 0, false
		}
		since = max(since, j.held[o].since)
	}
	return since, true
}

// fail reports that something took longer than it may.
func (j *Judge) fail(format string, args ...any) { j.w.Fail("promptness", format, args...) }

func seconds(d wire.Instant) string { return schedule.Seconds(d) }
