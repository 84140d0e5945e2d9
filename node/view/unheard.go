package view

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Unheard lists the shards of which this node hears no member: requests for their keys wait.
// The list is as of the last hellos. It never has the node's own shard, and is not written to
// afterwards.
func (mgr *Manager) Unheard() []core.ShardWait { return mgr.unheard }

// findUnheard finds the shards for Unheard.
func (mgr *Manager) findUnheard() (list []core.ShardWait) {
	if mgr.view == nil || mgr.outside {
		return nil
	}
	for i := range mgr.view.Layout.Shards {
		s := &mgr.view.Layout.Shards[i]
		if w, unheard := mgr.unheardShard(s); unheard {
			list = append(list, w)
		}
	}
	return list
}

// unheardShard reports whether no member of a shard is heard. A shard that was unheard before
// keeps the time since when.
func (mgr *Manager) unheardShard(s *wire.Shard) (w core.ShardWait, unheard bool) {
	w.Shard = s.Name
	for _, m := range s.Members {
		p := mgr.peer(m.ID)
		if p == nil || mgr.heardInTime(p) {
			return w, false
		}
		w.Members = append(w.Members, m.ID)
		w.Since = max(w.Since, p.at, mgr.heldAt)
	}
	if i := slices.IndexFunc(mgr.unheard, func(o core.ShardWait) bool { return o.Shard == s.Name }); i >= 0 {
		w.Since = min(w.Since, mgr.unheard[i].Since)
	}
	return w, len(w.Members) > 0
}

// heardInTime reports whether a member is not silent, or may still send its first hello under
// this view.
func (mgr *Manager) heardInTime(p *peer) bool {
	if !p.ever {
		return mgr.now-mgr.heldAt <= p.silence()
	}
	return !mgr.silent(p)
}
