package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// maxCancelled bounds the cancelled requests that a primary remembers of one
// member, to refuse them when they arrive late.
const maxCancelled = 4096

// OnCancel drops writes of a member's clients that have left.
func (r *Replica) OnCancel(h wire.Header, m *wire.Cancel) {
	if m.Ballot != r.hist.ballot {
		return
	}
	for _, c := range m.Counters {
		id := wire.RequestID{Node: h.From, Boot: h.Boot, Counter: c}
		if r.lead != nil {
			r.lead.refuse(h, c)
			r.unqueue(func(in *inbound) bool { return in.local == nil && in.id == id })
		}
		r.abandonEntry(id)
	}
}

// refuse remembers that a request must not be taken in any more.
func (l *lead) refuse(h wire.Header, counter uint64) {
	f := l.follower(h.From)
	if f == nil || f.inc != h.Inc {
		return
	}
	f.inBoot(h.Boot)
	if slices.Contains(f.cancelled, counter) {
		return
	}
	f.cancelled = append(f.cancelled, counter)
	if over := len(f.cancelled) - maxCancelled; over > 0 {
		f.cancelled = slices.Delete(f.cancelled, 0, over)
	}
}

// unqueue drops writes from the queue; whoever waits for them with others is
// answered when those are decided.
func (r *Replica) unqueue(which func(*inbound) bool) {
	var dropped []*inbound
	r.lead.queue = slices.DeleteFunc(r.lead.queue, func(in *inbound) bool {
		if !which(in) {
			return false
		}
		dropped = append(dropped, in)
		return true
	})
	for _, in := range dropped {
		r.lead.unpend(in)
		delete(r.lead.byID, in.id)
		if p := in.batch; p != nil {
			if p.open--; p.open == 0 {
				r.reply(p)
			}
		}
	}
}

// abandonEntry marks a write in the log whose client has left. It is cut off, with
// all behind it, when a round begins, and only by the primary that ordered it, in
// the same life: nobody else knows what was committed beyond doubt.
func (r *Replica) abandonEntry(id wire.RequestID) {
	i := slices.IndexFunc(r.hist.log, func(e wire.Entry) bool { return e.ID == id })
	if i >= 0 {
		r.abandonAt(r.hist.commit + 1 + uint64(i))
	}
}

func (r *Replica) abandonAt(at uint64) {
	if !r.ledHere() || mutant.On(mutant.NeverCut) {
		return
	}
	if j, found := slices.BinarySearch(r.hist.abandoned, at); !found {
		r.hist.abandoned = slices.Insert(r.hist.abandoned, j, at)
		r.box.Event(wire.Event{Kind: EventAbandoned, Ballot: r.hist.ballot, Count: at})
	}
	if mutant.On(mutant.CutAtOnce) {
		r.cutAtOnce(at)
	}
}

// ledHere reports that the history's ballot was led by this node in this life.
func (r *Replica) ledHere() bool {
	mine := len(r.hist.members) > 0 && r.hist.members[0].ID == r.cfg.Self
	return mine && (r.hist.ballot.Boot == r.cfg.Boot || mutant.On(mutant.CutAfterRestart))
}

// cutAtOnce is what the mutant CutAtOnce does.
func (r *Replica) cutAtOnce(at uint64) {
	keep := at - 1 - r.hist.commit
	r.hist.log, r.hist.sums, r.hist.abandoned = r.hist.log[:keep], r.hist.sums[:keep], nil
	if l := r.lead; l != nil {
		l.flights = l.flights[:keep]
		l.batches = slices.DeleteFunc(l.batches, func(end uint64) bool { return end >= at })
	}
	r.onDisk = min(r.onDisk, at-1)
}

// kept is the length of a history without what is abandoned.
func (h *history) kept() uint64 {
	if len(h.abandoned) > 0 {
		return h.abandoned[0] - 1
	}
	return h.length()
}

// cut begins a round when the log holds abandoned writes that cannot be
// committed as they should have been, and all members are there again. It
// reports whether such writes hold the log up.
func (r *Replica) cut() bool {
	if len(r.hist.abandoned) == 0 {
		return false
	}
	if r.gateOpen() {
		r.box.Event(wire.Event{Kind: EventCut, Ballot: r.hist.ballot, Count: r.hist.length() - r.hist.kept()})
		r.beginRound()
	}
	return true
}
