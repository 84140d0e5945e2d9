package strong

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/strong/transfer"
	"github.com/cohortkv/cohort/node/wire"
)

// stage brings the base of a ballot here. At the primary the provider is the holder that
// the decision named, elsewhere the primary.
func (r *Replica) stage(s *wire.Start, provider ids.Node) {
	r.onTransfer(r.receiver.Begin(r.now, s, provider))
}

// OnStart stages the base of a ballot that this node has promised.
func (r *Replica) OnStart(h wire.Header, s *wire.Start) {
	if !r.member || s.Ballot != r.promised || h.From != r.primary || r.isPrimary() {
		return
	}
	if r.hist.Ballot() == s.Ballot || r.hist.HasStaged(s.Ballot) {
		r.sendDurable(h.From, &wire.Started{Ballot: s.Ballot})
		return
	}
	if !recovery.Buildable(s, wire.Sighting{Node: r.cfg.Self, Inc: r.cfg.Inc}, r.members, r.cfg.Limits.Past) {
		r.malformed(h.From, "a base that no round can have")
		return
	}
	if !r.receiver.Brings(s.Ballot) {
		r.stage(s, h.From)
	}
}

// OnChunk takes a piece of the base.
func (r *Replica) OnChunk(h wire.Header, c *wire.Chunk) {
	outcome := r.receiver.OnChunk(r.now, h, c)
	if outcome == transfer.Moved || outcome == transfer.Whole {
		r.progress++
	}
	r.onTransfer(outcome)
}

// onTransfer goes on when a base is here, or cannot come.
func (r *Replica) onTransfer(outcome transfer.Outcome) {
	switch outcome {
	case transfer.Whole:
		r.staged()
	case transfer.Unserved:
		if r.mayBegin() {
			r.beginRound()
		}
	}
}

// staged tells the primary that the base is here, once that is durable. The primary then
// starts the other members.
func (r *Replica) staged() {
	r.progress++
	if r.round != nil {
		r.round.HandOut(r.now)
	}
	r.sendDurable(r.primary, &wire.Started{Ballot: r.promised})
	if mutant.On(mutant.BaseEntryByEntry) && r.hist.Staged().Fresh {
		r.swapIn()
	}
}

// OnFetch serves a piece of a base. This node has promised the round, so what it reports
// does not move (I22).
func (r *Replica) OnFetch(h wire.Header, f *wire.Fetch) {
	if f.Ballot != r.promised || r.hist.Ballot() == f.Ballot || f.Ballot.Round == 0 {
		return
	}
	r.progress++
	r.server.OnFetch(h.From, f)
}

// OnChunkRead sends records that the store has read.
func (r *Replica) OnChunkRead(in *core.ChunkRead) { r.server.OnChunkRead(in) }
