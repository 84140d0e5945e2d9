// Package view is how a node comes to its view: what an operator's PUT /view
// does, which views may be followed over the bus, which members are alive, and when a
// node is ready. One view serves both models. docs/views.md is the protocol.
//
// A Manager is a pure core and belongs to one machine. It decides that a view is
// adopted; the models are told through Local.
package view

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Local is the rest of the node, as far as views are concerned.
type Local interface {
	// Ballot is that of the strong history, BallotMembers took part in it.
	Ballot() ids.Ballot
	BallotMembers() []wire.Member
	// Knows reports whether the strong history contains that of a ballot.
	Knows(ids.Ballot) bool
	// Adopt makes a view the node's view, durably; Keep does so again after the
	// view was renewed.
	Adopt(*wire.View)
	Keep()
	// Refresh is called where the view was put again: before that PUT is answered,
	// this node looks once more whether it lacks anything.
	Refresh()
	// PullTargets are nodes outside the view that a round wants to reach.
	PullTargets() []wire.Member
	// Serving reports whether the node is ready to serve its view; Progress
	// grows whenever it gets nearer to that.
	Serving() bool
	Progress() uint64
	// HasActiveBase reports whether the base that Knows speaks of is active.
	HasActiveBase() bool
	// Holding reports that slots of causal buckets are held here; Data that there is, or
	// was, data of either model in this boot.
	Holding() bool
	Data() bool
	// HandedOver reports, at a node outside its view, that its causal data has come
	// to the owners, and whether that is all a PUT waits for.
	HandedOver() (causal, only bool)
}

// Times of the protocol.
const (
	helloEvery       = 100 * wire.Millisecond
	helloToCrowd     = 200 * wire.Millisecond // to more than crowd others
	farRounds        = 4                      // of such hellos, of which a member that is far hears one
	helloBehind      = 1 * wire.Second        // of a node that was left behind or is outside its view: it serves no requests
	querySilence     = 300 * wire.Millisecond
	queryResend      = 50 * wire.Millisecond
	announceAgain    = 250 * wire.Millisecond // before the first re-send of a new view; twice that before the next
	maxAnnouncePause = 1 * wire.Second
	putStalled       = 3 * wire.Second
	putLimit         = 8 * wire.Second
	putForeign       = 500 * wire.Millisecond // that a PUT waits for members of other clusters, which may be told next
	probeSilence     = 500 * wire.Millisecond // after which a silent member is asked what it holds
	farSilence       = farRounds * helloToCrowd * 5 / 2
	passOnEvery      = 500 * wire.Millisecond
)

// crowd is to how many others a node says Hello at the full rate.
const crowd = 8

// Config identifies a manager.
type Config struct {
	Self    ids.Node
	Inc     ids.Incarnation
	Boot    ids.Boot
	Expects bool // the node is to have data
	Crowd   int  // of more than so many others some are far; zero: 8
}

// maxAncestors bounds how many replaced views a view remembers. A node that
// returns from further back refuses, and the author of an open PUT learns of it.
const maxAncestors = 1000

// maxNewIDs is how many new ids one PUT may make because members refused its view.
const maxNewIDs = 4

// Manager holds a node's view and the PUTs that are open here.
type Manager struct {
	self  ids.Node
	inc   ids.Incarnation
	boot  ids.Boot
	box   *core.Outbox
	local Local
	now   wire.Instant

	view          *wire.View  // nil: none
	at            wire.Member // where this node was last said to be
	heard         []peer      // members of view, by id
	leftBehind    bool
	outside       bool // of the view that is held
	puts          []*put
	nextPut       uint64
	helloAt       wire.Instant
	round         int          // of hellos in this view
	crowd         int          // Config.Crowd
	expects       bool         // Config.Expects
	dataHeardIn   ids.View     // the highest view in which another node had data while this node held none
	undialAtTick  bool         // the peers of a finished dry run stay dialled until the next tick
	highestNumber uint64       // highest view number ever held or made here
	heldAt        wire.Instant // when the view was adopted
	unheard       []core.ShardWait
	changed       bool // view or what concerns it changed since Changed was asked

	// What deliberate bugs need (mutant): where each node was first said to be, and
	// the members of the view before.
	first, dropped []wire.Member
}

// peer is what hellos told of one member of the view.
type peer struct {
	id       ids.Node
	at       wire.Instant // of the last hello in this view
	ever     bool
	inc      ids.Incarnation // that said it
	progress uint64
	far      bool // it hears few hellos, and says few
	probed   wire.Instant
	passed   wire.Instant // when this node's view was last passed on to it
}

