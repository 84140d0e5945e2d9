package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// bootTable finds out which boots have ended, and which of their writes are lost
// (docs/causal.md §10). State is in memory, so a boot ends with its data. Otherwise a
// request that names a write which no node has any more would wait until its timeout.
//
// A boot has ended when its node has answered a question in another boot. Its writes are
// lost only after an inquiry, in which every peer has answered: until then some peer may
// still bring them. Loss is the one exception to I14 and I25, so no loss is guessed.
type bootTable struct {
	current   map[ids.Node]ids.Boot // boot of the last hello of each node
	ended     []wire.NodeBoot       // boots that have ended, the first one learnt first; at most maxEndedBoots
	resolved  map[ids.Boot]bool     // boots of ended for which an inquiry has ended: their streams are lost beyond K
	inquiry   uint64                // number of the present inquiry; ascends
	heard     wire.Vector           // positions that exist, as the answers to this inquiry report (docs/causal.md §10, rules 14 and 15)
	self      wire.NodeBoot         // this node in its present boot
	suspects  []suspect             // boots that a request waits for and that may have ended; at most catalog.MaxUnknown
	inquiring bool                  // some peer has not answered the present inquiry
	blank     bool                  // this node began empty while others may have had data (docs/causal.md §10, rule 14)

	forgotten map[ids.Node]*forgotten // nodes that operators have given up; at most maxForgotten
}

// maxEndedBoots bounds how many ended boots are remembered.
const maxEndedBoots = plausible.MaxEndedBoots

// noteBoot takes in the boot of a hello. If an earlier hello came in another boot, one of
// the two boots has ended, and the node is asked in which one it is.
func (r *Replica) noteBoot(id ids.Node, boot ids.Boot) {
	l := &r.boots
	if l.current == nil {
		l.current = map[ids.Node]ids.Boot{}
	}
	if old, known := l.current[id]; known && old != boot {
		r.suspect(wire.Stream{Node: id, Boot: old})
		r.suspect(wire.Stream{Node: id, Boot: boot})
	}
	l.current[id] = boot
}

// hasEnded reports that a boot is known to have ended.
func (l *bootTable) hasEnded(id ids.Node, boot ids.Boot) bool {
	return slices.Contains(l.ended, wire.NodeBoot{Node: id, Boot: boot})
}

// markEnded notes that a boot has ended, and begins an inquiry. Beyond maxEndedBoots the
// boot that was noted first is dropped, and has to be found out again.
func (l *bootTable) markEnded(boot wire.NodeBoot) {
	if l.hasEnded(boot.Node, boot.Boot) {
		return
	}
	if l.resolved == nil {
		l.resolved = map[ids.Boot]bool{}
	}
	l.ended = append(l.ended, boot)
	if len(l.ended) > maxEndedBoots {
		delete(l.resolved, l.ended[0].Boot)
		l.ended = slices.Delete(l.ended, 0, 1)
	}
	l.beginInquiry()
}

// beginInquiry begins an inquiry: exchanges that began before do not answer it. What earlier
// inquiries found to be lost stays lost.
func (l *bootTable) beginInquiry() {
	l.inquiry++
	l.inquiring = true
	l.heard = nil
}

// restartInquiry begins an inquiry after which everything is decided anew, because of a new
// view, or a former member or guest that has turned up. That node may have writes that
// counted as lost, so nothing counts as lost until the inquiry has ended (docs/causal.md
// §10, rule 16).
func (r *Replica) restartInquiry() {
	r.slots.BeginInquiry()
	r.boots.beginInquiry()
}

// suspect is a boot that may have ended: a request waits for a write of it, or its node has
// sent a hello in another boot.
type suspect struct {
	boot    wire.NodeBoot
	session uint64       // last question when the suspicion arose; only answers to later questions decide
	since   wire.Instant // the node is asked suspectDelay later
}

// suspect notes that a request waits for a stream. If the write does not come soon, the
// stream's node is asked in which boot it is (docs/causal.md §10, rules 5 and 6). A node is
// in one boot at a time, so an answer in another boot proves that the stream's boot has
// ended. A hello proves nothing: the hello may have been under way for long.
func (r *Replica) suspect(s wire.Stream) {
	l := &r.boots
	boot := wire.NodeBoot{Node: s.Node, Boot: s.Boot}
	known := slices.ContainsFunc(l.suspects, func(o suspect) bool { return o.boot == boot })
	if !known && len(l.suspects) < catalog.MaxUnknown && !l.hasEnded(s.Node, s.Boot) {
		l.suspects = append(l.suspects, suspect{boot, r.step.LastSession(), r.step.Now()})
		r.step.Alarm(r.step.Now() + suspectDelay)
	}
}

