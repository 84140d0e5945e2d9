// Package view decides which view a node holds: what an operator's PUT /view does, which views
// may be followed over the bus, which members are alive, and when a node is ready. One view
// serves both models. docs/views.md is the protocol.
//
// The parts are packages that own their state. A Manager wires them:
//
//	held    the view in force, and the rules to follow another   hello     who is heard
//	put     open PUTs, from query to answer                      query     what answers mean
//	                                                             ancestry  what a view records
//
// Imports run from put down to ancestry: put, query and hello, held, ancestry.
//
// The package promises that the id of the held view only grows (I2), and that no message takes
// the node out of its view, but for a Pull (I23).
//
// A Manager is a pure core and belongs to one machine, whose Step is the only caller. The
// machine sets the time first, and connects the models with Use before anything else. Local
// tells the models of each view that was adopted; they make it durable.
package view

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/held"
	"github.com/cohortkv/cohort/node/view/hello"
	"github.com/cohortkv/cohort/node/view/put"
	"github.com/cohortkv/cohort/node/wire"
)

// Local is the rest of the node, as far as views are concerned: both models, behind one
// interface.
type Local interface {
	put.History
	put.Readiness
	Models
	// HasActiveBase reports whether the history that Knows speaks of is an active base.
	HasActiveBase() bool
}

// Models is what both models do about views.
type Models interface {
	// Knows reports whether the strong history contains that of a ballot.
	Knows(ids.Ballot) bool
	// Adopt makes a view the node's view, durably. Keep makes the view durable again after a
	// renewal.
	Adopt(*wire.View)
	Keep()
	// PullTargets are the nodes outside the view that a round or an exchange wants to reach.
	PullTargets() []wire.Member
}

// Config identifies a manager.
type Config struct {
	Self    ids.Node
	Inc     ids.Incarnation
	Boot    ids.Boot
	Expects bool // the node was started with --expect-data (docs/views.md §2.2)
	Crowd   int  // with more other members than this, some are far (docs/views.md §3.1); zero: 8
}

// Manager brings a node to its view. Each of its packages owns a part of the state. The Manager
// decides which part is told of what, and in which order.
//
//  1. A view replaces the held one only if it may be followed (docs/views.md §3.2, §3.3), or if
//     this node made it: for a PUT, or to give its own list a higher id.
//  2. Whenever a view is adopted, what was heard under the last one is forgotten, the bus learns
//     which nodes it may dial, the models are told, and PUTs of other lists end, in this order.
//  3. A new view goes to its members only (I23). A node learns from answers to its own
//     questions that it was left behind.
type Manager struct {
	cfg   Config
	box   *core.Outbox
	local Local
	now   wire.Instant

	held  *held.View
	peers *hello.Peers
	puts  *put.Puts // nil before Use
}

// New returns a manager without a view, or with the view that it recovered.
func New(cfg Config, box *core.Outbox, rec *core.Recovered) *Manager {
	mgr := &Manager{cfg: cfg, box: box}
	mgr.held = held.New(held.Config{Self: cfg.Self, Inc: cfg.Inc, Boot: cfg.Boot}, box)
	mgr.peers = hello.New(mgr.held, box, cfg.Crowd)
	if rec != nil && mgr.held.Recover(rec, mgr.now) {
		mgr.peers.Begin(mgr.now)
	}
	return mgr
}

// Use connects the manager with the rest of its node.
func (mgr *Manager) Use(local Local) {
	mgr.local = local
	cfg := put.Config{Boot: mgr.cfg.Boot, Expects: mgr.cfg.Expects}
	mgr.puts = put.New(cfg, mgr.held, mgr.peers, mgr.box, local, local, host{mgr})
}

// SetNow tells the time. It is called before anything else in a Step.
func (mgr *Manager) SetNow(now wire.Instant) {
	mgr.now = now
	mgr.puts.SetNow(now)
}

// Now is the instant of the current Step.
func (mgr *Manager) Now() wire.Instant { return mgr.now }

