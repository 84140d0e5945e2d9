package strong

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// onPrepare appends a batch and acknowledges it once it is durable. A first
// Prepare of a ballot says that the ballot is active.
func (r *Replica) onPrepare(h wire.Header, p *wire.Prepare) {
	if h.From != r.promise.Primary() || !r.agreement.Enter(p.Ballot) {
		return
	}
	end := r.hist.Length()
	if p.First > end+1 || p.First == 0 {
		r.box.Event(core.Event{Kind: EventGap, Peer: h.From, Count: p.First - end})
		return
	}
	var fresh []wire.Entry
	if skip := end + 1 - p.First; skip < uint64(len(p.Entries)) {
		fresh = p.Entries[skip:]
	}
	if !r.follows(fresh, end) {
		return
	}
	if len(fresh) > 0 {
		r.hist.Append(fresh)
	} else if len(p.Entries) > 0 {
		r.box.Event(core.Event{Kind: EventDuplicate, Peer: h.From})
	}
	r.acknowledge(h.From)
	r.hist.LearnCommit(p.Commit)
	if mutant.On(mutant.ReadUncommitted) {
		r.hist.CommitTo(r.hist.Length())
	}
}

// follows guards against a peer that numbers its entries wrongly.
func (r *Replica) follows(entries []wire.Entry, end uint64) bool {
	for i := range entries {
		if entries[i].Stamp != (ids.Stamp{Ballot: r.hist.Ballot(), Index: end + 1 + uint64(i)}) {
			r.box.Event(core.Event{Kind: core.EventMalformed, Note: "prepare with a foreign stamp"})
			return false
		}
	}
	return true
}

// acknowledge says how much of the log is here, once that is durable.
func (r *Replica) acknowledge(to ids.Node) {
	end := r.hist.Length()
	ack := &wire.Ack{Ballot: r.hist.Ballot(), Index: end, Sum: r.hist.SumAt(end)}
	if mutant.On(mutant.AckBeforeDurable) {
		r.box.Send(to, ack)
		return
	}
	r.box.PostAfter(r.box.LastWrite(), core.Envelope{To: to, Message: ack})
}
