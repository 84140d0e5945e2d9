package causal

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Lag lists the other members of the view, with what is known to be missing between
// this node and the replicas of its shard.
func (r *Replica) Lag(l *core.Lag) {
	for _, p := range r.peers {
		if !p.member {
			continue
		}
		m := core.MemberLag{Node: p.id, Replica: p.replica}
		since, greeted := p.SinceHello(r.now)
		if m.Greeted = greeted; greeted {
			m.Silent = since
		}
		if p.replica {
			m.Unacked = r.streams.Own.Unacked(p.id)
			if t := r.streams.Track(wire.Stream{View: r.view.ID, Node: p.id, Boot: p.Boot}); t != nil {
				m.Missing = t.Missing()
			}
		}
		l.Members = append(l.Members, m)
	}
}
