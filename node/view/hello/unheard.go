package hello

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Unheard lists the shards of which this node hears no member: requests for their keys wait.
// The list is as of the last hellos. It never has the node's own shard, and is not written to
// afterwards.
func (p *Peers) Unheard() []core.ShardWait { return p.unheard }

// findUnheard finds the shards for Unheard.
func (p *Peers) findUnheard(now wire.Instant) (list []core.ShardWait) {
	if p.held.Outside() {
		return nil
	}
	shards := p.held.View().Layout.Shards
	for i := range shards {
		if w, unheard := p.unheardShard(now, &shards[i]); unheard {
			list = append(list, w)
		}
	}
	return list
}

// unheardShard reports whether no member of a shard is heard. A shard that was unheard before
// keeps the time since when.
func (p *Peers) unheardShard(now wire.Instant, s *wire.Shard) (w core.ShardWait, unheard bool) {
	w.Shard = s.Name
	for _, member := range s.Members {
		m := p.find(member.ID)
		if m == nil || p.heardInTime(now, m) {
			return w, false
		}
		w.Members = append(w.Members, m.id)
		w.Since = max(w.Since, m.at, p.held.Since())
	}
	if i := slices.IndexFunc(p.unheard, func(o core.ShardWait) bool { return o.Shard == s.Name }); i >= 0 {
		w.Since = min(w.Since, p.unheard[i].Since)
	}
	return w, len(w.Members) > 0
}

// heardInTime reports whether a member is not silent, or may still send its first hello under
// this view.
func (p *Peers) heardInTime(now wire.Instant, m *peer) bool {
	if !m.ever {
		return now-p.held.Since() <= m.silence()
	}
	return !m.silent(now)
}
