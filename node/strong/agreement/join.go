package agreement

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/strong/transfer"
	"github.com/cohortkv/cohort/node/wire"
)

// Receive takes a message that concerns rounds, and reports whether it is one. leave makes the
// node follow the view of a Pull from outside, if it may. It returns zero then, and otherwise why
// not.
func (a *Agreement) Receive(in *core.Received, leave func(p *wire.Pull) wire.Fate) bool {
	h := in.Header
	switch m := in.Message.(type) {
	case *wire.JoinRequest:
		a.onJoinRequest(h, m)
	case *wire.Join:
		if a.round != nil {
			a.onRound(h.From, a.round.OnJoin(a.now, h, m))
		}
	case *wire.Pull:
		a.onPull(h, in.ReplyTo, m, leave)
	case *wire.PullReply:
		a.onPullReply(h, m)
	case *wire.BallotTooLow:
		a.onBallotTooLow(h, m)
	case *wire.Start:
		a.onStart(h, m)
	case *wire.Started:
		if a.round != nil {
			a.onRound(h.From, a.round.OnStarted(h, m))
		}
	case *wire.Active:
		if h.From == a.promise.Primary() && a.Enter(m.Ballot) {
			a.history.LearnCommit(m.Commit)
		}
	case *wire.Fetch:
		a.onFetch(h, m)
	case *wire.Chunk:
		a.onChunk(h, m)
	default:
		return false
	}
	return true
}

// onJoinRequest promises a primary's new ballot, or says that the ballot is too low
// (docs/strong.md §7.1). The caller has already followed the view that came with it, if the rules allow it.
func (a *Agreement) onJoinRequest(h wire.Header, c *wire.JoinRequest) {
	v, b, promised := a.promise.View(), c.Ballot, a.promise.Ballot()
	switch {
	case v == nil:
	case b.View != v.ID:
		if b.Compare(promised) < 0 {
			a.box.Send(h.From, &wire.BallotTooLow{Ballot: b, Promised: promised})
		}
	case h.From != a.promise.Primary() || h.Boot != b.Boot:
	case !recovery.Reachable(b.Round):
		a.malformed(h.From, "a round that no view comes to")
	case b.Round <= promised.Round && b != promised:
		a.box.Send(h.From, &wire.BallotTooLow{Ballot: b, Promised: promised})
	default:
		a.bindAbove(b)
		a.sendJoin(h.From)
	}
}

// bindAbove promises a ballot of this node's view, if its round is above the promised one.
func (a *Agreement) bindAbove(b ids.Ballot) {
	if b.Round > a.promise.Ballot().Round {
		a.bind(b)
		a.host.PromiseMade()
	}
}

// sendJoin reports this node's history to the primary, once the promise and the reported log are
// durable (I2, I22).
func (a *Agreement) sendJoin(to ids.Node) { a.sendDurable(core.Envelope{To: to, Message: a.join()}) }

func (a *Agreement) join() *wire.Join {
	return &wire.Join{
		Ballot: a.promise.Ballot(), History: a.history.Summary(), Staged: a.history.StagedSummaries(), Owed: a.promise.Owed(),
	}
}

// onPull gives this node's history to a view that owes it, if this node has it and may leave its
// own view (docs/views.md §3.3). It promises the ballot first, so what it did under an earlier
// ballot ends (I22).
func (a *Agreement) onPull(h wire.Header, replyTo ids.ReplyTo, p *wire.Pull, leave func(p *wire.Pull) wire.Fate) {
	reply := &wire.PullReply{Ballot: p.Ballot, Owed: p.Owed.Ballot, Fate: wire.FateLost}
	if a.history.Contains(p.Owed.Ballot) || a.history.StagedContains(p.Owed.Ballot) {
		if reply.Fate = leave(p); reply.Fate == 0 {
			a.pulled(h, replyTo, p)
			return
		}
		if v := a.promise.View(); v != nil {
			reply.Held = v.ID
		}
	}
	a.sendDurable(core.Envelope{To: h.From, Answer: replyTo, Message: reply})
}

// pulled promises the ballot of a Pull and reports. If this node has promised a higher one, the
// Pull is old and gets no answer.
func (a *Agreement) pulled(h wire.Header, replyTo ids.ReplyTo, p *wire.Pull) {
	if recovery.Reachable(p.Ballot.Round) {
		a.bindAbove(p.Ballot)
	}
	if a.promise.Ballot() == p.Ballot {
		a.box.Event(core.Event{Kind: EventPulled, Peer: h.From, Ballot: a.history.Ballot(), View: p.View.ID})
		a.sendDurable(core.Envelope{To: h.From, Answer: replyTo, Message: a.join()})
	}
}

// onStart stages the base of the promised ballot. A repeated Start is answered again.
func (a *Agreement) onStart(h wire.Header, s *wire.Start) {
	p := a.promise
	switch self := (wire.Sighting{Node: a.cfg.Self, Inc: a.cfg.Inc}); {
	case !p.IsMember() || s.Ballot != p.Ballot() || h.From != p.Primary() || p.IsPrimary():
	case a.history.Ballot() == s.Ballot || a.history.HasStaged(s.Ballot):
		a.sendDurable(core.Envelope{To: h.From, Message: &wire.Started{Ballot: s.Ballot}})
	case !recovery.Buildable(s, self, p.Members(), a.cfg.Limits.Past):
		a.malformed(h.From, "a base that no round can have")
	case !a.receiver.Brings(s.Ballot):
		a.onTransfer(a.receiver.Begin(a.now, s, h.From))
	}
}

// onChunk takes a piece of the base, and counts it as progress if it was asked for.
func (a *Agreement) onChunk(h wire.Header, c *wire.Chunk) {
	outcome := a.receiver.OnChunk(a.now, h, c)
	if outcome == transfer.Moved || outcome == transfer.Whole {
		a.progress++
	}
	a.onTransfer(outcome)
}

// onTransfer goes on when the base is staged, or begins a new round when the base cannot come.
func (a *Agreement) onTransfer(outcome transfer.Outcome) {
	switch outcome {
	case transfer.Whole:
		a.staged()
	case transfer.Unserved:
		if a.mayBegin() {
			a.BeginRound()
		}
	}
}

// staged tells the primary that the base is here, once the base is durable. At the primary the
// other members may now fetch it.
func (a *Agreement) staged() {
	a.progress++
	if a.round != nil {
		a.round.HandOut(a.now)
	}
	a.sendDurable(core.Envelope{To: a.promise.Primary(), Message: &wire.Started{Ballot: a.promise.Ballot()}})
}

// onFetch serves a piece of a base, under the promised ballot only. So what this node serves does
// not change while it is fetched (I22).
func (a *Agreement) onFetch(h wire.Header, f *wire.Fetch) {
	if f.Ballot == a.promise.Ballot() && a.history.Ballot() != f.Ballot && f.Ballot.Round > 0 {
		a.progress++
		a.server.OnFetch(h.From, f)
	}
}

// OnChunkRead takes records that the store has read for another node.
func (a *Agreement) OnChunkRead(in *core.ChunkRead) { a.server.OnChunkRead(in) }
