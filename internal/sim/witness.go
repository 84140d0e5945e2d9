package sim

import (
	"bytes"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// witness is the certificate of a run (docs/strong.md §6). Every ballot continues
// a history, or joins several, and what it starts from is known from the moment
// its primary stages it; so the witness can say what any node holds at any
// position, without asking one. An operation takes effect when its entry is
// committed, a read when its position says; so linearizability along each line
// of ballots is decided at once, without a search:
//
//   - an answered write is committed, with the result that follows from the
//     entries before it. It was ordered after it was asked for and committed
//     before it was answered, so writes keep the order of real time;
//   - a read returns exactly the state at its position, which is committed, is not
//     behind what any client had seen of this ballot when the read began, and no
//     ballot built from this one had been seen by then;
//   - an active ballot contains all that is committed of what it was built from,
//     and nothing is committed there any more;
//   - what was answered with 503 is in no log.
//
// Under a sane operator the active ballots are one line, so this is
// linearizability of the whole run.
type witness struct {
	w           *world
	operator    commander
	present     map[*node]*commitments // of what each process has now
	clusters    clusters
	histories   map[ids.Ballot]*history
	byNumber    []*history
	owners      map[ids.Ballot]owner
	joins       map[ids.Ballot]*joins
	withdrawn   map[withdrawal]bool
	givenUp     map[ids.Ballot]bool                // owed ballots that cannot be had, or were given up by force
	commitments []map[ids.Incarnation]*commitments // by node
	ops         []*op                              // by token
	took        []*op                              // those that were ever ordered, by op.bit
	moment      uint64                             // counts observations
	active      *history                           // the last that became active
	merges      []*history                         // of all histories, those that join several
}

// commander is what the witness knows of the operator.
type commander interface {
	viewMade(v *wire.View)                     // when a view is first seen
	active(b ids.Ballot)                       // a ballot has become active
	toldList(n *node, layout wire.Layout) bool // a list was put to this boot of a node itself
}

// place is a position at which an operation was ordered.
type place struct {
	h     *history
	index int
}

func (p place) committed() bool { return p.index <= max(p.h.committed, p.h.builtOn) }

func (p place) result() wire.Result { return p.h.log[p.index-1].Result }

// newWitness is the witness of a world that has no nodes yet.
func newWitness(w *world) *witness {
	t := &witness{w: w, present: map[*node]*commitments{}}
	empty := &history{active: true, states: []*state{{next: 1}}}
	t.histories = map[ids.Ballot]*history{{}: empty}
	t.byNumber = []*history{empty}
	t.active = empty
	t.owners = map[ids.Ballot]owner{}
	t.joins = map[ids.Ballot]*joins{}
	t.withdrawn, t.givenUp = map[withdrawal]bool{}, map[ids.Ballot]bool{}
	t.ops = []*op{nil}
	t.commitments = make([]map[ids.Incarnation]*commitments, w.sched.Nodes)
	w.on.started = append(w.on.started, t.started)
	w.on.told = append(w.on.told, t.told)
	w.on.wrote = append(w.on.wrote, t.wrote)
	w.on.durable = append(w.on.durable, func(n *node, seq uint64) { t.of(n).durableUpTo(seq) })
	w.on.sent = append(w.on.sent, t.sent)
	w.on.applied = append(w.on.applied, t.appliedAll)
	w.on.event = append(w.on.event, t.event)
	return t
}

// of are the commitments of what a process has now.
func (t *witness) of(n *node) *commitments { return t.present[n] }

// memberInStep reports that a node is a member of its view, or was before its present step.
func (t *witness) memberInStep(n *node) bool { return t.of(n).member || t.of(n).before.member }

// started continues the commitments of a node that found its state, or begins new ones.
func (t *witness) started(n *node, found *recoveredState) {
	if found == nil {
		t.newCommitments(n)
		return
	}
	t.of(n).restarted(found)
	t.compareStore(n)
}

func (t *witness) newCommitments(n *node) {
	o := makeCommitments(n)
	t.present[n] = o
	if t.commitments[n.id] == nil {
		t.commitments[n.id] = map[ids.Incarnation]*commitments{}
	}
	t.commitments[n.id][n.inc] = o
}

// told takes what a node is told into account, before it acts on it.
func (t *witness) told(n *node, in core.Input) {
	t.of(n).beginStep()
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
		}
	}
}

func (t *witness) event(n *node, e *core.Event) {
	if e.Kind.Name == "round_decided" {
		t.decided(e.Ballot)
	}
}

// appliedAll checks the entries that a node applies in a step, and the state that it took
// over in it.
func (t *witness) appliedAll(n *node, entries []wire.Entry) {
	for i := range entries {
		t.applied(n, &entries[i])
	}
	t.checkTakenOver(n)
}

