package causal

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Lag fills in, for each other member, how long ago its last hello came. For the replicas of
// this node's shard it adds how many own writes they have not acknowledged, and how many of
// their writes are missing here.
func (r *Replica) Lag(l *core.Lag) {
	for _, p := range r.peers.All() {
		if !p.Member {
			continue
		}
		m := core.MemberLag{Node: p.ID, Replica: p.Replica}
		since, greeted := p.SinceHello(r.step.Now())
		if m.Greeted = greeted; greeted {
			m.Silent = since
		}
		if p.Replica {
			m.Unacked = r.streams.Own.Unacked(p.ID)
			if t := r.streams.Track(wire.Stream{View: r.view.ID(), Node: p.ID, Boot: p.Boot}); t != nil {
				m.Missing = t.Missing()
			}
		}
		l.Members = append(l.Members, m)
	}
}
