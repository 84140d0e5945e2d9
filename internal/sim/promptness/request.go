package promptness

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/wire"
)

// Kind is the operation of a request, and where it is answered.
type Kind uint8

// The kinds. A causal read is waiting if its node lacks data that the read needs when the
// read arrives.
const (
	StrongRead Kind = iota
	StrongWrite
	CausalRead
	CausalReadWaiting
	CausalReadForwarded
	CausalWrite
	CausalWriteForwarded
)

// bounds are the bounds of requests while the view is steady. A request that needs an
// exchange waits for a timer (docs/causal.md §6).
var bounds = [...]struct {
	name     string
	steps    int
	reads    bool // it writes nothing to disk
	queue    int  // steps for each other request that is open
	exchange bool
}{
	StrongRead:           {name: "strong read", steps: 6, reads: true},
	StrongWrite:          {name: "strong write", steps: 6, queue: 2},
	CausalRead:           {name: "causal read of what its node has", steps: 1},
	CausalReadWaiting:    {name: "causal read of what its node has yet to get", steps: 10, exchange: true},
	CausalReadForwarded:  {name: "causal read at another owner", steps: 10, exchange: true},
	CausalWrite:          {name: "causal write", steps: 4},
	CausalWriteForwarded: {name: "causal write at another owner", steps: 6},
}

func (k Kind) strong() bool { return k <= StrongWrite }

// Bounds that have timers in them.
const (
	settled       = 2 * wire.Second // calm time before a view counts as steady
	exchangeBound = 2 * wire.Second // for one exchange
	recoverBound  = 3 * wire.Second // for a request that was open when the view became steady
)

// Request is one request, from its arrival at its node until it is answered.
type Request struct {
	what   fmt.Stringer
	kind   Kind
	node   *world.Node
	begun  wire.Instant // when it arrived, or when a read was last seen to wait for data that no member has
	trip   wire.Instant // of the slowest message that was sent while it was open
	beside int          // the most other requests that were open at one time

	// Attainable reports whether the members of the view together have all data that a read
	// needs. A read may wait without a bound for data that is lost or elsewhere. nil: the
	// request needs none.
	Attainable func() bool
}

// Open starts the time of a request.
func (j *Judge) Open(what fmt.Stringer, k Kind, n *world.Node) *Request {
	r := &Request{what: what, kind: k, node: n, begun: j.w.Now, trip: max(j.trips.last, j.trips.before)}
	j.open = append(j.open, r)
	for _, o := range j.open {
		o.beside = max(o.beside, len(j.open)-1)
	}
	return r
}

// trips holds the slowest message of the present window of time and of the window before. A
// request may wait for a message that was sent before it arrived.
type trips struct {
	begun, last, before wire.Instant
}

func (j *Judge) travels(_, _ *world.Node, takes wire.Instant) {
	t := &j.trips
	if window := 16 * j.w.Sched.Network.Delay; j.w.Now-t.begun >= window {
		t.before = t.last
		if j.w.Now-t.begun >= 2*window {
			t.before = 0
		}
		t.begun, t.last = j.w.Now, 0
	}
	t.last = max(t.last, takes)
	for _, r := range j.open {
		r.trip = max(r.trip, takes)
	}
}

// Drop forgets a request that will not be answered.
func (j *Judge) Drop(r *Request) {
	j.open = slices.DeleteFunc(j.open, func(o *Request) bool { return o == r })
}

// Answered checks the time of a request that is answered now.
func (j *Judge) Answered(r *Request) {
	j.Drop(r)
	if j.hold(r) {
		j.w.Counts.Add("promptness", bounds[r.kind].name)
	}
}

// wait starts the time of a read again while no member has the data that it waits for.
func (j *Judge) wait(r *Request) {
	if r.Attainable != nil && !r.Attainable() {
		r.begun = j.w.Now
	}
}

// hold fails the run if a request has been open for longer than its bound. It reports
// whether the view was steady all the time.
func (j *Judge) hold(r *Request) (strictly bool) {
	since, steady := j.steadySince(r)
	if !steady || j.w.Sched.Garbled() || j.pipelined(r.kind) {
		return false
	}
	took, bound := j.w.Now-max(r.begun, since), recoverBound
	if strictly = since <= r.begun-settled; strictly {
		bound = 0
		if bounds[r.kind].exchange {
			bound = exchangeBound
		}
	}
	bound += j.steps(r)
	if took > bound {
		j.fail("%s took %s since node %d was steady: a %s takes %s at most", r.what, seconds(took), r.node.ID, bounds[r.kind].name, seconds(bound))
	}
	return strictly
}

// pipelined reports that a kind has no bound yet. With several batches in flight, a gap in
// the log of a backup outlasts its cause: each further prepare arrives too early, and the
// primary re-sends one batch at each timer.
func (j *Judge) pipelined(k Kind) bool { return k == StrongWrite && j.w.Sched.Limits.Depth > 1 }

// steps returns how long the steps of a request may take. A message of a node to itself
// takes at most 20 µs.
func (j *Judge) steps(r *Request) wire.Instant {
	b := &bounds[r.kind]
	step, last := max(r.trip, 20*wire.Microsecond), wire.Instant(0)
	if !b.reads {
		step, last = step+j.w.Sched.Disk, j.w.Sched.Disk
	}
	return wire.Instant(b.steps+b.queue*r.beside)*step + last
}

// steadySince returns the moment since when nothing hindered a request: all members of its
// node's view hold the view and are ready, and nothing has gone wrong.
func (j *Judge) steadySince(r *Request) (since wire.Instant, steady bool) {
	n := r.node
	since, steady = j.calmSince(n)
	if !steady {
		return 0, false
	}
	for _, m := range n.Shows.View.Layout.Members() {
		o := j.w.ProcessAt(m)
		if r.kind.strong() && (!o.Shows.StrongReady() || o.Shows.Ballot != n.Shows.Ballot) || !r.kind.strong() && !o.Shows.CausalReady {
			return 0, false
		}
		since = max(since, o.ShownAt)
	}
	return since, true
}
