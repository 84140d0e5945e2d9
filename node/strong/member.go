package strong

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// onPrepare appends a batch of the primary, and acknowledges the log once it is durable. The
// first Prepare of a ballot also says that the ballot is active (docs/strong.md §7.4).
func (r *Replica) onPrepare(h wire.Header, p *wire.Prepare) {
	if h.From != r.promise.Primary() || !r.agreement.Enter(p.Ballot) {
		return
	}
	switch r.hist.Extend(p.First, p.Entries) {
	case history.Gap:
		r.box.Event(core.Event{Kind: EventGap, Peer: h.From, Count: p.First - r.hist.Length()})
		return
	case history.Foreign:
		r.box.Event(core.Event{Kind: core.EventMalformed, Note: "prepare with a foreign stamp"})
		return
	case history.Known:
		r.box.Event(core.Event{Kind: EventDuplicate, Peer: h.From})
	}
	r.acknowledge(h.From)
	r.hist.LearnCommit(p.Commit)
}

// acknowledge tells the primary how much of the log is here, once that is durable (I4), and its
// sum, so that the primary can compare the content.
func (r *Replica) acknowledge(to ids.Node) {
	end := r.hist.Length()
	ack := &wire.Ack{Ballot: r.hist.Ballot(), Index: end, Sum: r.hist.SumAt(end)}
	r.box.PostAfter(r.box.LastWrite(), core.Envelope{To: to, Message: ack})
}
