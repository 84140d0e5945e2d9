package schedule

import "github.com/cohortkv/cohort/node/wire"

// Garbling says which messages of a run are garbled: nodes send messages that no correct
// node sends. The protocols take nodes for honest (docs/strong.md §12), so the witness and
// the truth check nothing in such a run. These properties must hold all the same. No core
// panics, works without end or grows without bound. No boot breaks its own commitments.
// Every PUT is answered in time. When the garbling is over and a list was put, strong
// buckets serve and their replicas are equal.
type Garbling struct {
	Count  int         // the most messages that are garbled; none after the faults end
	From   Nodes       // the nodes that send them
	Script []byte      // makes the choices instead of the seed, for the fuzzer; then From is ignored
	Kinds  []wire.Kind // the kinds that are garbled; nil: all
}

// garbledKinds are the sets of message kinds that one schedule may garble. These kinds are
// rare beside hellos and exchanges, and the protocols depend on them most.
var garbledKinds = [][]wire.Kind{
	{wire.KindPrepare},
	{wire.KindPrepare, wire.KindAck},
	{wire.KindForward, wire.KindForwardReply},
	{wire.KindJoinRequest, wire.KindJoin, wire.KindBallotTooLow},
	{wire.KindStart, wire.KindStarted, wire.KindActive},
	{wire.KindNewView, wire.KindNewViewReply},
	{wire.KindQueryReply},
	{wire.KindConfirm, wire.KindConfirmed, wire.KindCancel},
}

// Garbled reports whether nodes send garbled messages in the run.
func (s *Schedule) Garbled() bool { return s.Garbling.Count > 0 }

// garbling draws which nodes send garbled messages, and how often.
func (g *generator) garbling(s *Schedule) {
	s.Garbling = Garbling{Count: 1 + g.rng.IntN(60), From: One(g.rng.IntN(g.nodes))}
	if g.model.Strong() && g.chance(0.7) {
		s.Garbling.Kinds = pick(g.rng, garbledKinds...)
	}
	if g.chance(0.3) {
		s.Garbling.From = g.side()
	}
	for i := range s.Clients { // a value that is written once shows until the end how it was changed
		for j := range s.Clients[i].Ops {
			s.Clients[i].Ops[j].Key = g.rng.IntN(16)
		}
	}
}
