package view

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// stage of an open PUT /view.
type stage uint8

const (
	querying   stage = iota + 1 // asking the members what they hold
	announcing                  // spreading a view that was made here
	waiting                     // for readiness
)

// put is one PUT /view from its arrival to its answer (docs/views.md §2).
type put struct {
	id              uint64
	token           ids.Token
	layout          wire.Layout
	force           bool
	dryRun          bool         // the PUT only reports; it changes nothing
	limit           wire.Instant // how long it may take
	member          bool         // this node is in the layout
	stage           stage
	begun           wire.Instant
	resend          wire.Instant
	pause           wire.Instant // between the last two times that the view was sent
	peers           []putPeer    // the members but for this node, by id
	heard           int          // of them, have answered
	view            *wire.View   // that this PUT stands for
	made            bool         // view was made here and must be sent
	newIDs          int
	firstOfCluster  bool       // made: this node was of no cluster, and the view is the first of one
	loss            *core.Loss // that the view makes final, as far as is known
	twinAt          ids.Node
	twin            bool          // twinAt says that this node's id belongs to another process
	covered         bool          // outside: the view's primary has our data
	primaryProgress uint64        // outside: the primary's progress
	higher          wire.Ancestor // outside: the view of the same list that stands instead

	lastProgress uint64 // progress last seen
	progressAt   wire.Instant
}

// putPeer is a member as far as a PUT has heard of it.
type putPeer struct {
	id       ids.Node
	inc      ids.Incarnation
	r        *wire.QueryReply // what it holds; nil: it has not answered
	accepted bool             // it holds the view of the PUT
	foreign  bool             // it belongs to another cluster, and does not follow
}

// peer is what is known of a member; nil for this node and for nodes that are no members.
func (p *put) peer(id ids.Node) *putPeer {
	i, ok := slices.BinarySearchFunc(p.peers, id, func(m putPeer, id ids.Node) int { return cmp.Compare(m.id, id) })
	if !ok {
		return nil
	}
	return &p.peers[i]
}

// answers yields the members that have answered, by id.
func (p *put) answers(yield func(*putPeer) bool) {
	for i := range p.peers {
		if a := &p.peers[i]; a.r != nil && !yield(a) {
			return
		}
	}
}

// unaccepted forgets which members hold the view, because it has a new id.
func (p *put) unaccepted() {
	for i := range p.peers {
		p.peers[i].accepted = false
	}
}

// Put starts an operator's PUT /view.
func (mgr *Manager) Put(in *core.PutView) {
	mgr.nextPut++
	p := &put{
		id: mgr.nextPut, token: in.Token, layout: in.Layout, force: in.Force, dryRun: in.Check, limit: putLimit,
		stage: querying, begun: mgr.now, progressAt: mgr.now,
	}
	if in.Limit > 0 {
		p.limit = min(p.limit, in.Limit)
	}
	for _, m := range in.Layout.Members() {
		if m.ID == mgr.self {
			p.member = true
		} else {
			p.peers = append(p.peers, putPeer{id: m.ID})
		}
	}
	mgr.puts = append(mgr.puts, p)
	mgr.reach()
	if len(p.peers) == 0 && !p.member {
		mgr.putEmptyList(p)
		return
	}
	if mutant.On(mutant.SameListUnasked) && mgr.view != nil && mgr.view.Layout.Equal(p.layout) {
		p.view, p.stage = mgr.view, waiting
		mgr.check(p)
		return
	}
	mgr.ask(p)
	mgr.conclude(p)
}

// putEmptyList takes this node, and no other, out of its view.
func (mgr *Manager) putEmptyList(p *put) {
	if p.dryRun {
		mgr.finish(p, core.ViewChecked)
		return
	}
	p.view = mgr.makeView(p)
	mgr.adopt(p.view)
	mgr.finish(p, core.ViewServed)
}

// ask sends the query to the members that have not answered it.
func (mgr *Manager) ask(p *put) {
	p.resend = mgr.now + queryResend
	query := &wire.Query{PutID: p.id, Ballot: mgr.local.Ballot()} // one for all: it is encoded once
	for i := range p.peers {
		if p.peers[i].r == nil {
			mgr.box.Ask(p.peers[i].id, query)
		}
	}
}

// OnQueryReply notes what a member holds.
func (mgr *Manager) OnQueryReply(h wire.Header, m *wire.QueryReply) {
	if m.PutID == 0 {
		mgr.onProbeReply(h, m)
		return
	}
	p := mgr.findPut(m.PutID)
	if p == nil || p.stage != querying {
		return
	}
	if a := p.peer(h.From); a != nil && a.r == nil && mgr.credible(m) {
		a.inc, a.r = h.Inc, m
		p.heard++
		mgr.conclude(p)
	}
}

func (mgr *Manager) findPut(id uint64) *put {
	for _, p := range mgr.puts {
		if p.id == id {
			return p
		}
	}
	return nil
}

