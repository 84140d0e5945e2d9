package view

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Unheard lists the shards of which no member is heard: requests for their keys wait.
// It is as of the last tick, and not written to afterwards. The node's own shard is
// never in it.
func (k *Keeper) Unheard() []wire.ShardWait { return k.unheard }

// lookForUnheard finds those shards.
func (k *Keeper) lookForUnheard() (list []wire.ShardWait) {
	if k.view == nil || k.outside {
		return nil
	}
	for i := range k.view.Layout.Shards {
		s := &k.view.Layout.Shards[i]
		if w, unheard := k.unheardShard(s); unheard {
			list = append(list, w)
		}
	}
	return list
}

func (k *Keeper) unheardShard(s *wire.Shard) (w wire.ShardWait, unheard bool) {
	w.Shard = s.Name
	for _, m := range s.Members {
		p := k.peer(m.ID)
		if p == nil || k.heardInTime(p) {
			return w, false
		}
		w.Members = append(w.Members, m.ID)
		w.Since = max(w.Since, p.at, k.heldAt)
	}
	if i := slices.IndexFunc(k.unheard, func(o wire.ShardWait) bool { return o.Shard == s.Name }); i >= 0 {
		w.Since = min(w.Since, k.unheard[i].Since)
	}
	return w, len(w.Members) > 0
}

// heardInTime reports that a member was heard lately, or may yet be for the first time
// in this view.
func (k *Keeper) heardInTime(p *peer) bool {
	if !p.ever {
		return k.now-k.heldAt <= p.silence()
	}
	return !k.silent(p)
}
