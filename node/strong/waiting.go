package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/wire"
)

// waitReportAfter is how long a wait lasts before it becomes an event. Shorter waits are
// shown and not logged, because a busy machine causes them all the time.
const waitReportAfter = 2 * wire.Second

// waits are the members that strong requests wait for, as of the last refresh
// (docs/strong.md §11).
type waits struct {
	list      []core.Wait // given out: replaced, never written to
	reason    string
	deaf      []ids.Node   // members that do not hear this node, as they say
	apart     []ids.Node   // members that the primary does not hear, or that do not hear it
	reported  []core.Wait  // those of which there was an event that they are waited for
	stale     bool         // time has passed
	changedAt wire.Instant // when the node began to serve, or ceased to, or took another view
	state     waitState
}

// waitState is what the list of waits depends on besides time.
type waitState struct {
	view      *wire.View
	round     *round.Round
	phase     round.Phase
	stuck     string
	serving   bool
	notInView bool
}

func (r *Replica) waitState() waitState {
	s := waitState{view: r.view, round: r.round, serving: r.Serving(), notInView: r.notInView()}
	if r.round != nil {
		s.phase, s.stuck = r.round.Phase(), r.round.Stuck()
	}
	return s
}

// Waiting lists the members that the round or clients' requests wait for, with the reason
// for people. It refreshes the list after a tick and after a change of state; other steps
// cost nothing. The list is never written to afterwards.
func (r *Replica) Waiting() (list []core.Wait, reason string) {
	w := &r.waits
	if s := r.waitState(); w.stale || s != w.state {
		if s.serving != w.state.serving || s.view != w.state.view {
			w.changedAt = r.now
		}
		if s.view != w.state.view {
			w.apart, w.deaf = nil, nil
		}
		list, w.reason = r.refreshWaits()
		r.reportWaits(list)
		w.list, w.stale, w.state = list, false, s
	}
	return w.list, w.reason
}

// refreshWaits finds the members that are waited for. While the ballot is active these are
// the silent members: without them no write is ordered and no read is confirmed.
func (r *Replica) refreshWaits() (list []core.Wait, reason string) {
	var lacks func(id ids.Node) core.WaitCause
	begun := r.waits.changedAt
	switch rd := r.round; {
	case r.notInView():
		return nil, ""
	case r.Serving():
		begun = r.now
		lacks = r.separatedBy
	case rd == nil:
		reason = "waiting for the primary"
		lacks = func(id ids.Node) core.WaitCause { return causeIf(id == r.primary, core.WaitPrimary) }
	case rd.Phase() == round.Collecting:
		reason, begun = "waiting for members to join the round", rd.Begun()
		lacks = func(id ids.Node) core.WaitCause { return causeIf(!rd.HasJoined(id), core.WaitJoin) }
	default:
		reason, begun = "waiting for members to receive the data", rd.Begun()
		lacks = func(id ids.Node) core.WaitCause {
			return causeIf(!rd.HasStarted(id), core.WaitData)
		}
	}
	for _, m := range r.members {
		if m.ID == r.cfg.Self {
			continue
		}
		if w, waited := r.waitFor(m.ID, lacks(m.ID), begun); waited {
			list = append(list, w)
		}
	}
	if r.round != nil && r.round.Stuck() != "" {
		reason = r.round.Stuck()
	}
	if reason == "" && len(list) > 0 {
		reason = "waiting for members that are silent"
	}
	return list, reason
}

// separatedBy says why a member that is heard cannot take part: it does not hear this
// node, or the primary and the member do not hear each other.
func (r *Replica) separatedBy(id ids.Node) core.WaitCause {
	switch {
	case slices.Contains(r.waits.deaf, id):
		return core.WaitDeaf
	case !r.isPrimary() && slices.Contains(r.waits.apart, id) && !r.silent(r.primary):
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

// waitFor reports whether a member is waited for: it is silent, or it has lacked something
// since begun. A member that was waited for at the last refresh keeps its start time.
func (r *Replica) waitFor(id ids.Node, lacks core.WaitCause, begun wire.Instant) (core.Wait, bool) {
	w := core.Wait{Node: id, Since: begun, Cause: lacks}
	if r.silent(id) {
		w.Since, w.Cause = r.heardAt(id), core.WaitSilent
	}
	if i := slices.IndexFunc(r.waits.list, isWait(id)); i >= 0 {
		w.Since = min(w.Since, r.waits.list[i].Since)
	}
	return w, w.Cause != 0
}

// silent reports that a member has said nothing for too long.
func (r *Replica) silent(id ids.Node) bool {
	return r.now-r.heardAt(id) > r.peers.Silence(id) && !mutant.On(mutant.SilentNotReported)
}

// heardAt is when a member was heard last; not yet in this view: when that was adopted.
func (r *Replica) heardAt(id ids.Node) wire.Instant {
	if at, ever := r.peers.Heard(id); ever {
		return at
	}
	return r.viewAt
}

// silentHere lists the members that this node does not hear. Its hellos carry the list.
func (r *Replica) silentHere() (all []ids.Node) {
	if r.notInView() {
		return nil
	}
	for _, m := range r.members {
		if m.ID != r.cfg.Self && r.silent(m.ID) {
			all = append(all, m.ID)
		}
	}
	return all
}

// noteSilent records which members another member does not hear. Whether the primary and a
// member hear each other concerns every write.
func (r *Replica) noteSilent(from ids.Node, m *wire.Hello) {
	w := &r.waits
	if len(m.Silent)+len(m.Deaf) > len(r.members) {
		return // there are not so many: it is no list of ours
	}
	if from == r.primary {
		w.apart = append(slices.Clone(m.Silent), m.Deaf...)
	}
	deaf, was := slices.Contains(m.Silent, r.cfg.Self), slices.Index(w.deaf, from)
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

// reportWaits emits one event for each wait that lasts and one for its end. Count is the
// time in milliseconds.
func (r *Replica) reportWaits(list []core.Wait) {
	w := &r.waits
	w.reported = slices.DeleteFunc(w.reported, func(t core.Wait) bool {
		if slices.ContainsFunc(list, isWait(t.Node)) {
			return false
		}
		r.box.Event(r.waitEvent(EventWaitOver, t))
		return true
	})
	for _, n := range list {
		if r.now-n.Since >= waitReportAfter && !slices.ContainsFunc(w.reported, isWait(n.Node)) {
			w.reported = append(w.reported, n)
			r.box.Event(r.waitEvent(EventWaits, n))
		}
	}
}

func (r *Replica) waitEvent(kind *core.EventKind, w core.Wait) core.Event {
	return core.Event{Kind: kind, Peer: w.Node, Ballot: r.hist.Ballot(), Count: uint64((r.now - w.Since) / wire.Millisecond)}
}
