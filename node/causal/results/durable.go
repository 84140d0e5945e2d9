package results

import (
	"math"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// keep keeps and persists a result, if it is new.
func (s *Results) keep(id ids.Request, result Write) {
	before, _ := s.table.Find(id)
	lost, full := s.table.Keep(id, result)
	if full {
		s.step.Event(core.Event{Kind: EventForwardForgotten, Peer: lost.Node})
		s.writeFinished(lost)
	}
	if _, fate := s.table.Find(id); fate != forward.Done || before == result {
		return
	}
	s.step.Change.Applied = append(s.step.Change.Applied, wire.AppliedWrite{
		ID: id, Hash: result.Hash, Version: result.Version, Deleted: result.Deleted, Existed: result.Existed,
	})
	s.writeFinished(wire.NodeBoot{Node: id.Node, Boot: id.Boot})
}

// writeFinished persists below which counter the writes of a forwarder are finished. Results that
// had to go for want of room are never known again, so their writes must not be taken for new
// ones after a restart (docs/causal.md §11.1, rule 6).
func (s *Results) writeFinished(f wire.NodeBoot) {
	below, list := s.table.Lowest(f), s.step.Change.Finished
	if n := len(list); n > 0 && list[n-1].Forwarder == f {
		list[n-1].Below = below
	} else if below > 0 {
		s.step.Change.Finished = append(list, wire.FinishedWrites{Forwarder: f, Below: below})
	}
}

// writeEnded persists that boots of forwarders have ended.
func (s *Results) writeEnded(list []wire.NodeBoot) {
	for _, f := range list {
		s.step.Change.Finished = append(s.step.Change.Finished, wire.FinishedWrites{Forwarder: f, Below: math.MaxUint64})
	}
}

// Recover takes up what the log has (docs/causal.md §11.2, rule 7).
func (s *Results) Recover(applied []wire.AppliedWrite, finished []wire.FinishedWrites) {
	for _, f := range finished {
		s.table.Heard(f.Forwarder, f.Below)
	}
	for i := range applied {
		a := &applied[i]
		s.table.Keep(a.ID, Write{a.Hash, a.Version, a.Deleted, a.Existed})
	}
}
