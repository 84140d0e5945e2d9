// Package waits shows for which members the strong requests of a node wait, and since when
// (docs/strong.md §11). It is for people: no rule of the protocol uses it. Hellos carry what it
// finds to the other members.
//
// The caller tells it of hellos and ticks, and asks for the list at the end of each step.
package waits

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/wire"
)

// reportAfter is how long a wait lasts before it becomes an event. Shorter waits are shown
// and not logged, because a busy machine causes them all the time.
const reportAfter = 2 * wire.Second

// Peers tells what is known of the other members from hellos.
type Peers interface {
	// Heard returns when the last hello of a member arrived in this view; false: none has.
	Heard(id ids.Node) (wire.Instant, bool)
	// Silence returns after how long without a hello a member counts as silent.
	Silence(id ids.Node) wire.Instant
}

// Waits holds the members that strong requests wait for, as of the last refresh.
//
// A wait belongs to a member, not to a cause. It keeps its beginning until the member is not
// waited for at all. Suppose that a member is silent, then joins late, then lacks the data.
// Requests have waited for it all the time, and that is one wait.
type Waits struct {
	self  ids.Node
	box   *core.Outbox
	peers Peers

	list      []core.Wait  // the waits; given out, so it is replaced and never written to
	reason    string       // what the node waits for, for people
	reported  []core.Wait  // waits of which EventWaits was emitted and EventOver was not
	deaf      []ids.Node   // members whose hellos say that they do not hear this node
	apart     []ids.Node   // members that the primary does not hear, or that do not hear the primary, as its hello says
	stale     bool         // a tick has passed since the refresh
	now       wire.Instant // time of the refresh
	changedAt wire.Instant // when the node began or ceased to serve, or adopted its view
	state     State        // as of the refresh
	watched   watched      // as of the refresh
}

// State is what the list depends on, besides time and hellos.
type State struct {
	View      *wire.View    // nil: the node has no view
	ViewAt    wire.Instant  // when the node adopted View
	Members   []wire.Member // members of View
	Primary   ids.Node      // of View
	Ballot    ids.Ballot    // ballot of the history; only events show it
	Round     *round.Round  // the round that this node leads; nil: none
	Serving   bool          // the node works on clients' requests
	NotInView bool          // clients get 503, so no request waits
}

// watched is the part of a State that makes a refresh necessary when it changes.
type watched struct {
	view      *wire.View
	round     *round.Round
	phase     round.Phase
	stuck     string
	serving   bool
	notInView bool
}

// watch takes that part of a State.
func watch(s *State) watched {
	w := watched{view: s.View, round: s.Round, serving: s.Serving, notInView: s.NotInView}
	if s.Round != nil {
		w.phase, w.stuck = s.Round.Phase(), s.Round.Stuck()
	}
	return w
}

// New returns the waits of a node that waits for no member.
func New(self ids.Node, box *core.Outbox, peers Peers) *Waits {
	return &Waits{self: self, box: box, peers: peers}
}

// Tick says that time has passed: the next List refreshes.
func (w *Waits) Tick() { w.stale = true }

// List returns the members that the round or clients' requests wait for, and the reason for
// people. It refreshes after a tick and after a change of state. Otherwise it returns the last
// list. The list is not written to afterwards.
func (w *Waits) List(now wire.Instant, s State) (list []core.Wait, reason string) {
	is, was := watch(&s), w.watched
	if !w.stale && is == was {
		return w.list, w.reason
	}
	w.now, w.state = now, s
	if is.serving != was.serving || is.view != was.view {
		w.changedAt = now
	}
	if is.view != was.view {
		w.apart, w.deaf = nil, nil
	}
	list, w.reason = w.refresh()
	w.report(list)
	w.list, w.stale, w.watched = list, false, is
	return w.list, w.reason
}

// refresh finds the members that are waited for, at a node that serves, or waits for its
// primary, or leads a round. While the ballot is active these are the silent members: without
// them no write is ordered and no read is confirmed.
func (w *Waits) refresh() (list []core.Wait, reason string) {
	var lacks func(id ids.Node) core.WaitCause
	begun := w.changedAt
	switch rd := w.state.Round; {
	case w.state.NotInView:
		return nil, ""
	case w.state.Serving:
		begun = w.now
		lacks = w.separatedBy
	case rd == nil:
		reason = "waiting for the primary"
		lacks = func(id ids.Node) core.WaitCause { return causeIf(id == w.state.Primary, core.WaitPrimary) }
	case rd.Phase() == round.Collecting:
		reason, begun = "waiting for members to join the round", rd.Begun()
		lacks = func(id ids.Node) core.WaitCause { return causeIf(!rd.HasJoined(id), core.WaitJoin) }
	default:
		reason, begun = "waiting for members to receive the data", rd.Begun()
		lacks = func(id ids.Node) core.WaitCause { return causeIf(!rd.HasStarted(id), core.WaitData) }
	}
	for _, m := range w.state.Members {
		if m.ID == w.self {
			continue
		}
		if wait, waited := w.waitFor(m.ID, lacks(m.ID), begun); waited {
			list = append(list, wait)
		}
	}
	if w.state.Round != nil && w.state.Round.Stuck() != "" {
		reason = w.state.Round.Stuck()
	}
	if reason == "" && len(list) > 0 {
		reason = "waiting for members that are silent"
	}
	return list, reason
}

