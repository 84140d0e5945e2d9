// Package view is how a node comes to its view: what an operator's PUT /view
// does, which views may be followed over the bus, who is alive, and when a node
// is ready. One view serves both models. docs/views.md is the protocol.
//
// A Keeper is a pure core and belongs to one machine. It decides that a view is
// adopted; the models are told through Local.
package view

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// Local is the rest of the node, as far as views are concerned.
type Local interface {
	// Ballot is that of the strong history, BallotMembers took part in it.
	Ballot() wire.Ballot
	BallotMembers() []wire.Member
	// Knows reports whether the strong history contains that of a ballot.
	Knows(wire.Ballot) bool
	// Adopt makes a view the node's view, durably; Keep does so again after the
	// view was renewed.
	Adopt(*wire.View)
	Keep()
	// Refresh is called where the view was put again: before that PUT is answered,
	// this node looks once more whether it lacks anything.
	Refresh()
	// Lenders are nodes outside the view that a round wants to reach.
	Lenders() []wire.Member
	// Serving reports whether the node is ready to serve its view; Progress
	// grows whenever it gets nearer to that.
	Serving() bool
	Progress() uint64
	// Covering reports whether the base that Knows speaks of is active.
	Covering() bool
	// Holding reports that slots of causal buckets are held here; Data that there is, or
	// was, data of either model in this life.
	Holding() bool
	Data() bool
	// Handed reports, at a node outside its view, that its causal data has come
	// to the owners, and whether that is all a PUT waits for.
	Handed() (causal, only bool)
}

// Times of the protocol (API §1.2).
const (
	helloEvery    = 100 * wire.Millisecond
	helloToCrowd  = 200 * wire.Millisecond // to more than crowd others
	farRounds     = 4                      // of such hellos, of which a member that is far hears one
	helloBehind   = 1 * wire.Second        // by who was left behind, or is outside its view: it serves nobody, and is heard by few
	querySilence  = 300 * wire.Millisecond
	queryResend   = 50 * wire.Millisecond
	announceAgain = 250 * wire.Millisecond // before the first re-send of a new view; twice that before the next
	announceMost  = 1 * wire.Second
	putStalled    = 3 * wire.Second
	putLimit      = 8 * wire.Second
	putForeign    = 500 * wire.Millisecond // that a PUT waits for members of other clusters, which may be told next
	probeSilence  = 500 * wire.Millisecond // after which a silent member is asked what it holds
	farSilence    = farRounds * helloToCrowd * 5 / 2
	passOnEvery   = 500 * wire.Millisecond
)

// crowd is to how many others a node says Hello at the full rate.
const crowd = 8

// Config is who a keeper is.
type Config struct {
	Self    wire.NodeID
	Inc     wire.Incarnation
	Boot    wire.Boot
	Expects bool // the node is to have data
	Crowd   int  // of more than so many others some are far; zero: 8
}

// maxAncestors bounds how many replaced views a view remembers. A node that
// returns from further back refuses, and the author of an open PUT learns of it.
const maxAncestors = 1000

// maxMints is how often one PUT may make a new id because its view was refused.
const maxMints = 4

// Keeper holds a node's view and the PUTs that are open here.
type Keeper struct {
	self  wire.NodeID
	inc   wire.Incarnation
	boot  wire.Boot
	box   *wire.Outbox
	local Local
	now   wire.Instant

	view       *wire.View  // nil: none
	at         wire.Member // where this node was last said to be
	heard      []peer      // members of view, by id
	leftBehind bool
	outside    bool // of the view that is held
	puts       []*put
	nextPut    uint64
	helloAt    wire.Instant
	round      int          // of hellos in this view
	crowd      int          // Config.Crowd
	expects    bool         // Config.Expects
	hearsay    wire.ViewID  // the highest view in which somebody has had data while this node held none
	let        bool         // peers of a PUT that only asked are dialled until the next tick, which lets go of them
	top        uint64       // highest view number ever held or made here
	heldAt     wire.Instant // when the view was adopted
	unheard    []wire.ShardWait
	changed    bool // view or what concerns it changed since Changed was asked

	// What deliberate bugs need (mutant): where each node was first said to be, and
	// the members of the view before.
	first, dropped []wire.Member
}