// asked notes a client's operation and gives it its token.
func (t *witness) asked(o *op) {
	o.token = uint64(len(t.ops))
	o.since = t.moment
	t.ops = append(t.ops, o)
}

// opOf finds the client's operation that an entry stands for, by the tag that
// went with it, and checks that it is the same.
func (t *witness) opOf(e *wire.Entry) *op {
	token, ok := parseTag(e.Op.ContentType)
	if !ok || token >= uint64(len(t.ops)) {
		return nil
	}
	o := t.ops[token]
	if o.write.Kind != e.Op.Kind || o.write.Key != e.Op.Key || !bytes.Equal(o.write.Value, e.Op.Value) || o.node != e.ID.Node || o.boot != e.ID.Boot {
		return nil
	}
	return o
}

// observe notes that a client has seen a position: from now on no client may read
// less of this ballot, nor anything of those that it was built from.
func (t *witness) observe(h *history, index int) {
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

// opFor is the open operation of a token. Every operation ends once, and not
// after its client left.
func (t *witness) opFor(n *node, token ids.Token) *op {
	if token == 0 || uint64(token) >= uint64(len(t.ops)) {
		t.w.fail("answer", "node %d answers token %d, which nobody has", n.id, token)
		return nil
	}
	o := t.ops[token]
	if o.state == left && !o.gone {
		return nil
	}
	if o.state != open || o.node != n.id || o.bootCount != n.bootCount {
		t.w.fail("answer", "node %d answers %s again, or too late", n.id, o)
		return nil
	}
	return o
}

// answered checks a write's answer: it is committed, with this result.
func (t *witness) answered(o *op, r wire.Result) {
	if t.w.sched.garbled() {
		return
	}
	if o.plan.Kind.reads() {
		t.w.fail("answer", "%s was answered like a write", o)
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
		t.w.fail("durability", "%s was answered and is not committed", o)
	case len(seen) == 0:
		t.w.fail("result", "%s was answered %+v, its entry has %+v", o, r, o.places[0].result())
	case len(seen) == 1: // of two, nobody can tell which was meant
		t.observe(seen[0].h, seen[0].index)
	}
}

// answeredUnknown checks the answer "it took effect, I cannot say how", which is
// right only where a merge joined sides of which one had not got the operation, or
// had got it by itself.
func (t *witness) answeredUnknown(o *op) {
	t.w.counts.add("client", "answered unknown")
	if len(o.places) > 1 && len(t.merges) > 0 {
		return
	}
	for _, h := range t.merges {
		if len(o.places) == 0 || !h.states[0].ops.has(o.bit) {
			continue
		}
		for _, p := range h.base.Sides {
			if s := (side{t.histories[p.Ballot], int(p.Count)}); !s.state().ops.has(o.bit) {
				return
			}
		}
	}
	t.w.fail("result", "%s was answered unknown; no side of a merge lacks it", o)
}

// checkAcknowledged checks that every answered write is in a history.
func (t *witness) checkAcknowledged(h *history) {
	last := h.states[h.committed]
	for _, o := range t.took {
		if o.state == done && !last.ops.has(o.bit) {
			t.w.fail("durability", "%s was answered and is not in %s", o, name(h.ballot))
			return
		}
	}
}

func (t *witness) turnedAway(o *op) {
	if t.w.sched.garbled() {
		return
	}
	if len(o.places) > 0 {
		t.w.fail("503", "%s was refused and is in the log of %s", o, name(o.places[0].h.ballot))
	}
}

// read checks that a read is in the order of real time: not before what had been
// seen when it began, nor after what is committed.
func (t *witness) read(n *node, o *op, num uint64) {
	if t.w.sched.garbled() {
		return
	}
	h, at := t.histories[t.of(n).hist], t.of(n).index
	switch {
	case !o.plan.Kind.reads():
		t.w.fail("answer", "%s was answered like a read", o)
	case !t.memberInStep(n):
		t.w.fail("view", "node %d lets %s read and is in no view", n.id, o)
	case at < h.floorAt(o.since):
		t.w.fail("stale read", "%s saw (%s, %d); position %d had been seen when it began", o, name(h.ballot), at, h.floorAt(o.since))
	case h.superseded != 0 && h.superseded <= o.since:
		t.w.fail("stale read", "%s saw %s; a ballot built from it had been seen when it began", o, name(h.ballot))
	case at > h.committed || !h.active:
		t.w.fail("read", "%s saw (%s, %d), which is not committed", o, name(h.ballot), at)
	case num != h.states[at].next:
		t.w.fail("read", "%s was given number %d, the next is %d", o, num, h.states[at].next)
	}
	t.observe(h, at)
}
