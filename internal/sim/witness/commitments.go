package witness

import (
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Commitments are what one incarnation of a node has committed to: the writes that it made
// durable and the messages that it sent. Other nodes rely on these, so a later message must
// not break them (I2, I4, I9).
type Commitments struct {
	n        *world.Node
	inc      ids.Incarnation
	view     *wire.View
	promised ids.Ballot            // the highest ballot that it has promised
	member   bool                  // it is a member of view
	joined   ids.Ballot            // the last ballot that it sent a Join for
	Hist     ids.Ballot            // the ballot whose base it has swapped in
	Complete ids.View              // the view of Hist
	Index    int                   // how many entries of its log the state contains
	ahead    []*wire.Entry         // entries of a base that was swapped in, not applied yet
	fresh    bool                  // it took over a whole state in this step
	staged   *wire.Write           // the base that it may swap in; nil: none
	pending  []pendingWrite        // writes that are not durable yet, in their order
	before   stepState             // as it was when the present step began
	durable  map[ids.Ballot]uint64 // by ballot: the position up to which its log is durable
	bases    map[ids.Ballot]bool   // the ballots whose base is staged durably
}

// stepState is the promise of a node before its present step. Within one step a node may
// finish work for the old ballot and then promise the next one.
type stepState struct {
	promised ids.Ballot
	member   bool
}

func (o *Commitments) beginStep() { o.before = stepState{o.promised, o.member} }

// pendingWrite is a write that is not durable yet.
type pendingWrite struct {
	seq    uint64
	kind   wire.WriteKind
	ballot ids.Ballot
	index  uint64
}

func makeCommitments(n *world.Node) *Commitments {
	return &Commitments{n: n, inc: n.Inc, durable: map[ids.Ballot]uint64{}, bases: map[ids.Ballot]bool{}}
}

// HasStaged reports whether a base of a ballot is staged durably.
func (o *Commitments) HasStaged(b ids.Ballot) bool { return o.bases[b] }

// restarted continues the commitments in a new boot, from what the disk has kept.
func (o *Commitments) restarted(f *world.RecoveredState) {
	o.promised, o.Hist, o.Index = f.Rec.Meta.Promised, f.Rec.Ballot, int(f.Rec.Commit)
	o.ahead, o.fresh, o.pending = nil, false, nil
	o.Complete = f.Rec.Ballot.View
	o.view, o.member, o.staged = nil, false, nil
	if f.Rec.Meta.Present {
		v := f.Rec.Meta.View
		o.view, o.member = &v, v.Has(o.n.ID)
	}
	if len(f.Rec.Staged) > 0 {
		s := f.Rec.Staged[0]
		o.staged = &wire.Write{Kind: wire.WriteStaged, Ballot: s.Ballot, Fresh: s.Fresh, Entries: s.Tail, Base: s.Base, Bound: s.Bound, Members: s.Members}
	}
	o.beginStep()
}

// wrote takes a write of a node into account.
func (t *Witness) wrote(n *world.Node, x *wire.Write) {
	o := t.Of(n)
	p := pendingWrite{seq: x.Seq, kind: x.Kind, ballot: x.Ballot}
	switch x.Kind {
	case wire.WriteMeta:
		t.promise(n, x.Meta)
	case wire.WriteAppend:
		p.index = x.Entries[len(x.Entries)-1].Stamp.Index
		if x.Ballot != o.Hist {
			t.w.Fail("ancestry", "node %d appends to %s and stands in %s", n.ID, trace.Name(x.Ballot), trace.Name(o.Hist))
		}
		t.logged(n, x)
	case wire.WriteStaged:
		kept := *x
		o.staged = &kept
		t.born(n, x)
	case wire.WriteSwap:
		if o.staged == nil || o.staged.Ballot != x.Ballot || o.staged.Fresh != x.Fresh {
			t.w.Fail("I10", "node %d swaps in a base of %s that is not whole", n.ID, trace.Name(x.Ballot))
			return
		}
		if o.promised != x.Ballot {
			t.w.Fail("I2", "node %d swaps in %s and has promised %s", n.ID, trace.Name(x.Ballot), trace.Name(o.promised))
			return
		}
		t.swapped(n, o.staged)
		o.staged = nil
	}
	o.pending = append(o.pending, p)
}

// promise checks that promised ballots and views only increase (I2).
func (t *Witness) promise(n *world.Node, m *wire.NodeMeta) {
	o := t.Of(n)
	if m.Promised.Compare(o.promised) < 0 {
		t.w.Fail("I2", "node %d promises %s after %s", n.ID, trace.Name(m.Promised), trace.Name(o.promised))
	}
	if m.Inc != n.Inc {
		t.w.Fail("I9", "node %d keeps the incarnation %x, it has %x", n.ID, m.Inc, n.Inc)
	}
	if beyond := uint64(1 << 40); max(m.Promised.Round, m.Promised.View.Number) > beyond {
		t.w.Fail("jump", "node %d promises %+v: no PUTs and no rounds come to that", n.ID, m.Promised)
	}
	o.promised = m.Promised
	if !m.Present {
		return
	}
	if o.view == nil || o.view.ID != m.View.ID {
		t.adopted(n, &m.View)
	}
	v := m.View
	o.view, o.member = &v, v.Has(n.ID)
}

// adopted counts how a node came to a view, and checks that the view is higher than the one
// before.
func (t *Witness) adopted(n *world.Node, v *wire.View) {
	o := t.Of(n)
	if o.view != nil && v.ID.Compare(o.view.ID) <= 0 {
		t.w.Fail("view", "node %d follows view %v after %v", n.ID, v.ID, o.view.ID)
	}
	t.Operator.ViewMade(v)
	t.joinsCluster(n, o.view, v)
	switch {
	case v.ID.Author == n.ID && v.ID.Boot == n.Boot:
		t.w.Counts.Add("world", "view made here")
	case o.view == nil:
		t.w.Counts.Add("world", "view followed by a node without one")
	default:
		t.w.Counts.Add("world", "view followed")
	}
}

// durableUpTo records that all writes up to number seq are durable.
func (o *Commitments) durableUpTo(seq uint64) {
	n := 0
	for n < len(o.pending) && o.pending[n].seq <= seq {
		switch p := o.pending[n]; p.kind {
		case wire.WriteAppend:
			o.durable[p.ballot] = p.index
		case wire.WriteStaged:
			o.bases[p.ballot] = true
		}
		n++
	}
	o.pending = append(o.pending[:0], o.pending[n:]...)
}

// sent checks a message against the commitments of its sender.
func (t *Witness) sent(n *world.Node, e *core.Envelope) {
	o := t.Of(n)
	switch m := e.Message.(type) {
	case *wire.NewView:
		if !m.View.Has(e.To) {
			t.w.Fail("I23", "node %d sends view %v to node %d, which is not in it", n.ID, m.View.ID, e.To)
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
		if h := &m.History; h.Ballot != o.Hist && m.Ballot != o.Hist {
			t.w.Fail("I22", "node %d joins with %s and stands in %s", n.ID, trace.Name(h.Ballot), trace.Name(o.Hist))
		} else if o.durable[h.Ballot] < h.Length {
			t.w.Fail("I22", "node %d joins with %d entries of %s, %d are durable", n.ID, h.Length, trace.Name(h.Ballot), o.durable[h.Ballot])
		}
		for _, s := range m.Staged {
			if !o.bases[s.History.Ballot] {
				t.w.Fail("I22", "node %d joins with a staged base of %s that is not durable", n.ID, trace.Name(s.History.Ballot))
			}
		}
	case *wire.Started:
		t.checkBound(n, "has the base", m.Ballot)
		if !o.bases[m.Ballot] {
			t.w.Fail("I4", "node %d says that it has the base of %s, which is not durable", n.ID, trace.Name(m.Ballot))
		}
	case *wire.Ack:
		t.checkBound(n, "acknowledges", m.Ballot)
		if o.durable[m.Ballot] < m.Index {
			t.w.Fail("I4", "node %d acknowledges (%s, %d), %d are durable", n.ID, trace.Name(m.Ballot), m.Index, o.durable[m.Ballot])
		}
	case *wire.Confirmed:
		t.checkBound(n, "confirms", m.Ballot)
	}
}

// withdrawal names a write whose client has left, as a forwarder told a primary.
type withdrawal struct {
	ballot ids.Ballot
	id     ids.Request
}

// cancelled records that a primary was told that the clients of writes have left.
func (t *Witness) cancelled(n *world.Node, h wire.Header, m *wire.Cancel) {
	if own := t.owners[m.Ballot]; own.node != n.ID || own.boot != n.Boot {
		return
	}
	for _, c := range m.Counters {
		t.withdrawn[withdrawal{m.Ballot, ids.Request{Node: h.From, Boot: h.Boot, Counter: c}}] = true
	}
}

// checkResent checks that a primary does not re-send an entry whose client is known to have
// left. If the first attempt did not commit the entry, no later attempt may, perhaps long
// after.
func (t *Witness) checkResent(n *world.Node, m *wire.Prepare) {
	if t.w.Sched.Garbled() {
		return
	}
	h := t.Histories[m.Ballot]
	for i := range m.Entries {
		e := &m.Entries[i]
		if h == nil || e.Stamp.Index > uint64(len(h.log)) {
			return // then the entry is not logged
		}
		for len(h.sent) < int(e.Stamp.Index) {
			h.sent = append(h.sent, t.w.Queue.Popped)
		}
		if h.sent[e.Stamp.Index-1] == t.w.Queue.Popped {
			continue
		}
		o := t.opOf(e)
		own := o != nil && o.Node == n.ID && o.BootCount == n.BootCount && o.gone
		if own || t.withdrawn[withdrawal{m.Ballot, e.ID}] {
			t.w.Fail("abandoned", "node %d sends %s again, whose client has left", n.ID, trace.DescribeEntry(e))
			return
		}
	}
}

// checkBound checks that a node sends nothing for a ballot after its Join for a later one
// (I2). The node may have promised the later ballot already: messages that were held back
// leave before the Join, which reports them.
func (t *Witness) checkBound(n *world.Node, what string, b ids.Ballot) {
	if b.Compare(t.Of(n).joined) < 0 {
		t.w.Fail("I2", "node %d %s %s after it joined %s", n.ID, what, trace.Name(b), trace.Name(t.Of(n).joined))
	}
}

// checkOwner checks that only one boot of one node sends as the primary of a ballot (I21).
func (t *Witness) checkOwner(n *world.Node, b ids.Ballot) {
	own, ok := t.owners[b]
	if !ok {
		t.owners[b] = owner{n.ID, n.Boot}
		return
	}
	if own.node != n.ID || own.boot != n.Boot {
		t.w.Fail("I21", "%s belongs to node %d, boot %x, and to node %d, boot %x", trace.Name(b), own.node, own.boot, n.ID, n.Boot)
	}
}
