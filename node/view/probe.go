package view

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// OnHello records that a member of the view is alive. It reports whether the models may take
// the hello into account (hello.Peers.OnHello).
func (mgr *Manager) OnHello(h wire.Header, m *wire.Hello) bool {
	if m.Data && !mgr.local.Data() {
		mgr.peers.NoteData(h.View)
	}
	return mgr.peers.OnHello(mgr.now, h, m)
}

// OnQuery answers what this node holds. It answers at any time, in any view and in none. The
// answer leaves when all writes so far are durable.
func (mgr *Manager) OnQuery(h wire.Header, replyTo ids.ReplyTo, m *wire.Query) {
	reply := &wire.QueryReply{
		PutID: m.PutID, Ballot: mgr.local.Ballot(), Members: mgr.local.BallotMembers(), Knows: mgr.local.Knows(m.Ballot),
		Data: mgr.local.Data(), Expects: mgr.cfg.Expects,
	}
	if !reply.Data {
		reply.Heard = mgr.peers.DataHeardIn()
	}
	if v := mgr.View(); v != nil {
		reply.Present, reply.View, reply.Twin = true, *v, mgr.peers.Twin(mgr.now, h)
	}
	mgr.box.PostAfter(mgr.box.LastWrite(), core.Envelope{To: h.From, Answer: replyTo, Message: reply})
}

// OnQueryReply takes the answer to the query of a PUT. Answers to probes have no PUT. request is
// the bus request that is answered.
func (mgr *Manager) OnQueryReply(h wire.Header, request uint64, m *wire.QueryReply) {
	if m.PutID != 0 {
		mgr.puts.OnQueryReply(h, m)
	} else if mgr.peers.Has(h.From) && mgr.held.Credible(m) {
		mgr.onProbeReply(h, request, m)
	}
}

// onProbeReply takes the answer of a member to a probe (docs/views.md §3.1, rule 8). A member
// without a view, or with a lower one, is sent this node's view. If the member's view descends
// from the held one and does not list this node, the node is left behind. Otherwise the member's
// view is followed, if the rules allow it.
func (mgr *Manager) onProbeReply(h wire.Header, request uint64, m *wire.QueryReply) {
	own := mgr.View()
	if !m.Present || m.View.ID.Compare(own.ID) < 0 {
		mgr.box.Send(h.From, &wire.NewView{View: *own}) // it missed this one
		return
	}
	another := mgr.held.HearsAnother(m)
	if mgr.peers.Displaced(mgr.now, h.From, request, another) || mgr.held.IDGivenAway(m) {
		mgr.giveWay(h.From, m.View.ID)
		return
	}
	switch {
	case another: // Which process is the member is open; the next probe tells.
	case len(m.View.Layout.Members()) == 0:
		// The member was told the empty list: it has left, and no member went on without this node.
	case m.View.Descends(own.ID) && !m.View.Has(mgr.cfg.Self):
		if mgr.held.FallBehind() {
			mgr.local.Keep()
			mgr.box.Event(core.Event{Kind: EventLeftBehind, Peer: h.From, View: m.View.ID})
		}
	default:
		mgr.FollowIfAllowed(&m.View)
	}
}

// OnBaseCheck answers a node outside the view: whether the active base contains its ballot. A
// node with a lower view than the asker is not serving as far as the asker is concerned.
func (mgr *Manager) OnBaseCheck(h wire.Header, replyTo ids.ReplyTo, m *wire.BaseCheck) {
	serving := mgr.local.HasActiveBase() && mgr.held.ID().Compare(h.View) >= 0
	mgr.box.Post(core.Envelope{To: h.From, Answer: replyTo, Message: &wire.BaseCheckReply{
		PutID: m.PutID, Contained: serving && mgr.local.Knows(m.Ballot), Serving: serving, Progress: mgr.local.Progress(),
	}})
}

// OnBaseCheckReply tells a PUT whether the primary's active base contains this node's ballot.
func (mgr *Manager) OnBaseCheckReply(m *wire.BaseCheckReply) { mgr.puts.OnBaseCheckReply(m) }