// Recovered is called once, before the first input, by a machine that starts with its state.
func (mgr *Manager) Recovered() { mgr.Reach() }

// View is the view in force; nil: there is none. The caller must not change it.
func (mgr *Manager) View() *wire.View { return mgr.held.View() }

// LeftBehind reports whether a member of the view went on to a view without this node.
func (mgr *Manager) LeftBehind() bool { return mgr.held.LeftBehind() }

// SameCluster reports whether a node whose view has these births is of this node's cluster.
// Nodes of another cluster get no data from here (docs/views.md §3.2).
func (mgr *Manager) SameCluster(births []ids.View) bool { return mgr.held.SameCluster(births) }

// Heard returns when the last hello of a member arrived in this view; false: none has.
func (mgr *Manager) Heard(id ids.Node) (wire.Instant, bool) { return mgr.peers.Heard(id) }

// Silence returns after how long without a hello a member of the view counts as silent.
func (mgr *Manager) Silence(id ids.Node) wire.Instant { return mgr.peers.Silence(id) }

// Unheard lists the shards of which this node hears no member: requests for their keys wait.
// The list is as of the last hellos, and is not written to afterwards.
func (mgr *Manager) Unheard() []core.ShardWait { return mgr.peers.Unheard() }

// Changed reports whether the view or its standing has changed since the last call.
func (mgr *Manager) Changed() bool { return mgr.held.Changed() }

// Busy reports whether the next Tick is needed soon: a PUT is open, or peers are to be undialled.
func (mgr *Manager) Busy() bool { return mgr.puts.Busy() }

// NextHello returns when the next hellos are due; false: this node has no member to send them to.
func (mgr *Manager) NextHello() (wire.Instant, bool) { return mgr.peers.Next() }

// Tick sends hellos and probes that are due, and goes on with open PUTs. hello returns what the
// next hello says.
func (mgr *Manager) Tick(hello func() wire.Hello) {
	mgr.puts.Undial()
	mgr.peers.Tick(mgr.now, hello, mgr.local.Ballot())
	mgr.puts.Tick()
}

// Put starts an operator's PUT /view. The machine answers it with one Reply within 8 s.
func (mgr *Manager) Put(in *core.PutView) { mgr.puts.Put(in) }

// CheckPuts answers the PUTs that have become ready.
func (mgr *Manager) CheckPuts() { mgr.puts.Check() }

// Abandon forgets the PUT of a client that has left; false: the token is not of a PUT. A view
// that the PUT made stays in force.
func (mgr *Manager) Abandon(token ids.Token) bool { return mgr.puts.Abandon(token) }

// adopt makes v the view in force. The caller has checked that the rules allow it.
func (mgr *Manager) adopt(v *wire.View) {
	sameMembers := mgr.held.Lists(v.Layout)
	mgr.held.Hold(v, mgr.now)
	mgr.peers.Begin(mgr.now)
	mgr.Reach()
	mgr.local.Adopt(v)
	mgr.box.Event(core.Event{Kind: EventAdopted, View: v.ID})
	if !sameMembers {
		mgr.puts.Overtaken(v)
	}
}

// renewed makes a renewal of the held view durable. A node that was left behind is a member
// again.
func (mgr *Manager) renewed() {
	if mgr.held.Rejoin() {
		mgr.peers.Due(mgr.now)
	}
	mgr.local.Keep()
}

// giveWay gives way to another process with this node's id: the node counts as left behind.
func (mgr *Manager) giveWay(told ids.Node, under ids.View) {
	if mgr.held.FallBehind() {
		mgr.local.Keep()
		mgr.box.Event(core.Event{Kind: hello.EventTwin, Peer: told, View: under, Note: "this node's id was given to another process"})
	}
}

// host is the manager as its open PUTs see it (put.Host).
type host struct{ *Manager }

func (h host) Adopt(v *wire.View)                    { h.adopt(v) }
func (h host) Renewed()                              { h.renewed() }
func (h host) GiveWay(told ids.Node, under ids.View) { h.giveWay(told, under) }
