// Package view decides which view a node holds: what an operator's PUT /view does, which views
// may be followed over the bus, which members are alive, and when a node is ready. One view
// serves both models. docs/views.md is the protocol.
//
// The package promises that the id of the held view only grows (I2), and that no message takes
// the node out of its view, but for a Pull (I23).
//
// A Manager is a pure core and belongs to one machine, whose Step is the only caller. The
// machine sets the time first, and connects the models with Use before anything else. Local
// tells the models of each view that was adopted; they make it durable.
package view

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Local is the rest of the node, as far as views are concerned: both models, behind one
// interface.
type Local interface {
	// Ballot names the strong history, and BallotMembers took part in that ballot.
	Ballot() ids.Ballot
	BallotMembers() []wire.Member
	// Knows reports whether the strong history contains that of a ballot.
	Knows(ids.Ballot) bool
	// Adopt makes a view the node's view, durably. Keep makes the view durable again after a
	// renewal.
	Adopt(*wire.View)
	Keep()
	// Refresh is called when the list of the view was put again. Before that PUT is answered,
	// this node asks its peers once more for what it lacks.
	Refresh()
	// PullTargets are the nodes outside the view that a round or an exchange wants to reach.
	PullTargets() []wire.Member
	// Serving reports whether the node is ready to serve its view (docs/views.md §4).
	// Progress grows whenever the node gets nearer to that.
	Serving() bool
	Progress() uint64
	// HasActiveBase reports whether the history that Knows speaks of is an active base.
	HasActiveBase() bool
	// Holding reports whether slots of causal buckets are held here. Data reports whether
	// this node has, or had in this boot, data of either model.
	Holding() bool
	Data() bool
	// HandedOver is asked at a node outside its view. It reports whether the causal data has
	// come to its owners, and whether a PUT waits for nothing else.
	HandedOver() (causal, only bool)
}

// Times of the protocol (docs/views.md §2, §3.1).
const (
	helloEvery       = 100 * wire.Millisecond           // between hellos, in a view of at most Config.Crowd other members
	helloToCrowd     = 200 * wire.Millisecond           // between hellos, in a larger view
	farRounds        = 4                                // in a larger view, a far member gets one of so many hellos
	helloBehind      = 1 * wire.Second                  // between hellos of a node that was left behind or is outside its view: it serves no client
	querySilence     = 300 * wire.Millisecond           // a query ends after this time, even if members have not answered
	queryResend      = 50 * wire.Millisecond            // between queries to a member that has not answered
	announceAgain    = 250 * wire.Millisecond           // from a new view to its first re-send; each pause after that is twice as long
	maxAnnouncePause = 1 * wire.Second                  // bound on the pause between re-sends
	putStalled       = 3 * wire.Second                  // a PUT without progress for this time is answered as not ready
	putLimit         = 8 * wire.Second                  // a PUT is answered within this time
	putForeign       = 500 * wire.Millisecond           // a PUT that lacks only members of other clusters is answered then; an operator may put the list to them next
	probeSilence     = 500 * wire.Millisecond           // a member is silent after this time without a hello, and is then probed each such time
	farSilence       = farRounds * helloToCrowd * 5 / 2 // 2 s: a far member is silent after this time without a hello
	passOnEvery      = 500 * wire.Millisecond           // between copies of this node's view to a member that shows a lower view id
)

// crowd is the number of other members up to which a node sends hellos at the full rate.
const crowd = 8

// Config identifies a manager.
type Config struct {
	Self    ids.Node
	Inc     ids.Incarnation
	Boot    ids.Boot
	Expects bool // the node was started with --expect-data (docs/views.md §2.2)
	Crowd   int  // with more other members than this, some are far (docs/views.md §3.1); zero: 8
}

// maxAncestors bounds the replaced views that a view remembers. A node that returns from
// further back refuses the view once. The author of an open PUT learns of that and adds the
// node's view to the ancestors.
const maxAncestors = 1000

// maxNewIDs bounds the ids that one PUT may give its list, the first one included. A PUT takes
// a new id when a member refuses the view because it holds a higher one.
const maxNewIDs = 4

// Manager holds a node's view and the PUTs that are open here.
//
//  1. The id of the view only grows, because a promise never goes back (I2).
//  2. A view replaces the held one only if it may be followed (docs/views.md §3.2, §3.3), or if
//     this node made it: for a PUT, or to give its own list a higher id.
//  3. A new view goes to its members only (I23). A node learns from answers to its own
//     questions that it was left behind.
type Manager struct {
	self  ids.Node
	inc   ids.Incarnation
	boot  ids.Boot
	box   *core.Outbox
	local Local
	now   wire.Instant

	view          *wire.View       // the view in force; nil: none. Saw, Ancestors and Births are replaced, never written to
	at            wire.Member      // this node's entry in the last view that listed it; zero: there was none
	heard         []peer           // the other members of view, ascending by id
	leftBehind    bool             // a member went on to a view without this node, or another process has this node's id
	outside       bool             // view does not list this node
	puts          []*put           // open PUTs, oldest first; the front bounds them
	nextPut       uint64           // id of the last PUT. Each boot begins elsewhere, so a late answer finds no PUT
	helloAt       wire.Instant     // when the next hellos are due
	round         int              // number of times that hellos were sent in this view
	crowd         int              // Config.Crowd
	expects       bool             // Config.Expects
	dataHeardIn   ids.View         // the highest view in which another node had data while this node had none
	undialAtTick  bool             // the peers of a finished dry run may be dialled until the next tick
	highestNumber uint64           // highest number of a view held or made here: no boot of an author gives a number twice
	heldAt        wire.Instant     // when the view was adopted
	unheard       []core.ShardWait // as of the last hellos; replaced, never written to
	changed       bool             // the view or its standing has changed since the last call of Changed

	// first and dropped are for deliberate bugs (mutant): where each node was first said to
	// be, and the members of the view before.
	first, dropped []wire.Member
}

