package primary

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/batch"
	"github.com/cohortkv/cohort/node/wire"
)

// CountsOn reports whether the sender of a message is a backup in the incarnation that the ballot
// counts on (I3).
func (p *Primary) CountsOn(h wire.Header) bool {
	b := p.backup(h.From)
	return b != nil && b.inc == h.Inc
}

// Acknowledged records that a backup's log is durable up to a position. The caller has checked
// that the log has the content that this node wrote.
func (p *Primary) Acknowledged(now wire.Instant, id ids.Node, index uint64) {
	if b := p.backup(id); index > b.acked {
		b.acked = index
		p.Advance(now)
	}
}

// Advance commits and answers what all members have made durable (I4). The caller calls it when
// more of this node's own log is durable.
func (p *Primary) Advance(now wire.Instant) {
	c := p.history.Durable()
	for i := range p.backups {
		c = min(c, p.backups[i].acked)
	}
	commit := p.history.Commit()
	if c <= commit {
		return
	}
	n := int(c - commit)
	log := p.history.After(commit)
	for i, w := range p.inLog[:n] {
		p.answer(w, log[i].Result)
	}
	p.inLog = append(p.inLog[:0], p.inLog[n:]...)
	p.history.CommitTo(c)
	for len(p.batches) > 0 && p.batches[0] <= c {
		p.batches = slices.Delete(p.batches, 0, 1)
	}
	p.Order(now)
}

// answer ends a committed write: its client, or its Forward, gets the result.
func (p *Primary) answer(w *pendingWrite, res wire.Result) {
	p.release(w)
	if w.own {
		p.clients.Answer(w.id.Counter, res)
		return
	}
	delete(p.byID, w.id)
	if w.forward != nil {
		w.forward.answers = append(w.forward.answers, wire.Answer{Counter: w.id.Counter, Result: res})
		p.close(w.forward)
	}
}

// Late reports whether entries without acknowledgement should be sent again.
func (p *Primary) Late(now wire.Instant) bool { return len(p.batches) > 0 && now >= p.repeatAt }

// Repeat sends each member that was heard lately the entries that it has not acknowledged.
// Abandoned entries, and those behind them, are not sent again.
func (p *Primary) Repeat(now wire.Instant) {
	p.repeatAt = now + repeatAfter
	for i := range p.backups {
		b := &p.backups[i]
		from, kept := max(b.acked, p.history.Commit()), p.history.KeptLength()
		if from >= kept || !HeardLately(p.peers, now, b.id) {
			continue
		}
		log := p.history.After(from)[:kept-from]
		n := batch.Fit(len(log), p.limits.BatchOps, p.limits.BatchBytes, func(i int) int { return batch.OpBytes(&log[i].Op) })
		p.box.Event(core.Event{Kind: EventResent, Peer: b.id, Count: uint64(n)})
		p.box.Send(b.id, &wire.Prepare{
			Ballot: p.history.Ballot(), First: from + 1, Commit: p.history.Commit(), Entries: slices.Clone(log[:n]),
		})
	}
}

// Lag adds the positions of the logs of members that acknowledge to this node.
func (p *Primary) Lag(l *core.Lag) {
	for i := range l.Members {
		if b := p.backup(l.Members[i].Node); b != nil {
			l.Members[i].Logged, l.Members[i].Log = true, b.acked
		}
	}
}