// New returns a manager with no view, or with the one that it recovered.
func New(cfg Config, box *core.Outbox, rec *core.Recovered) *Manager {
	k := &Manager{
		self: cfg.Self, inc: cfg.Inc, boot: cfg.Boot, crowd: cfg.Crowd, expects: cfg.Expects,
		box: box, nextPut: uint64(cfg.Boot) >> 1,
	}
	if k.crowd <= 0 {
		k.crowd = crowd
	}
	if rec == nil {
		return k
	}
	if i := slices.IndexFunc(rec.Members, func(m wire.Member) bool { return m.ID == k.self }); i >= 0 {
		k.at = rec.Members[i]
	}
	if rec.Meta.Present {
		v := rec.Meta.View
		k.hold(&v)
	}
	return k
}

// Use connects the manager with the rest of its node.
func (mgr *Manager) Use(local Local) { mgr.local = local }

// SetNow tells the time, before anything else in a Step.
func (mgr *Manager) SetNow(now wire.Instant) { mgr.now = now }

// Now is the instant of the present Step.
func (mgr *Manager) Now() wire.Instant { return mgr.now }

// Recovered is called once, first, by a machine that starts with its state.
func (mgr *Manager) Recovered() { mgr.reach() }

// View is the view in force; nil when there is none.
func (mgr *Manager) View() *wire.View { return mgr.view }

// LeftBehind reports that a member of the view went on without this node.
func (mgr *Manager) LeftBehind() bool { return mgr.leftBehind }

// Heard is when the last hello of a member in this view arrived.
func (mgr *Manager) Heard(id ids.Node) (wire.Instant, bool) {
	if p := mgr.peer(id); p != nil && p.ever {
		return p.at, true
	}
	return 0, false
}

// Silence is how long a member of the view may say nothing before it counts as silent.
func (mgr *Manager) Silence(id ids.Node) wire.Instant {
	if p := mgr.peer(id); p != nil {
		return p.silence()
	}
	return probeSilence
}

func (p *peer) silence() wire.Instant {
	if p.far {
		return farSilence
	}
	return probeSilence
}

// Changed reports, once, that the view or its standing changed.
func (mgr *Manager) Changed() bool {
	c := mgr.changed
	mgr.changed = false
	return c
}

// Busy reports that a PUT is open.
func (mgr *Manager) Busy() bool { return len(mgr.puts) > 0 || mgr.undialAtTick }

func (mgr *Manager) peer(id ids.Node) *peer {
	for i := range mgr.heard {
		if mgr.heard[i].id == id {
			return &mgr.heard[i]
		}
	}
	return nil
}

// hold replaces the view.
func (mgr *Manager) hold(v *wire.View) {
	mgr.view = v
	mgr.highestNumber = max(mgr.highestNumber, v.ID.Number)
	mgr.leftBehind = false
	mgr.changed = true
	mgr.outside = !v.Has(mgr.self)
	mgr.heard = mgr.heard[:0]
	for _, m := range v.Layout.Members() {
		if m.ID == mgr.self {
			mgr.at = m
		} else {
			mgr.heard = append(mgr.heard, peer{id: m.ID, probed: mgr.now})
		}
	}
	mgr.markFar()
	mgr.helloAt, mgr.heldAt, mgr.round = mgr.now, mgr.now, 0
}

// markFar marks the members that are far: in a view above the crowd limit, those that
// share no shard with this node. The primary orders the strong buckets, so it is far from
// no member.
func (mgr *Manager) markFar() {
	primary, _ := mgr.view.Primary()
	if len(mgr.heard) <= mgr.crowd || mgr.self == primary {
		return
	}
	near := map[ids.Node]bool{primary: true}
	for _, s := range mgr.view.Layout.Shards {
		if slices.ContainsFunc(s.Members, func(m wire.Member) bool { return m.ID == mgr.self }) {
			for _, m := range s.Members {
				near[m.ID] = true
			}
		}
	}
	for i := range mgr.heard {
		mgr.heard[i].far = !near[mgr.heard[i].id]
	}
}

// adopt makes v the view in force. The caller has decided that it may be.
func (mgr *Manager) adopt(v *wire.View) {
	sameMembers := mgr.view != nil && mgr.view.Layout.Equal(v.Layout)
	mgr.hold(v)
	mgr.reach()
	mgr.local.Adopt(v)
	mgr.box.Event(core.Event{Kind: EventAdopted, View: v.ID})
	if !sameMembers {
		mgr.finishOvertaken(v)
	}
}

// Reach tells the bus again which nodes it may dial.
func (mgr *Manager) Reach() { mgr.reach() }