// separatedBy says why a member that this node hears cannot take part; zero: it can. Either the
// member does not hear this node, or the primary and the member do not hear each other.
func (w *Waits) separatedBy(id ids.Node) core.WaitCause {
	primary := w.state.Primary
	switch {
	case slices.Contains(w.deaf, id):
		return core.WaitDeaf
	case primary != w.self && slices.Contains(w.apart, id) && !w.silent(w.now, primary, w.state.ViewAt):
		return core.WaitApart
	}
	return 0
}

func causeIf(holds bool, c core.WaitCause) core.WaitCause {
	if holds {
		return c
	}
	return 0
}

// waitFor reports whether a member is waited for: it is silent, or lacks something since begun.
// A wait of the last refresh keeps its beginning.
func (w *Waits) waitFor(id ids.Node, lacks core.WaitCause, begun wire.Instant) (core.Wait, bool) {
	wait := core.Wait{Node: id, Since: begun, Cause: lacks}
	if w.silent(w.now, id, w.state.ViewAt) {
		wait.Since, wait.Cause = w.heardAt(id, w.state.ViewAt), core.WaitSilent
	}
	if i := slices.IndexFunc(w.list, isWait(id)); i >= 0 {
		wait.Since = min(wait.Since, w.list[i].Since)
	}
	return wait, wait.Cause != 0
}

// silent reports whether no hello of a member has come for the member's silence.
func (w *Waits) silent(now wire.Instant, id ids.Node, viewAt wire.Instant) bool {
	return now-w.heardAt(id, viewAt) > w.peers.Silence(id)
}

// heardAt returns when a member was heard last; before its first hello: when the view was
// adopted.
func (w *Waits) heardAt(id ids.Node, viewAt wire.Instant) wire.Instant {
	if at, ever := w.peers.Heard(id); ever {
		return at
	}
	return viewAt
}

// Silent lists the members that this node does not hear. Its hellos carry this list.
func (w *Waits) Silent(now wire.Instant, members []wire.Member, viewAt wire.Instant) (all []ids.Node) {
	for _, m := range members {
		if m.ID != w.self && w.silent(now, m.ID, viewAt) {
			all = append(all, m.ID)
		}
	}
	return all
}

// Deaf lists the members that do not hear this node. The primary's hellos carry this list.
func (w *Waits) Deaf() []ids.Node { return slices.Clone(w.deaf) }

// OnHello takes in which members another member does not hear. The primary's lists concern
// every backup, because no write is ordered or acknowledged without a member that they name. A
// hello that names more members than the view has is false, and is ignored.
func (w *Waits) OnHello(from ids.Node, m *wire.Hello, primary ids.Node, members int) {
	if len(m.Silent)+len(m.Deaf) > members {
		return
	}
	if from == primary {
		w.apart = append(slices.Clone(m.Silent), m.Deaf...)
	}
	deaf, was := slices.Contains(m.Silent, w.self), slices.Index(w.deaf, from)
	switch {
	case deaf && was < 0:
		w.deaf = append(w.deaf, from)
	case !deaf && was >= 0:
		w.deaf = slices.Delete(w.deaf, was, was+1)
	}
}

func isWait(id ids.Node) func(core.Wait) bool {
	return func(w core.Wait) bool { return w.Node == id }
}

// report emits one event for each wait that has lasted reportAfter, and one for its end.
func (w *Waits) report(list []core.Wait) {
	w.reported = slices.DeleteFunc(w.reported, func(t core.Wait) bool {
		if slices.ContainsFunc(list, isWait(t.Node)) {
			return false
		}
		w.emit(EventOver, t)
		return true
	})
	for _, n := range list {
		if w.now-n.Since >= reportAfter && !slices.ContainsFunc(w.reported, isWait(n.Node)) {
			w.reported = append(w.reported, n)
			w.emit(EventWaits, n)
		}
	}
}

// emit emits an event of a wait. Its count is the length of the wait in milliseconds.
func (w *Waits) emit(kind *core.EventKind, t core.Wait) {
	w.box.Event(core.Event{Kind: kind, Peer: t.Node, Ballot: w.state.Ballot, Count: uint64((w.now - t.Since) / wire.Millisecond)})
}
