package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// lives says which life each node leads, as far as it was heard of, and which of the
// lives before are over for good (docs/causal.md §10).
type lives struct {
	now  map[wire.NodeID]wire.Boot
	over map[wire.NodeID]wire.Boot // lives that are known with all that is left of those before
	news uint64                    // grows whenever a life is heard of for the first time
}

// note takes in which life a node leads.
func (l *lives) note(id wire.NodeID, boot wire.Boot) {
	if l.now == nil {
		l.now, l.over = map[wire.NodeID]wire.Boot{}, map[wire.NodeID]wire.Boot{}
	}
	if l.now[id] != boot {
		l.now[id] = boot
		l.news++
	}
}

// pending reports that lives were heard of, and not everybody was asked since for
// what is left of those before.
func (l *lives) pending() bool {
	for id, boot := range l.now { //maporder:ok any will do
		if l.over[id] != boot {
			return true
		}
	}
	return false
}

// ended reports that a stream was of a life that is over, and that all that is left
// of it has been brought in.
func (l *lives) ended(stream wire.Stream) bool {
	boot, ok := l.over[stream.Node]
	return ok && stream.Boot != boot
}

// endStreams ends the streams of lives that are over, when every member and former
// member has been asked since, and none of them knows of others that were not. What
// they wrote and nobody has is lost.
func (r *Replica) endStreams() {
	if r.hasFormer() || !r.lives.pending() {
		return
	}
	for _, p := range r.peers {
		if p.surveyed < r.lives.news || p.unsettled {
			return
		}
	}
	var ids []wire.NodeID
	for id, boot := range r.lives.now { //maporder:ok put in order below
		if old, known := r.lives.over[id]; old != boot {
			r.lives.over[id] = boot
			if known {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		r.box.Event(wire.Event{Kind: EventEnded, Peer: id})
	}
	r.wakeAll()
}

// inquireAfterLives asks everybody for what is left of lives that are over, while
// somebody may wait for it.
func (r *Replica) inquireAfterLives() {
	if len(r.waiting) == 0 || !r.lives.pending() {
		return
	}
	for _, p := range slices.Clone(r.peers) {
		if (p.surveyed < r.lives.news || p.unsettled) && r.reachable(p) && r.pullOf(p) == nil {
			r.pullFrom(p)
		}
	}
}
