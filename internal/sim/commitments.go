package sim

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// commitments are what one incarnation of a node has committed to: the writes that it
// made durable and the messages that it sent. Other nodes rely on these.
type commitments struct {
	n        *node
	inc      ids.Incarnation
	view     *wire.View
	promised ids.Ballot
	member   bool          // of view
	joined   ids.Ballot    // the last ballot that it sent a Join for
	hist     ids.Ballot    // what it has swapped in
	complete ids.View      // the view that this belongs to
	index    int           // entries of its log in the state
	ahead    []*wire.Entry // of a base that was swapped in and not applied yet
	fresh    bool          // it took a whole state over in this step
	staged   *core.Write   // the base that it may swap in
	pending  []pendingWrite
	before   stepState
	durable  map[ids.Ballot]uint64 // position in a ballot's log up to which it is durable
	bases    map[ids.Ballot]bool   // durably staged
}

// stepState is the promise of a node before its present step. Within a step a node may
// finish work for the old ballot and then promise the next one.
type stepState struct {
	promised ids.Ballot
	member   bool
}

func (o *commitments) beginStep() { o.before = stepState{o.promised, o.member} }

// pendingWrite is one that is not durable yet.
type pendingWrite struct {
	seq    uint64
	kind   core.WriteKind
	ballot ids.Ballot
	index  uint64
}

func makeCommitments(n *node) *commitments {
	return &commitments{n: n, inc: n.inc, durable: map[ids.Ballot]uint64{}, bases: map[ids.Ballot]bool{}}
}

func (o *commitments) hasStaged(b ids.Ballot) bool { return o.bases[b] }

// restarted continues the commitments in a new boot, from what the disk has kept.
func (o *commitments) restarted(f *recoveredState) {
	o.promised, o.hist, o.index = f.rec.Meta.Promised, f.rec.Ballot, 0
	o.ahead, o.fresh, o.pending = nil, false, nil
	o.complete = f.rec.Ballot.View
	o.view, o.member, o.staged = nil, false, nil
	if f.rec.Meta.Present {
		v := f.rec.Meta.View
		o.view, o.member = &v, v.Has(o.n.id)
	}
	if len(f.rec.Staged) > 0 {
		s := f.rec.Staged[0]
		o.staged = &core.Write{Kind: core.WriteStaged, Ballot: s.Ballot, Fresh: s.Fresh, Entries: s.Tail, Base: s.Base, Bound: s.Bound, Members: s.Members}
	}
	o.beginStep()
}

// wrote takes a write into account.
func (t *witness) wrote(n *node, x *core.Write) {
	o := t.of(n)
	p := pendingWrite{seq: x.Seq, kind: x.Kind, ballot: x.Ballot}
	switch x.Kind {
	case core.WriteMeta:
		t.promise(n, x.Meta)
	case core.WriteAppend:
		p.index = x.Entries[len(x.Entries)-1].Stamp.Index
		if x.Ballot != o.hist {
			t.w.fail("ancestry", "node %d appends to %s and stands in %s", n.id, name(x.Ballot), name(o.hist))
		}
		t.logged(n, x)
	case core.WriteStaged:
		kept := *x
		o.staged = &kept
		t.born(n, x)
	case core.WriteSwap:
		if o.staged == nil || o.staged.Ballot != x.Ballot || o.staged.Fresh != x.Fresh {
			t.w.fail("I10", "node %d swaps in a base of %s that is not whole", n.id, name(x.Ballot))
			return
		}
		if o.promised != x.Ballot {
			t.w.fail("I2", "node %d swaps in %s and has promised %s", n.id, name(x.Ballot), name(o.promised))
			return
		}
		t.swapped(n, o.staged)
		o.staged = nil
	}
	o.pending = append(o.pending, p)
}

// promise checks that promises and views only go up.
func (t *witness) promise(n *node, m *core.NodeMeta) {
	o := t.of(n)
	if m.Promised.Compare(o.promised) < 0 {
		t.w.fail("I2", "node %d promises %s after %s", n.id, name(m.Promised), name(o.promised))
	}
	if m.Inc != n.inc {
		t.w.fail("I9", "node %d keeps the incarnation %x, it has %x", n.id, m.Inc, n.inc)
	}
	if beyond := uint64(1 << 40); max(m.Promised.Round, m.Promised.View.Number) > beyond {
		t.w.fail("jump", "node %d promises %+v: no PUTs and no rounds come to that", n.id, m.Promised)
	}
	o.promised = m.Promised
	if !m.Present {
		return
	}
	if o.view == nil || o.view.ID != m.View.ID {
		t.adopted(n, &m.View)
	}
	v := m.View
	o.view, o.member = &v, v.Has(n.id)
}

// adopted counts how a node came to a view, and checks that the view is higher
// than the one before.
func (t *witness) adopted(n *node, v *wire.View) {
	o := t.of(n)
	if o.view != nil && v.ID.Compare(o.view.ID) <= 0 {
		t.w.fail("view", "node %d follows view %v after %v", n.id, v.ID, o.view.ID)
	}
	t.operator.viewMade(v)
	t.joinsCluster(n, o.view, v)
	switch {
	case v.ID.Author == n.id && v.ID.Boot == n.boot:
		t.w.counts.add("world", "view made here")
	case o.view == nil:
		t.w.counts.add("world", "view followed by a node without one")
	default:
		t.w.counts.add("world", "view followed")
	}
}