// conclude decides, when all have answered or the time is up, whether the list
// is in force already or needs a new id.
func (mgr *Manager) conclude(p *put) {
	if p.heard < len(p.peers) && mgr.now-p.begun < querySilence {
		return
	}
	if mgr.idTaken(p) {
		mgr.yieldID(p.twinAt, p.peer(p.twinAt).r.View.ID)
		mgr.finish(p, core.ViewUnready)
		return
	}
	v := mgr.inForce(p)
	if v == nil {
		p.loss = mgr.lossOf(p)
	}
	if p.dryRun {
		mgr.partByCluster(p)
		mgr.finish(p, core.ViewChecked)
		return
	}
	if v != nil {
		v = mgr.withBirths(v)
		mgr.box.Event(core.Event{Kind: EventSame, View: v.ID})
		p.view, p.stage = v, waiting
		if mgr.viewID() != v.ID {
			mgr.adopt(v)
		}
		mgr.renew(p)
	} else {
		mgr.announce(p)
	}
	mgr.check(p)
}

// idTaken reports whether another process is the node of this id in the list of a PUT. A
// member says so if its view has the id at the address of the list, and the member hears
// that process or its view replaces this node's. A view that does not replace this node's
// may come from an earlier boot of this node.
func (mgr *Manager) idTaken(p *put) bool {
	if mgr.view == nil || !p.member {
		return false
	}
	mine, _ := p.layout.Find(mgr.self)
	for a := range p.answers {
		if theirs, listed := a.r.View.Layout.Find(mgr.self); !listed || theirs != mine {
			continue // the list takes the id away from the process that is heard there
		}
		moved := mgr.otherAddress(&a.r.View) && a.r.View.Descends(mgr.view.ID) && a.r.View.SawAnother(mgr.self, mgr.inc)
		if mgr.twinSaid(a.r) || moved {
			p.twin, p.twinAt = true, a.id
			return true
		}
	}
	return false
}

// renew confirms a view that is in force, at all its members: no view that was
// made in knowledge of less may be followed from it any more. Otherwise the view
// of an old list, whose author was cut off when the operator came back to this
// one, would take over when it is heard again.
func (mgr *Manager) renew(p *put) {
	for a := range p.answers {
		if a.r.Present && a.r.View.ID == mgr.view.ID {
			mgr.view.Renewed = max(mgr.view.Renewed, a.r.View.Renewed)
		}
	}
	mgr.view.Renewed++
	mgr.endLeftBehind()
	mgr.local.Keep()
	mgr.local.Refresh()
	p.view, p.made = mgr.view, true
	mgr.sendView(p)
}

// inForce returns the view under which this list is in force already, or soon will be: the
// highest view with this list that a node holds, if all nodes that answered hold it or
// will follow it. If it returns nil, the list needs a new view.
func (mgr *Manager) inForce(p *put) *wire.View {
	if p.force || mutant.On(mutant.AlwaysNewView) {
		return nil
	}
	best := mgr.highest(p)
	if best == nil {
		return nil
	}
	if !p.member {
		return mgr.inForceOutside(p, best)
	}
	if mgr.viewID() != best.ID && !mgr.mayFollow(best) {
		return nil
	}
	for a := range p.answers {
		if !follows(best, a) && mgr.related(p, a, best.Births) {
			return nil
		}
	}
	return best
}

// inForceOutside does the same for a node that the list does not name. All members must
// have answered with this list, and one of them must have this node's data.
func (mgr *Manager) inForceOutside(p *put, best *wire.View) *wire.View {
	knows := mgr.noHistory()
	for a := range p.answers {
		if !a.r.Present || !a.r.View.Layout.Equal(p.layout) {
			return nil
		}
		knows = knows || a.r.Knows
	}
	if p.heard < len(p.peers) || !knows || best.ID.Compare(mgr.viewID()) < 0 {
		return nil // a promise never goes back, not even outside (I2)
	}
	return best
}

// highest is the view with the list of a PUT that has the highest id, of those
// held here and by the nodes that answered.
func (mgr *Manager) highest(p *put) *wire.View {
	var best *wire.View
	if mgr.view != nil && mgr.view.Layout.Equal(p.layout) {
		best = mgr.view
	}
	for a := range p.answers {
		same := a.r.Present && a.r.View.Layout.Equal(p.layout)
		if same && (best == nil || a.r.View.ID.Compare(best.ID) > 0) {
			best = &a.r.View
		}
	}
	return best
}

// follows reports whether a node that answered holds v, or may follow it over
// the bus (mayFollow, seen from outside).
func follows(v *wire.View, a *putPeer) bool {
	if !a.r.Present {
		return v.SawIncarnation(a.id, a.inc)
	}
	held := &a.r.View
	if held.ID == v.ID {
		return true
	}
	same := held.Layout.Equal(v.Layout) && !v.SawAnother(a.id, a.inc)
	return held.ID.Compare(v.ID) < 0 && (same || v.Replaces(held) && wire.Kin(v.Births, held.Births))
}

func (mgr *Manager) noHistory() bool { return mgr.local.Ballot().IsZero() }
