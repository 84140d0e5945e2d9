// Package witness is the oracle of strong buckets in a simulated run. The order in which
// nodes apply entries is its evidence, so it decides exactly and without a search. Every
// answer to a client is checked at the moment of the answer. Every message of a node is
// checked against what the node has made durable and promised (commitments.go). Names of
// checks such as "I4" are the invariants of ARCHITECTURE.md; docs/strong.md §10 has the
// rules.
//
// New adds the hooks of the witness to a world that has no nodes yet. The caller must set
// Operator before the nodes start.
package witness

import (
	"bytes"

	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Witness is the certificate of a run (docs/strong.md §6). Every ballot continues a
// history, or joins several. What it starts from is known from the moment its primary
// stages it. So the witness knows what any node holds at any position, without asking a
// node. An operation takes effect when its entry is committed, a read at its position. So
// linearizability along each line of ballots is decided at once, without a search:
//
//   - An answered write is committed, with the result that follows from the entries before
//     it. It was ordered after the client asked and committed before the answer, so writes
//     keep the order of real time.
//   - A read returns exactly the state at its position. The position is committed, and not
//     behind what any client had seen of this ballot when the read began. No ballot built
//     from this one had been seen by then.
//   - An active ballot contains all that is committed of the histories that it was built
//     from, and nothing is committed there any more.
//   - A write that was answered with 503 is in no log.
//
// Under a sane operator the active ballots are one line, so this is linearizability of the
// whole run.
type Witness struct {
	w           *world.World
	Operator    commander                    // set by the caller before nodes start
	present     map[*world.Node]*Commitments // by process: the commitments of its incarnation
	clusters    clusters
	Histories   map[ids.Ballot]*History            // by ballot
	byNumber    []*History                         // by History.no
	owners      map[ids.Ballot]owner               // by ballot: its primary, once it has sent a message
	joins       map[ids.Ballot]*joins              // by ballot: reports that reached its primary
	withdrawn   map[withdrawal]bool                // writes whose client has left, as a primary knows
	givenUp     map[ids.Ballot]bool                // owed ballots that cannot be had, or were given up by force
	commitments []map[ids.Incarnation]*Commitments // by node
	ops         []*Op                              // by token
	took        []*Op                              // by op.bit: the operations that were ever ordered
	moment      uint64                             // number of observations so far; it orders reads and observations
	Active      *History                           // the history that became active last
	merges      []*History                         // the histories that join several
}

// commander is the part of the operator that the witness needs.
type commander interface {
	ViewMade(v *wire.View)                           // called when a view is first seen
	BallotActive(b ids.Ballot)                       // called when a ballot becomes active
	ToldList(n *world.Node, layout wire.Layout) bool // reports whether a list was put to this boot of a node itself
}

// place is a position at which an operation was ordered.
type place struct {
	h     *History
	index int
}

func (p place) committed() bool { return p.index <= max(p.h.Committed, p.h.builtOn) }

func (p place) result() wire.Result { return p.h.log[p.index-1].Result }

// New returns the witness of a world that has no nodes yet.
func New(w *world.World) *Witness {
	t := &Witness{w: w, present: map[*world.Node]*Commitments{}}
	empty := &History{Active: true, states: []*state{{next: 1}}}
	t.Histories = map[ids.Ballot]*History{{}: empty}
	t.byNumber = []*History{empty}
	t.Active = empty
	t.owners = map[ids.Ballot]owner{}
	t.joins = map[ids.Ballot]*joins{}
	t.withdrawn, t.givenUp = map[withdrawal]bool{}, map[ids.Ballot]bool{}
	t.ops = []*Op{nil}
	t.commitments = make([]map[ids.Incarnation]*Commitments, w.Sched.Nodes)
	w.On.Started = append(w.On.Started, t.started)
	w.On.Told = append(w.On.Told, t.told)
	w.On.Wrote = append(w.On.Wrote, t.wrote)
	w.On.Durable = append(w.On.Durable, func(n *world.Node, seq uint64) { t.Of(n).durableUpTo(seq) })
	w.On.Sent = append(w.On.Sent, t.sent)
	w.On.Applied = append(w.On.Applied, t.appliedAll)
	w.On.Event = append(w.On.Event, t.event)
	return t
}

// Of returns the commitments of the incarnation that a process has now.
func (t *Witness) Of(n *world.Node) *Commitments { return t.present[n] }

// MemberInStep reports whether a node is a member of its view, or was before its present
// step.
func (t *Witness) MemberInStep(n *world.Node) bool { return t.Of(n).member || t.Of(n).before.member }

// started begins the commitments of a node, or continues those of a node that recovered its
// state.
func (t *Witness) started(n *world.Node, found *world.RecoveredState) {
	delete(t.clusters.answered, n) // its PUTs have ended
	if found == nil {
		t.newCommitments(n)
		return
	}
	t.Of(n).restarted(found)
	if !found.Rec.Meta.Present {
		delete(t.clusters.held, n.Inc) // the crash took all views that it had held
	}
	t.CompareStore(n)
}

func (t *Witness) newCommitments(n *world.Node) {
	o := makeCommitments(n)
	t.present[n] = o
	if t.commitments[n.ID] == nil {
		t.commitments[n.ID] = map[ids.Incarnation]*Commitments{}
	}
	t.commitments[n.ID][n.Inc] = o
}

// told takes an input of a node into account, before the node acts on it.
func (t *Witness) told(n *world.Node, in core.Input) {
	t.Of(n).beginStep()
	switch in := in.(type) {
	case *core.Abandon:
		if uint64(in.Token) < uint64(len(t.ops)) {
			t.ops[in.Token].gone = true
		}
	case *core.Received:
		switch m := in.Message.(type) {
		case *wire.Join:
			t.joined(in.Header, m)
		case *wire.Cancel:
			t.cancelled(n, in.Header, m)
		case *wire.QueryReply:
			t.clusters.hears(n, in.Header, m.View.ID)
		case *wire.NewViewReply:
			t.clusters.hears(n, in.Header, m.Held)
		}
	}
}

func (t *Witness) event(n *world.Node, e *core.Event) {
	if e.Kind.Name == "round_decided" {
		t.decided(e.Ballot)
	}
}

// appliedAll checks the entries that a node applies in a step, and a base that it took over
// in that step.
func (t *Witness) appliedAll(n *world.Node, entries []wire.Entry) {
	for i := range entries {
		t.applied(n, &entries[i])
	}
	t.checkTakenOver(n)
}

// Asked records an operation of a client and gives it its token.
func (t *Witness) Asked(o *Op) {
	o.Token = uint64(len(t.ops))
	o.since = t.moment
	t.ops = append(t.ops, o)
}

// opOf returns the operation that an entry carries, by the tag of the entry, and checks
// that the entry has the same content.
func (t *Witness) opOf(e *wire.Entry) *Op {
	token, ok := parseTag(e.Op.ContentType)
	if !ok || token >= uint64(len(t.ops)) {
		return nil
	}
	o := t.ops[token]
	if o.Write.Kind != e.Op.Kind || o.Write.Key != e.Op.Key || !bytes.Equal(o.Write.Value, e.Op.Value) || o.Node != e.ID.Node || o.Boot != e.ID.Boot {
		return nil
	}
	return o
}

// observe records that a client has seen a position. From now on no client may read less of
// this ballot, or anything of the ballots that it was built from.
func (t *Witness) observe(h *History, index int) {
	t.moment++
	if len(h.observed) == 0 {
		for no, n := range h.known {
			if x := t.byNumber[no]; n > 0 && x.superseded == 0 {
				x.superseded = t.moment
			}
		}
	} else if index <= h.observed[len(h.observed)-1].index {
		return
	}
	h.observed = append(h.observed, observation{t.moment, index})
}

// OpFor returns the open operation of a token. It fails the run if the operation has ended,
// or if its client left.
func (t *Witness) OpFor(n *world.Node, token ids.Token) *Op {
	if token == 0 || uint64(token) >= uint64(len(t.ops)) {
		t.w.Fail("answer", "node %d answers token %d, which nobody has", n.ID, token)
		return nil
	}
	o := t.ops[token]
	if o.State == Left && !o.gone {
		return nil
	}
	if o.State != Open || o.Node != n.ID || o.BootCount != n.BootCount {
		t.w.Fail("answer", "node %d answers %s again, or too late", n.ID, o)
		return nil
	}
	return o
}

// Answered checks the answer to a write: the write is committed with this result.
func (t *Witness) Answered(o *Op, r wire.Result) {
	if t.w.Sched.Garbled() {
		return
	}
	if o.Plan.Kind.Reads() {
		t.w.Fail("answer", "%s was answered like a write", o)
		return
	}
	if r.Status == wire.Unknown {
		t.answeredUnknown(o)
		return
	}
	var seen []place
	committed := false
	for _, p := range o.places {
		committed = committed || p.committed()
		if p.committed() && p.result() == r {
			seen = append(seen, p)
		}
	}
	switch {
	case !committed:
		t.w.Fail("durability", "%s was answered and is not committed", o)
	case len(seen) == 0:
		t.w.Fail("result", "%s was answered %+v, its entry has %+v", o, r, o.places[0].result())
	case len(seen) == 1: // if it was ordered twice, the answer may stand for either
		t.observe(seen[0].h, seen[0].index)
	}
}

// answeredUnknown checks the answer "it took effect, the result is unknown" (I11). It is
// right only after a merge, if one side lacked the operation or had ordered it by itself.
func (t *Witness) answeredUnknown(o *Op) {
	t.w.Counts.Add("client", "answered unknown")
	if len(o.places) > 1 && len(t.merges) > 0 {
		return
	}
	for _, h := range t.merges {
		if len(o.places) == 0 || !h.states[0].ops.has(o.bit) {
			continue
		}
		for _, p := range h.base.Sides {
			if s := (side{t.Histories[p.Ballot], int(p.Count)}); !s.state().ops.has(o.bit) {
				return
			}
		}
	}
	t.w.Fail("result", "%s was answered unknown; no side of a merge lacks it", o)
}

// CheckAcknowledged checks that every answered write is in a history.
func (t *Witness) CheckAcknowledged(h *History) {
	last := h.states[h.Committed]
	for _, o := range t.took {
		if o.State == Done && !last.ops.has(o.bit) {
			t.w.Fail("durability", "%s was answered and is not in %s", o, trace.Name(h.Ballot))
			return
		}
	}
}

// TurnedAway checks that an operation which was answered 503 is in no log (I12).
func (t *Witness) TurnedAway(o *Op) {
	if t.w.Sched.Garbled() {
		return
	}
	if len(o.places) > 0 {
		t.w.Fail("503", "%s was refused and is in the log of %s", o, trace.Name(o.places[0].h.Ballot))
	}
}

// Read checks that a read keeps the order of real time: its position is not behind what
// clients had seen when it began, and not beyond what is committed (I6).
func (t *Witness) Read(n *world.Node, o *Op, num uint64) {
	if t.w.Sched.Garbled() {
		return
	}
	h, at := t.Histories[t.Of(n).Hist], t.Of(n).Index
	switch {
	case !o.Plan.Kind.Reads():
		t.w.Fail("answer", "%s was answered like a read", o)
	case !t.MemberInStep(n):
		t.w.Fail("view", "node %d lets %s read and is in no view", n.ID, o)
	case at < h.floorAt(o.since):
		t.w.Fail("stale read", "%s saw (%s, %d); position %d had been seen when it began", o, trace.Name(h.Ballot), at, h.floorAt(o.since))
	case h.superseded != 0 && h.superseded <= o.since:
		t.w.Fail("stale read", "%s saw %s; a ballot built from it had been seen when it began", o, trace.Name(h.Ballot))
	case at > h.Committed || !h.Active:
		t.w.Fail("read", "%s saw (%s, %d), which is not committed", o, trace.Name(h.Ballot), at)
	case num != h.states[at].next:
		t.w.Fail("read", "%s was given number %d, the next is %d", o, num, h.states[at].next)
	}
	t.observe(h, at)
}