// peer is what is known of one other member of the view, from its hellos under that view.
type peer struct {
	id       ids.Node
	at       wire.Instant    // when the last hello came
	ever     bool            // a hello has come
	inc      ids.Incarnation // of the process that sent the last hello
	progress uint64          // as in the last hello; it grows while the member gets nearer to ready
	far      bool            // the member is far: hellos to it and from it are rare
	probed   wire.Instant    // when it was last probed
	passed   wire.Instant    // when this node's view was last passed on to it
}

// New returns a manager without a view, or with the view that it recovered.
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

// SetNow tells the time. It is called before anything else in a Step.
func (mgr *Manager) SetNow(now wire.Instant) { mgr.now = now }

// Now is the instant of the current Step.
func (mgr *Manager) Now() wire.Instant { return mgr.now }

// Recovered is called once, before the first input, by a machine that starts with its state.
func (mgr *Manager) Recovered() { mgr.reach() }

// View is the view in force; nil: there is none. The caller must not change it.
func (mgr *Manager) View() *wire.View { return mgr.view }

// LeftBehind reports whether a member of the view went on to a view without this node.
func (mgr *Manager) LeftBehind() bool { return mgr.leftBehind }

// Heard returns when the last hello of a member arrived in this view; false: none has.
func (mgr *Manager) Heard(id ids.Node) (wire.Instant, bool) {
	if p := mgr.peer(id); p != nil && p.ever {
		return p.at, true
	}
	return 0, false
}

// Silence returns after how long without a hello a member of the view counts as silent.
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

// Changed reports whether the view or its standing has changed since the last call.
func (mgr *Manager) Changed() bool {
	c := mgr.changed
	mgr.changed = false
	return c
}

// Busy reports whether the next Tick is needed soon: a PUT is open, or peers are to be undialled.
func (mgr *Manager) Busy() bool { return len(mgr.puts) > 0 || mgr.undialAtTick }

func (mgr *Manager) peer(id ids.Node) *peer {
	for i := range mgr.heard {
		if mgr.heard[i].id == id {
			return &mgr.heard[i]
		}
	}
	return nil
}

// hold replaces the view and forgets what was heard under the last one. Silence is counted
// from now on.
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

// markFar marks the members that are far: in a view of more than crowd other members, those
// that share no shard with this node. The primary is far from no member, because every strong
// write waits for all members.
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

// adopt makes v the view in force. The caller has checked that the rules allow it.
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

// Reach tells the bus which nodes it may dial, because PullTargets has changed.
func (mgr *Manager) Reach() { mgr.reach() }

// reach tells the bus which nodes it may dial (docs/views.md §3.7): the members and sources of
// the view, the members of open PUTs, and the pull targets. The bus dials no address that an
// operator has not put. If a node has several addresses, that of the newest PUT counts, and
// that of the view comes next.
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

// asFirstNamed gives each node the address that was first named for it (mutant KeepOldAddress).
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

// OnQuery answers what this node holds. It answers at any time, in any view and in none. The
// answer leaves when all writes so far are durable.
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

// OnBaseCheck answers a node outside the view: whether the active base contains its ballot. A
// node with a lower view than the asker is not serving as far as the asker is concerned.
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

// recordSighting records a sighting in place of an older one of the same node. It writes to a
// copy, because the old list may be part of a write or message.
func recordSighting(v *wire.View, s wire.Sighting) {
	v.Saw = slices.Clone(v.Saw)
	if i := sightingIndex(v, s.Node); i >= 0 {
		v.Saw[i] = s
	} else {
		v.Saw = append(v.Saw, s)
	}
}

// recordLaterSighting records a sighting that came after the view was created. If the node
// reports no view, it is recorded as having held this view: an earlier incarnation, unknown to
// the author, may have held this view and its data. If the author had heard this incarnation
// before, its record stays (docs/views.md §1.1, rule 3).
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

// addAncestor records that v replaces a view that a node holds.
func addAncestor(v *wire.View, held ids.View, renewed uint64) {
	if !held.IsZero() && held != v.ID {
		v.Ancestors = mergeAncestors(v.Ancestors, []wire.Ancestor{{View: held, Renewed: renewed}})
	}
}

// mergeAncestors returns the union of two lists that ascend by view id: the highest
// maxAncestors views. If both lists have a view, the larger count of renewals stays. The
// result may be one of the lists; neither is written to.
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
