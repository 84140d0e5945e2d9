package view

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// stage says what an open PUT /view does at present.
type stage uint8

const (
	querying   stage = iota + 1 // asking the members what they hold
	announcing                  // made a view here, and sends it to the members until the PUT is answered
	waiting                     // the list is in force already; waiting until the node is ready
)

// put is one PUT /view from its arrival to its answer (docs/views.md §2). It is kept in memory
// only: a node that dies forgets its PUTs.
type put struct {
	id              uint64
	token           ids.Token
	layout          wire.Layout // canonical
	force           bool
	dryRun          bool         // the PUT ends after the query, and changes nothing
	limit           wire.Instant // bound on the time to the answer
	member          bool         // layout lists this node
	stage           stage
	begun           wire.Instant
	resend          wire.Instant  // when the query or the view is sent again
	pause           wire.Instant  // between the last two times that the view was sent
	peers           []putPeer     // the members of layout without this node, ascending by id
	heard           int           // number of members that answered the query
	view            *wire.View    // the view that this PUT made or found in force; nil while querying
	made            bool          // the PUT sends view to its members: it made or renewed it
	newIDs          int           // ids made for this PUT, at most maxNewIDs
	firstOfCluster  bool          // with made: this node was of no cluster, and view began one (docs/views.md §2.1)
	loss            *core.Loss    // data that no member of the list has; nil: none is known
	twinAt          ids.Node      // with twin
	twin            bool          // the member twinAt says that this node's id belongs to another process
	covered         bool          // at a node outside layout: the primary's active base contains this node's ballot
	primaryProgress uint64        // at a node outside layout: the primary's progress, as it said last
	higher          wire.Ancestor // at a node outside layout: a higher view of the same list that a member holds; zero: none

	lastProgress uint64       // sum of all progress at progressAt
	progressAt   wire.Instant // when the progress last changed
}

// putPeer is what a PUT has learned of one member.
type putPeer struct {
	id       ids.Node
	inc      ids.Incarnation
	r        *wire.QueryReply // the member's answer to the query; nil: none has come
	accepted bool             // the member holds the view of the PUT
	foreign  bool             // the member is of another cluster, and does not follow
}

// peer returns what is known of a member; nil: this node, or no member.
func (p *put) peer(id ids.Node) *putPeer {
	i, ok := slices.BinarySearchFunc(p.peers, id, func(m putPeer, id ids.Node) int { return cmp.Compare(m.id, id) })
	if !ok {
		return nil
	}
	return &p.peers[i]
}

// answers yields the members that have answered the query, ascending by id.
func (p *put) answers(yield func(*putPeer) bool) {
	for i := range p.peers {
		if a := &p.peers[i]; a.r != nil && !yield(a) {
			return
		}
	}
}

// unaccepted forgets which members hold the view, because the view has a new id.
func (p *put) unaccepted() {
	for i := range p.peers {
		p.peers[i].accepted = false
	}
}

// Put starts an operator's PUT /view. The machine answers it with one Reply within putLimit.
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

// putEmptyList takes this node, and no other, out of its view. The PUT is answered at once.
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

// OnQueryReply records what a member holds. Answers to probes have no PUT.
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

// conclude ends the query when all members have answered or the time is up. It decides whether
// the list is in force already, or needs a new view.
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

// idTaken reports whether another process is the node of this id in the list of a PUT
// (docs/views.md §3.5, rules 3 and 5). Only the answer of a member whose view has the id at the
// list's address counts. Either that member hears the other process, or its view replaces this
// node's view. A view that does not replace it may come from an earlier boot of this node.
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

// renew counts the renewals of the view in force up, and sends the view to all its members. A
// view whose author knew of fewer renewals may not be followed any more. Without the count, the
// view of an old list could take over. Its author was cut off when the operator came back to
// the present list, and is heard again later (docs/decisions/0002-putting-a-view-again-renews-it.md).
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

// inForce returns the view under which the list of a PUT is in force already, or soon will be;
// nil: the list needs a new view (docs/views.md §2, rule 2). It is the highest view with this
// list that a node holds, if each node that answered holds it or may follow it.
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

// inForceOutside is inForce at a node that the list does not name. All members must have
// answered with this list, and one of them must have this node's data.
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

// highest returns the view with the list of a PUT that has the highest id, among those held
// here and by the members that answered; nil: none has this list.
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

// follows reports whether a node that answered holds v, or may follow v over the bus. It is
// mayFollow as the author sees it.
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