// peer is what hellos told of one member of the view.
type peer struct {
	id       wire.NodeID
	at       wire.Instant // of the last hello in this view
	ever     bool
	inc      wire.Incarnation // that said it
	progress uint64
	far      bool // it hears few hellos, and says few
	probed   wire.Instant
	passed   wire.Instant // when this node's view was last passed on to it
}

// New returns a keeper with no view, or with the one it recovered.
func New(cfg Config, box *wire.Outbox, rec *wire.Recovered) *Keeper {
	k := &Keeper{
		self: cfg.Self, inc: cfg.Inc, boot: cfg.Boot, crowd: cfg.Crowd, expects: cfg.Expects,
		box: box, nextPut: uint64(cfg.Boot)&^(1<<63) | 1,
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

// Use connects the keeper with the rest of its node.
func (k *Keeper) Use(local Local) { k.local = local }

// SetNow tells the time, before anything else in a Step.
func (k *Keeper) SetNow(now wire.Instant) { k.now = now }

// Now is the instant of the present Step.
func (k *Keeper) Now() wire.Instant { return k.now }

// Recovered is called once, first, by a machine that starts with its state.
func (k *Keeper) Recovered() { k.reach() }

// View is the view in force; nil when there is none.
func (k *Keeper) View() *wire.View { return k.view }

// LeftBehind reports that a member of the view went on without this node.
func (k *Keeper) LeftBehind() bool { return k.leftBehind }

// Heard is when the last hello of a member in this view arrived.
func (k *Keeper) Heard(id wire.NodeID) (wire.Instant, bool) {
	if p := k.peer(id); p != nil && p.ever {
		return p.at, true
	}
	return 0, false
}

// Silence is how long a member of the view may say nothing before it counts as silent.
func (k *Keeper) Silence(id wire.NodeID) wire.Instant {
	if p := k.peer(id); p != nil {
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
func (k *Keeper) Changed() bool {
	c := k.changed
	k.changed = false
	return c
}

// Busy reports that a PUT is open.
func (k *Keeper) Busy() bool { return len(k.puts) > 0 || k.let }

func (k *Keeper) peer(id wire.NodeID) *peer {
	for i := range k.heard {
		if k.heard[i].id == id {
			return &k.heard[i]
		}
	}
	return nil
}

// hold replaces the view.
func (k *Keeper) hold(v *wire.View) {
	k.view = v
	k.top = max(k.top, v.ID.Number)
	k.leftBehind = false
	k.changed = true
	k.outside = !v.Has(k.self)
	k.heard = k.heard[:0]
	for _, m := range v.Layout.Members() {
		if m.ID == k.self {
			k.at = m
		} else {
			k.heard = append(k.heard, peer{id: m.ID, probed: k.now})
		}
	}
	k.meetFar()
	k.helloAt, k.heldAt, k.round = k.now, k.now, 0
}

// meetFar finds out which members are far: in a crowd, whoever shares no shard with this
// node. But the primary, where strong buckets are ordered, is far from nobody.
func (k *Keeper) meetFar() {
	primary, _ := k.view.Primary()
	if len(k.heard) <= k.crowd || k.self == primary {
		return
	}
	near := map[wire.NodeID]bool{primary: true}
	for _, s := range k.view.Layout.Shards {
		if slices.ContainsFunc(s.Members, func(m wire.Member) bool { return m.ID == k.self }) {
			for _, m := range s.Members {
				near[m.ID] = true
			}
		}
	}
	for i := range k.heard {
		k.heard[i].far = !near[k.heard[i].id]
	}
}

// adopt makes v the view in force. The caller has decided that it may be.
func (k *Keeper) adopt(v *wire.View) {
	sameMembers := k.view != nil && k.view.Layout.Equal(v.Layout)
	k.hold(v)
	k.reach()
	k.local.Adopt(v)
	k.box.Event(wire.Event{Kind: EventAdopted, View: v.ID})
	if !sameMembers {
		k.overtake(v)
	}
}

// Reach tells the bus anew whom it may dial.
func (k *Keeper) Reach() { k.reach() }

// reach tells the bus whom it may dial: the members and sources of the view, those
// of PUTs that are open, and whom a round pulls from. No address that no view named
// is ever dialled; for each node the newest counts.
func (k *Keeper) reach() {
	var all []wire.Member
	known := map[wire.NodeID]bool{k.self: true}
	add := func(ms []wire.Member) {
		for _, m := range ms {
			if !known[m.ID] {
				known[m.ID] = true
				all = append(all, m)
			}
		}
	}
	for i := len(k.puts) - 1; i >= 0; i-- {
		add(k.puts[i].layout.Members())
	}
	if k.view != nil {
		add(k.view.Layout.Members())
		add(k.view.Sources)
		add(k.local.Lenders())
	}
	if mutant.On(mutant.SendViewToDropped) {
		add(k.dropped)
	}
	if mutant.On(mutant.KeepOldAddress) {
		all = k.asFirstNamed(all)
	}
	k.box.Peers(all)
}

// asFirstNamed is what the mutant KeepOldAddress makes of a list.
func (k *Keeper) asFirstNamed(all []wire.Member) []wire.Member {
	for i, m := range all {
		if j := slices.IndexFunc(k.first, func(o wire.Member) bool { return o.ID == m.ID }); j >= 0 {
			all[i] = k.first[j]
		} else {
			k.first = append(k.first, m)
		}
	}
	return all
}

// OnQuery says what this node holds: at any time, in any view and in none.
func (k *Keeper) OnQuery(h wire.Header, replyTo wire.ReplyTo, m *wire.Query) {
	reply := &wire.QueryReply{
		PutID: m.PutID, Ballot: k.local.Ballot(), Members: k.local.BallotMembers(), Knows: k.local.Knows(m.Ballot),
		Data: k.local.Data(), Expects: k.expects,
	}
	if !reply.Data {
		reply.Heard = k.hearsay
	}
	if k.view != nil {
		reply.Present, reply.View = true, *k.view
		if p := k.peer(h.From); p != nil {
			reply.Twin = k.twin(p, h)
		}
	}
	k.box.PostAfter(k.box.LastWrite(), wire.Envelope{To: h.From, Answer: replyTo, Message: reply})
}

// OnCovered answers a node outside the view: its data is in the active base.
func (k *Keeper) OnBaseCheck(h wire.Header, replyTo wire.ReplyTo, m *wire.BaseCheck) {
	serving := k.local.Covering() && k.viewID().Compare(h.View) >= 0
	k.box.Post(wire.Envelope{To: h.From, Answer: replyTo, Message: &wire.BaseCheckReply{
		PutID: m.PutID, Contained: serving && k.local.Knows(m.Ballot), Serving: serving, Progress: k.local.Progress(),
	}})
}

func (k *Keeper) viewID() wire.ViewID {
	if k.view == nil {
		return wire.ViewID{}
	}
	return k.view.ID
}

// see notes a sighting, in place of an older one of the same node. The old list is not
// written to: it may be on its way to a disk.
func see(v *wire.View, s wire.Sighting) {
	v.Saw = slices.Clone(v.Saw)
	if i := sighting(v, s.Node); i >= 0 {
		v.Saw[i] = s
	} else {
		v.Saw = append(v.Saw, s)
	}
}

// seeLater notes a sighting since the view was made. Who held no view by then counts as
// holding this one, unless this life of it was heard when it was made: an earlier life,
// of which the author need not have heard, may have held it, with something in it.
func seeLater(v *wire.View, s wire.Sighting) {
	if s.View.IsZero() {
		s.View = v.ID
		if i := sighting(v, s.Node); i >= 0 && v.Saw[i].Inc == s.Inc {
			s.View = v.Saw[i].View
		}
	}
	see(v, s)
}

func sighting(v *wire.View, node wire.NodeID) int {
	return slices.IndexFunc(v.Saw, func(o wire.Sighting) bool { return o.Node == node })
}

// replace notes that v was made in knowledge of a view that somebody holds.
func replace(v *wire.View, held wire.ViewID, renewed uint64) {
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
