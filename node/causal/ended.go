package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// lives says which life each node leads, as far as it was heard of, and which lives
// are over for good (docs/causal.md §10).
type lives struct {
	now      map[wire.NodeID]wire.Boot
	list     []wire.NodeBoot    // that were replaced, as they were heard of
	over     map[wire.Boot]bool // of them: everybody has been asked since for what is left
	news     uint64             // grows whenever one is heard of
	heard    wire.Vector        // what anybody said to know since
	self     wire.NodeBoot
	suspects []suspect // that somebody waits for, and that may be over
	asking   bool      // not everybody was asked since
	blank    bool      // this node began with nothing while others had something

	forgotten map[wire.NodeID]*forgotten // by operators
}

// maxLives bounds how many lives that are over are remembered.
const maxLives = 1000

// noteLife takes in which life a node greets in. If that is another one than before,
// one of the two is over; which, it will be asked.
func (r *Replica) noteLife(id wire.NodeID, boot wire.Boot) {
	l := &r.lives
	if l.now == nil {
		l.now = map[wire.NodeID]wire.Boot{}
	}
	if old, known := l.now[id]; known && old != boot {
		r.suspect(wire.Stream{Node: id, Boot: old})
		r.suspect(wire.Stream{Node: id, Boot: boot})
	}
	l.now[id] = boot
}

// isOver reports that a life has ended.
func (l *lives) isOver(id wire.NodeID, boot wire.Boot) bool {
	return slices.Contains(l.list, wire.NodeBoot{Node: id, Boot: boot})
}

// replaced notes that a life is over.
func (l *lives) replaced(life wire.NodeBoot) {
	if l.isOver(life.Node, life.Boot) {
		return
	}
	if l.over == nil {
		l.over = map[wire.Boot]bool{}
	}
	l.list = append(l.list, life)
	if len(l.list) > maxLives {
		delete(l.over, l.list[0].Boot)
		l.list = slices.Delete(l.list, 0, 1)
	}
	l.begin()
}

// begin has everybody asked for what is left.
func (l *lives) begin() {
	l.news++
	l.asking = true
	l.heard = nil
}

// askAnew has everybody asked as if nobody had been yet: there is a new view, or somebody
// has turned up who was not asked. Until then nothing is lost.
func (r *Replica) askAnew() {
	for i := range r.slots.all {
		s := &r.slots.all[i]
		s.asked, s.lost = false, nil
	}
	r.lives.begin()
}

// suspect is a life that somebody waits for something of.
type suspect struct {
	life    wire.NodeBoot
	session uint64 // of the last question before
	since   wire.Instant
}

// suspect notes that somebody waits for a stream. If it has not come soon, its node
// will be asked in which life it is: if in another one, that of the stream is over,
// because a node leads one at a time. A greeting does not tell: it may have been under
// way for long.
func (r *Replica) suspect(s wire.Stream) {
	l := &r.lives
	life := wire.NodeBoot{Node: s.Node, Boot: s.Boot}
	known := slices.ContainsFunc(l.suspects, func(o suspect) bool { return o.life == life })
	if !known && len(l.suspects) < maxUnknown && !l.isOver(s.Node, s.Boot) {
		l.suspects = append(l.suspects, suspect{life, r.sessions, r.now})
		r.alarm(r.now + askLives)
	}
}

// answered takes in that a node has answered a question.
func (l *lives) answered(h wire.Header, session uint64) {
	for _, s := range l.suspects {
		if s.life.Node == h.From && session > s.session {
			if s.life.Boot != h.Boot {
				l.replaced(s.life)
			}
		}
	}
	l.suspects = slices.DeleteFunc(l.suspects, func(s suspect) bool { return s.life.Node == h.From && session > s.session })
}

// told is what others are told of lives that are over.
func (l *lives) told() []wire.NodeBoot { return slices.Clone(l.list) }

// hear takes in which lives another node says to be over.
func (l *lives) hear(over []wire.NodeBoot) {
	for _, life := range over {
		l.replaced(life)
	}
}

// believable are those of the lives that are said to be over of which that may be. This
// one is not. Who greeted in one of them just now is asked itself: otherwise one node
// that is wrong could have all others listen to that one no more.
func (r *Replica) believable(over []wire.NodeBoot) []wire.NodeBoot {
	list := make([]wire.NodeBoot, 0, len(over))
	for _, life := range over {
		p := r.peer(life.Node)
		switch {
		case life == r.lives.self:
		case p != nil && p.greeted && p.boot == life.Boot && r.now-p.helloAt <= p.silence() && !r.lives.isOver(life.Node, life.Boot):
			r.suspect(wire.Stream{Node: life.Node, Boot: life.Boot})
		default:
			list = append(list, life)
		}
	}
	return list
}

// hearPositions takes in what a peer said to know, when all that it had of it is here: of
// its own streams, and of those of nodes that are not peers. How far the stream of a third
// one goes that one will say itself: it may have written more since the others heard.
func (r *Replica) hearPositions(p *peer, m *wire.Digest) {
	if !r.lives.asking {
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
		r.lives.heard = join(r.lives.heard, own)
	}
}

// ended reports that a stream was of a life that is over.
func (l *lives) ended(stream wire.Stream) bool {
	if l.over[stream.Boot] || stream.Node == l.self.Node && stream.Boot != l.self.Boot {
		return true
	}
	f := l.forgotten[stream.Node]
	return f != nil && f.ended
}

// endStreams gives up what nobody has, when a life is over, the view is new, or somebody
// or a slot has come, and every member and former member has been asked since: what of
// the streams of lives that are over is not here, and what anybody knows to have been
// written, is lost.
func (r *Replica) endStreams() {
	l := &r.lives
	if !l.asking || r.hasFormer() || r.slots.unready > 0 {
		return
	}
	for _, p := range r.peers {
		if p.surveyed < l.news {
			return
		}
	}
	l.asking = false
	j := &joiner{}
	for i := range r.slots.all {
		if s := &r.slots.all[i]; s.owned {
			s.asked = true
			if l.blank || len(l.list) > 0 {
				s.lost = j.join(s.lost, l.heard)
			}
		}
	}
	for _, life := range l.list {
		if !l.over[life.Boot] {
			l.over[life.Boot] = true
			r.box.Event(wire.Event{Kind: EventBootEnded, Peer: life.Node})
		}
	}
	r.endForgotten()
	r.wakeAll()
}

// inquireAfterLives asks everybody for what is left of lives that are over, while
// somebody may wait for it.
func (r *Replica) inquireAfterLives() {
	if len(r.waiting)+len(r.forgettings) == 0 || !r.lives.asking {
		return
	}
	for _, p := range slices.Clone(r.peers) {
		if p.surveyed < r.lives.news && r.reachable(p) && r.pullOf(p) == nil {
			r.pullFrom(p)
		}
	}
}
