package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// maxCancelled bounds the cancelled requests that a primary remembers of one
// member, to refuse them when they arrive late.
const maxCancelled = 4096

// OnCancel drops writes of a member's clients that have left.
func (r *Replica) OnCancel(h wire.Header, m *wire.Cancel) {
	if m.Ballot != r.hist.Ballot() {
		return
	}
	for _, c := range m.Counters {
		id := ids.Request{Node: h.From, Boot: h.Boot, Counter: c}
		if r.asPrimary != nil {
			r.asPrimary.refuse(h, c)
			r.dequeue(func(in *pendingWrite) bool { return in.local == nil && in.id == id })
		}
		r.abandonEntry(id)
	}
}

// refuse remembers that a request must not be taken in any more.
func (l *primaryState) refuse(h wire.Header, counter uint64) {
	f := l.backup(h.From)
	if f == nil || f.inc != h.Inc {
		return
	}
	f.resetForBoot(h.Boot)
	if slices.Contains(f.cancelled, counter) {
		return
	}
	f.cancelled = append(f.cancelled, counter)
	if over := len(f.cancelled) - maxCancelled; over > 0 {
		f.cancelled = slices.Delete(f.cancelled, 0, over)
	}
}

// dequeue drops writes from the queue. A forward batch that loses its last open write this
// way is answered.
func (r *Replica) dequeue(which func(*pendingWrite) bool) {
	var dropped []*pendingWrite
	r.asPrimary.queue = slices.DeleteFunc(r.asPrimary.queue, func(in *pendingWrite) bool {
		if !which(in) {
			return false
		}
		dropped = append(dropped, in)
		return true
	})
	for _, in := range dropped {
		r.asPrimary.unpend(in)
		delete(r.asPrimary.byID, in.id)
		if p := in.batch; p != nil {
			if p.open--; p.open == 0 {
				r.reply(p)
			}
		}
	}
}

// abandonEntry marks a write in the log whose client has left. When a round begins, the
// write is truncated from the log, with all entries after it. Only the primary that
// ordered the write may do so, and only in the same boot: no other node knows which
// entries are certainly not committed.
func (r *Replica) abandonEntry(id ids.Request) {
	if at := r.hist.Position(id); at > 0 {
		r.abandonAt(at)
	}
}

func (r *Replica) abandonAt(at uint64) {
	if !r.wasPrimary() || mutant.On(mutant.NeverTruncate) {
		return
	}
	if r.hist.Abandon(at) {
		r.box.Event(core.Event{Kind: EventAbandoned, Ballot: r.hist.Ballot(), Count: at})
	}
	if mutant.On(mutant.TruncateAtOnce) {
		r.truncateAtOnce(at)
	}
}

// wasPrimary reports whether this boot of this node was the primary of the history's
// ballot.
func (r *Replica) wasPrimary() bool {
	boot := r.cfg.Boot
	if mutant.On(mutant.TruncateAfterRestart) {
		boot = r.hist.Ballot().Boot
	}
	return r.hist.LedBy(r.cfg.Self, boot)
}

// truncateAtOnce is what the mutant TruncateAtOnce does.
func (r *Replica) truncateAtOnce(at uint64) {
	r.hist.TruncateAtOnce(at)
	if l := r.asPrimary; l != nil {
		l.inLog = l.inLog[:at-1-r.hist.Commit()]
		l.batches = slices.DeleteFunc(l.batches, func(end uint64) bool { return end >= at })
	}
}

// truncate begins a round if the log holds abandoned writes and all members are heard: the
// round removes them from the log. It reports whether the log holds such writes.
func (r *Replica) truncate() bool {
	if r.hist.KeptLength() == r.hist.Length() {
		return false
	}
	if r.gateOpen() {
		r.box.Event(core.Event{Kind: EventTruncated, Ballot: r.hist.Ballot(), Count: r.hist.Length() - r.hist.KeptLength()})
		r.beginRound()
	}
	return true
}