// durableUpTo is told what has become durable.
func (o *commitments) durableUpTo(seq uint64) {
	n := 0
	for n < len(o.pending) && o.pending[n].seq <= seq {
		switch p := o.pending[n]; p.kind {
		case core.WriteAppend:
			o.durable[p.ballot] = p.index
		case core.WriteStaged:
			o.bases[p.ballot] = true
		}
		n++
	}
	o.pending = append(o.pending[:0], o.pending[n:]...)
}

// sent holds a message against what its sender may say.
func (t *witness) sent(n *node, e *core.Envelope) {
	o := t.of(n)
	switch m := e.Message.(type) {
	case *wire.NewView:
		if !m.View.Has(e.To) {
			t.w.fail("I23", "node %d sends view %v to node %d, which is not in it", n.id, m.View.ID, e.To)
		}
	case *wire.JoinRequest:
		t.checkOwner(n, m.Ballot)
	case *wire.Start:
		t.checkOwner(n, m.Ballot)
	case *wire.Active:
		t.checkOwner(n, m.Ballot)
	case *wire.Prepare:
		t.checkOwner(n, m.Ballot)
		t.checkResent(n, m)
	case *wire.Join:
		o.joined = m.Ballot
		if h := &m.History; h.Ballot != o.hist && m.Ballot != o.hist {
			t.w.fail("I22", "node %d joins with %s and stands in %s", n.id, name(h.Ballot), name(o.hist))
		} else if o.durable[h.Ballot] < h.Length {
			t.w.fail("I22", "node %d joins with %d entries of %s, %d are durable", n.id, h.Length, name(h.Ballot), o.durable[h.Ballot])
		}
		for _, s := range m.Staged {
			if !o.bases[s.History.Ballot] {
				t.w.fail("I22", "node %d joins with a staged base of %s that is not durable", n.id, name(s.History.Ballot))
			}
		}
	case *wire.Started:
		t.checkBound(n, "has the base", m.Ballot)
		if !o.bases[m.Ballot] {
			t.w.fail("I4", "node %d says that it has the base of %s, which is not durable", n.id, name(m.Ballot))
		}
	case *wire.Ack:
		t.checkBound(n, "acknowledges", m.Ballot)
		if o.durable[m.Ballot] < m.Index {
			t.w.fail("I4", "node %d acknowledges (%s, %d), %d are durable", n.id, name(m.Ballot), m.Index, o.durable[m.Ballot])
		}
	case *wire.Confirmed:
		t.checkBound(n, "confirms", m.Ballot)
	}
}

// withdrawal is what a primary was told by a forwarder whose client has left.
type withdrawal struct {
	ballot ids.Ballot
	id     ids.Request
}

// cancelled notes that a primary was told that the clients of writes have left.
func (t *witness) cancelled(n *node, h wire.Header, m *wire.Cancel) {
	if own := t.owners[m.Ballot]; own.node != n.id || own.boot != n.boot {
		return
	}
	for _, c := range m.Counters {
		t.withdrawn[withdrawal{m.Ballot, ids.Request{Node: h.From, Boot: h.Boot, Counter: c}}] = true
	}
}

// checkResent checks that a primary does not re-send an entry whose client it knows to
// have left. An entry that is not committed at the first attempt must not be committed by
// a later attempt, perhaps long after.
func (t *witness) checkResent(n *node, m *wire.Prepare) {
	if t.w.sched.garbled() {
		return
	}
	h := t.histories[m.Ballot]
	for i := range m.Entries {
		e := &m.Entries[i]
		if h == nil || e.Stamp.Index > uint64(len(h.log)) {
			return // logging it fails
		}
		for len(h.sent) < int(e.Stamp.Index) {
			h.sent = append(h.sent, t.w.queue.popped)
		}
		if h.sent[e.Stamp.Index-1] == t.w.queue.popped {
			continue
		}
		o := t.opOf(e)
		own := o != nil && o.node == n.id && o.bootCount == n.bootCount && o.gone
		if own || t.withdrawn[withdrawal{m.Ballot, e.ID}] {
			t.w.fail("abandoned", "node %d sends %s again, whose client has left", n.id, describeEntry(e))
			return
		}
	}
}

// checkBound checks that a node says nothing for a ballot after it joined a later one
// (I2). It may have promised the later one already: what it says then was held
// back, and leaves before its Join, which reports it.
func (t *witness) checkBound(n *node, what string, b ids.Ballot) {
	if b.Compare(t.of(n).joined) < 0 {
		t.w.fail("I2", "node %d %s %s after it joined %s", n.id, what, name(b), name(t.of(n).joined))
	}
}

// checkOwner checks that one boot of one node sends as the primary of a ballot (I21).
func (t *witness) checkOwner(n *node, b ids.Ballot) {
	own, ok := t.owners[b]
	if !ok {
		t.owners[b] = owner{n.id, n.boot}
		return
	}
	if own.node != n.id || own.boot != n.boot {
		t.w.fail("I21", "%s belongs to node %d, boot %x, and to node %d, boot %x", name(b), own.node, own.boot, n.id, n.boot)
	}
}