// reach tells the bus which nodes it may dial: the members and sources of the view, the
// members of open PUTs, and the pull targets of a round. An address that no view named is
// never dialled. The newest address of each node counts.
func (mgr *Manager) reach() {
	var all []wire.Member
	known := map[ids.Node]bool{mgr.self: true}
	add := func(ms []wire.Member) {
		for _, m := range ms {
			if !known[m.ID] {
				known[m.ID] = true
				all = append(all, m)
			}
		}
	}
	for i := len(mgr.puts) - 1; i >= 0; i-- {
		add(mgr.puts[i].layout.Members())
	}
	if mgr.view != nil {
		add(mgr.view.Layout.Members())
		add(mgr.view.Sources)
		add(mgr.local.PullTargets())
	}
	if mutant.On(mutant.SendViewToDropped) {
		add(mgr.dropped)
	}
	if mutant.On(mutant.KeepOldAddress) {
		all = mgr.asFirstNamed(all)
	}
	mgr.box.Peers(all)
}

// asFirstNamed is what the mutant KeepOldAddress makes of a list.
func (mgr *Manager) asFirstNamed(all []wire.Member) []wire.Member {
	for i, m := range all {
		if j := slices.IndexFunc(mgr.first, func(o wire.Member) bool { return o.ID == m.ID }); j >= 0 {
			all[i] = mgr.first[j]
		} else {
			mgr.first = append(mgr.first, m)
		}
	}
	return all
}

// OnQuery says what this node holds: at any time, in any view and in none.
func (mgr *Manager) OnQuery(h wire.Header, replyTo ids.ReplyTo, m *wire.Query) {
	reply := &wire.QueryReply{
		PutID: m.PutID, Ballot: mgr.local.Ballot(), Members: mgr.local.BallotMembers(), Knows: mgr.local.Knows(m.Ballot),
		Data: mgr.local.Data(), Expects: mgr.expects,
	}
	if !reply.Data {
		reply.Heard = mgr.dataHeardIn
	}
	if mgr.view != nil {
		reply.Present, reply.View = true, *mgr.view
		if p := mgr.peer(h.From); p != nil {
			reply.Twin = mgr.twin(p, h)
		}
	}
	mgr.box.PostAfter(mgr.box.LastWrite(), core.Envelope{To: h.From, Answer: replyTo, Message: reply})
}

// OnBaseCheck answers a node outside the view: its data is in the active base.
func (mgr *Manager) OnBaseCheck(h wire.Header, replyTo ids.ReplyTo, m *wire.BaseCheck) {
	serving := mgr.local.HasActiveBase() && mgr.viewID().Compare(h.View) >= 0
	mgr.box.Post(core.Envelope{To: h.From, Answer: replyTo, Message: &wire.BaseCheckReply{
		PutID: m.PutID, Contained: serving && mgr.local.Knows(m.Ballot), Serving: serving, Progress: mgr.local.Progress(),
	}})
}

func (mgr *Manager) viewID() ids.View {
	if mgr.view == nil {
		return ids.View{}
	}
	return mgr.view.ID
}

// recordSighting records a sighting in place of an older one of the same node. It does not
// write to the old list, which may be on its way to a disk.
func recordSighting(v *wire.View, s wire.Sighting) {
	v.Saw = slices.Clone(v.Saw)
	if i := sightingIndex(v, s.Node); i >= 0 {
		v.Saw[i] = s
	} else {
		v.Saw = append(v.Saw, s)
	}
}

// recordLaterSighting records a sighting after the view was created. If the node reports
// no view, it is recorded as having held this view, unless the author heard this
// incarnation at creation: an earlier incarnation, unknown to the author, may have held
// this view and its data.
func recordLaterSighting(v *wire.View, s wire.Sighting) {
	if s.View.IsZero() {
		s.View = v.ID
		if i := sightingIndex(v, s.Node); i >= 0 && v.Saw[i].Inc == s.Inc {
			s.View = v.Saw[i].View
		}
	}
	recordSighting(v, s)
}

func sightingIndex(v *wire.View, node ids.Node) int {
	return slices.IndexFunc(v.Saw, func(o wire.Sighting) bool { return o.Node == node })
}

// addAncestor records that v was made in knowledge of a view that a node holds.
func addAncestor(v *wire.View, held ids.View, renewed uint64) {
	if !held.IsZero() && held != v.ID {
		v.Ancestors = mergeAncestors(v.Ancestors, []wire.Ancestor{{View: held, Renewed: renewed}})
	}
}

// mergeAncestors is the union of two ascending lists, the highest maxAncestors of
// it; of one view the larger renewal counts.
func mergeAncestors(a, b []wire.Ancestor) []wire.Ancestor {
	if len(b) == 0 || slices.Equal(a, b) {
		return a
	}
	out := append(slices.Clone(a), b...)
	slices.SortFunc(out, func(x, y wire.Ancestor) int {
		return cmp.Or(x.View.Compare(y.View), cmp.Compare(y.Renewed, x.Renewed))
	})
	out = slices.CompactFunc(out, func(x, y wire.Ancestor) bool { return x.View == y.View })
	if n := len(out) - maxAncestors; n > 0 {
		out = slices.Delete(out, 0, n)
	}
	return out
}
