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

// bootTable says in which boot each node is, as far as this node has heard, and which
// boots have ended for good (docs/causal.md §10).
type bootTable struct {
	current   map[ids.Node]ids.Boot
	ended     []wire.NodeBoot   // boots that were replaced, in the order in which they were heard of
	resolved  map[ids.Boot]bool // ended boots whose remaining writes every node has been asked for
	inquiry   uint64            // number of the present inquiry: every node is asked for what ended boots have left
	heard     wire.Vector       // writes that are known to exist, as the answers to this inquiry say
	self      wire.NodeBoot
	suspects  []suspect // boots that a request waits for, and that may have ended
	inquiring bool      // not every node has answered this inquiry
	blank     bool      // this node began with nothing while others had data

	forgotten map[ids.Node]*forgotten // by operators
}

// maxEndedBoots bounds how many ended boots are remembered.
const maxEndedBoots = plausible.MaxEndedBoots

// noteBoot takes in the boot in which a node greets. If it is another one than before,
// one of the two has ended. The node will be asked which.
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

// hasEnded reports that a boot has ended.
func (l *bootTable) hasEnded(id ids.Node, boot ids.Boot) bool {
	return slices.Contains(l.ended, wire.NodeBoot{Node: id, Boot: boot})
}

// markEnded notes that a boot has ended.
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

// beginInquiry has every node asked for what ended boots have left.
func (l *bootTable) beginInquiry() {
	l.inquiry++
	l.inquiring = true
	l.heard = nil
}

// restartInquiry has every node asked as if none had been asked yet: there is a new
// view, or a node that was not asked has turned up. Until all have answered, no write
// counts as lost.
func (r *Replica) restartInquiry() {
	r.slots.BeginInquiry()
	r.boots.beginInquiry()
}

// suspect is a boot that a request waits for a write of.
type suspect struct {
	boot    wire.NodeBoot
	session uint64 // of the last question before
	since   wire.Instant
}

// suspect notes that a request waits for a stream. If the write does not come soon, the
// node of the stream is asked in which boot it is. If it is in another one, that of the
// stream has ended, because a node is in one boot at a time. A hello does not show
// this: it may have been under way for long.
func (r *Replica) suspect(s wire.Stream) {
	l := &r.boots
	boot := wire.NodeBoot{Node: s.Node, Boot: s.Boot}
	known := slices.ContainsFunc(l.suspects, func(o suspect) bool { return o.boot == boot })
	if !known && len(l.suspects) < catalog.MaxUnknown && !l.hasEnded(s.Node, s.Boot) {
		l.suspects = append(l.suspects, suspect{boot, r.sessions, r.now})
		r.alarm(r.now + suspectDelay)
	}
}

// answered takes in that a node has answered a question.
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

// endedBoots is what others are told of ended boots.
func (l *bootTable) endedBoots() []wire.NodeBoot { return slices.Clone(l.ended) }

// hearEnded takes in which boots have ended, as another node says.
func (l *bootTable) hearEnded(over []wire.NodeBoot) {
	for _, boot := range over {
		l.markEnded(boot)
	}
}

// believable keeps those of the boots said to have ended of which this may be true. It
// is not true of this node's own. A node that greeted lately in such a boot is asked
// itself: otherwise one faulty node could make all others ignore it.
func (r *Replica) believable(over []wire.NodeBoot) []wire.NodeBoot {
	list := make([]wire.NodeBoot, 0, len(over))
	for _, boot := range over {
		p := r.peer(boot.Node)
		switch {
		case boot == r.boots.self:
		case p != nil && p.Boot == boot.Boot && p.Greets(r.now) && !r.boots.hasEnded(boot.Node, boot.Boot):
			r.suspect(wire.Stream{Node: boot.Node, Boot: boot.Boot})
		default:
			list = append(list, boot)
		}
	}
	return list
}

// hearPositions takes in which writes exist, as a peer says whose data has all come
// here: writes of its own streams, and of nodes that are not peers. Another peer will
// report its own streams. It may have written more since this one heard of it.
func (r *Replica) hearPositions(p *peer, m *wire.Digest) {
	if !r.boots.inquiring {
		return
	}
	vectors := m.Held.Vectors
	if p.former { // it is asked for few slots, and nobody else may know
		vectors = append(vectors[:len(vectors):len(vectors)], m.Heard)
	}
	for _, v := range vectors {
		own := slices.DeleteFunc(slices.Clone(v), func(at wire.Position) bool {
			return at.Stream.Node != p.id && r.peer(at.Stream.Node) != nil
		})
		r.boots.heard = version.Join(r.boots.heard, own)
	}
}

// streamEnded reports that a stream was of a boot that has ended.
func (l *bootTable) streamEnded(stream wire.Stream) bool {
	if l.resolved[stream.Boot] || stream.Node == l.self.Node && stream.Boot != l.self.Boot {
		return true
	}
	f := l.forgotten[stream.Node]
	return f != nil && f.ended
}

// endStreams ends an inquiry when every member and former member has answered it. A
// write of an ended boot that is known to exist, and is not here by then, is lost.
//
// An inquiry begins when a boot has ended, the view is new, or a node or a slot has
// come.
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
			r.box.Event(core.Event{Kind: EventBootEnded, Peer: boot.Node})
		}
	}
	r.endForgotten()
	r.wakeAll()
}

// continueInquiry asks the nodes that have not answered the inquiry, while a request
// may wait for its end.
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