// answered takes in the boot in which a node has answered a question. That decides each
// suspicion of the node that arose before the question was sent.
func (l *bootTable) answered(h wire.Header, session uint64) {
	for _, s := range l.suspects {
		if s.boot.Node == h.From && session > s.session {
			if s.boot.Boot != h.Boot {
				l.markEnded(s.boot)
			}
		}
	}
	l.suspects = slices.DeleteFunc(l.suspects, func(s suspect) bool { return s.boot.Node == h.From && session > s.session })
}

// endedBoots are the ended boots that each Digest lists.
func (l *bootTable) endedBoots() []wire.NodeBoot { return slices.Clone(l.ended) }

// hearEnded takes in ended boots that a peer lists, after believable has filtered them.
func (l *bootTable) hearEnded(over []wire.NodeBoot) {
	for _, boot := range over {
		l.markEnded(boot)
	}
}

// believable filters the ended boots that a peer lists (docs/causal.md §10, rule 7). This
// node's own boot has not ended. If a hello has just come from a node in a listed boot, the
// boot is left out and the node is asked itself: otherwise one faulty node could make all
// others ignore a third one.
func (r *Replica) believable(over []wire.NodeBoot) []wire.NodeBoot {
	list := make([]wire.NodeBoot, 0, len(over))
	for _, boot := range over {
		p := r.peer(boot.Node)
		switch {
		case boot == r.boots.self:
		case p != nil && p.Boot == boot.Boot && p.Greets(r.step.Now()) && !r.boots.hasEnded(boot.Node, boot.Boot):
			r.suspect(wire.Stream{Node: boot.Node, Boot: boot.Boot})
		default:
			list = append(list, boot)
		}
	}
	return list
}

// hearPositions takes in which positions exist, from a peer whose data has all come here. A
// report counts for the streams of the peer itself and of nodes that are no peers. A report
// of another peer's stream does not count: that peer may have written more since, and
// reports itself (docs/causal.md §10, rules 14 and 15).
func (r *Replica) hearPositions(p *peer, m *wire.Digest) {
	if !r.boots.inquiring {
		return
	}
	vectors := m.Held.Vectors
	if p.former { // a former member is asked for few slots, and may be the only node that knows of the others
		vectors = append(vectors[:len(vectors):len(vectors)], m.Heard)
	}
	for _, v := range vectors {
		own := slices.DeleteFunc(slices.Clone(v), func(at wire.Position) bool {
			return at.Stream.Node != p.id && r.peer(at.Stream.Node) != nil
		})
		r.boots.heard = version.Join(r.boots.heard, own)
	}
}

// streamEnded reports that a stream's boot has ended, and that an inquiry has ended since. A
// node's own earlier boots have ended, and so have all boots of a forgotten node once every
// peer was asked (docs/causal.md §10.1, rule 4).
func (l *bootTable) streamEnded(stream wire.Stream) bool {
	if l.resolved[stream.Boot] || stream.Node == l.self.Node && stream.Boot != l.self.Boot {
		return true
	}
	f := l.forgotten[stream.Node]
	return f != nil && f.ended
}

// endStreams ends an inquiry when every peer has answered, no former members are left, and
// all owned slots are ready (docs/causal.md §10, rule 10). From then on streams of ended
// boots are lost in each owned slot, beyond K. If some boot has ended, or this node began
// empty, the positions that were reported and are not here are lost, too.
func (r *Replica) endStreams() {
	l := &r.boots
	if !l.inquiring || r.hasFormer() || r.slots.Unready() > 0 {
		return
	}
	for _, p := range r.peers {
		if p.inquired < l.inquiry {
			return
		}
	}
	l.inquiring = false
	var lost wire.Vector
	if l.blank || len(l.ended) > 0 {
		lost = l.heard
	}
	r.slots.EndInquiry(lost)
	for _, boot := range l.ended {
		if !l.resolved[boot.Boot] {
			l.resolved[boot.Boot] = true
			r.step.Event(core.Event{Kind: EventBootEnded, Peer: boot.Node})
		}
	}
	r.endForgotten()
	r.wakeAll()
}

// continueInquiry exchanges with the peers that have not answered the inquiry, while a
// request or an operator may wait for its end.
func (r *Replica) continueInquiry() {
	if r.waiting.Len()+len(r.forgettings) == 0 || !r.boots.inquiring {
		return
	}
	for _, p := range slices.Clone(r.peers) {
		if p.inquired < r.boots.inquiry && r.reachable(p) && r.exchangeOf(p) == nil {
			r.exchangeWith(p)
		}
	}
}
