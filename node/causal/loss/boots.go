// Package loss finds out which boots have ended, and which of their writes are lost
// (docs/causal.md §10). A boot may end with its data. Without this package a request that names a
// write which no node has any more would wait until its timeout. A node that comes back with its
// data has lost nothing, and nobody need know that: the same rules hold (docs/causal.md §11.3).
//
// A boot has ended when its node has answered a question in another boot. Its writes are lost
// only after an inquiry, in which every peer has answered: until then some peer may still bring
// them. Loss is the one exception to I14 and I25, so no loss is guessed.
//
// The caller asks the peers, and says when an inquiry has ended. Boots is a state machine without
// I/O. One goroutine at a time may use it.
package loss

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Times and bounds.
const (
	SuspectDelay = 200 * wire.Millisecond // how long a request waits for a stream before the stream's node is asked in which boot it is
	suspectFor   = 3 * wire.Second        // how long a boot is suspected for which no request waits
	MaxEnded     = 1000                   // boots that have ended
	MaxForgotten = 1024                   // nodes that operators have given up; a Digest that lists more is refused
)

// Boots is what a node knows of the boots of all nodes, its own earlier ones too.
type Boots struct {
	step  *step.Step
	slots *slots.Table // says in which slots something is lost

	current  map[ids.Node]ids.Boot   // boot of the last hello of each node
	ended    []wire.NodeBoot         // boots that have ended, the first one learnt first; at most MaxEnded
	resolved map[ids.Boot]bool       // boots of ended for which an inquiry has ended: their streams are lost beyond K
	suspects []suspect               // boots that a request waits for and that may have ended; at most catalog.MaxUnknown
	given    map[ids.Node]*forgotten // nodes that operators have given up; at most MaxForgotten

	inquiry   uint64      // number of the present inquiry; ascends
	inquiring bool        // some peer has not answered the present inquiry
	heard     wire.Vector // positions that exist, as the answers to this inquiry report (docs/causal.md §10, rules 14 and 15)
	blank     bool        // this node began empty while others may have had data (docs/causal.md §10, rule 14)
}

// suspect is a boot that may have ended: a request waits for a write of it, or its node has
// sent a hello in another boot.
type suspect struct {
	boot    wire.NodeBoot
	session uint64       // last question when the suspicion arose; only answers to later questions decide
	since   wire.Instant // the node is asked SuspectDelay later
}

// New returns the boots as a node knows them at its start. It begins an inquiry: clients may
// name writes that this node made in an earlier boot and lost.
func New(s *step.Step, t *slots.Table) *Boots {
	l := &Boots{step: s, slots: t, current: map[ids.Node]ids.Boot{}, resolved: map[ids.Boot]bool{}, given: map[ids.Node]*forgotten{}}
	l.Begin()
	return l
}

// Note takes in the boot of a hello. If an earlier hello came in another boot, one of the two
// boots has ended, and the node is asked in which one it is.
func (l *Boots) Note(id ids.Node, boot ids.Boot) {
	if old, known := l.current[id]; known && old != boot {
		l.Suspect(wire.Stream{Node: id, Boot: old})
		l.Suspect(wire.Stream{Node: id, Boot: boot})
	}
	l.current[id] = boot
}

// Ended reports that a boot is known to have ended.
func (l *Boots) Ended(id ids.Node, boot ids.Boot) bool {
	return slices.Contains(l.ended, wire.NodeBoot{Node: id, Boot: boot})
}

// List are the ended boots that each Digest tells.
func (l *Boots) List() []wire.NodeBoot { return slices.Clone(l.ended) }

// markEnded notes that a boot has ended, and begins an inquiry. Beyond MaxEnded the boot that
// was noted first is dropped, and has to be found out again.
func (l *Boots) markEnded(boot wire.NodeBoot) {
	if l.Ended(boot.Node, boot.Boot) {
		return
	}
	l.ended = append(l.ended, boot)
	if len(l.ended) > MaxEnded {
		delete(l.resolved, l.ended[0].Boot)
		l.ended = slices.Delete(l.ended, 0, 1)
	}
	l.Begin()
}

// Suspect notes that a request waits for a stream. If the write does not come soon, the
// stream's node is asked in which boot it is (docs/causal.md §10, rules 5 and 6). A node is
// in one boot at a time, so an answer in another boot proves that the stream's boot has
// ended. A hello proves nothing: the hello may have been under way for long.
func (l *Boots) Suspect(s wire.Stream) {
	boot := wire.NodeBoot{Node: s.Node, Boot: s.Boot}
	known := slices.ContainsFunc(l.suspects, func(o suspect) bool { return o.boot == boot })
	if !known && len(l.suspects) < catalog.MaxUnknown && !l.Ended(s.Node, s.Boot) {
		l.suspects = append(l.suspects, suspect{boot, l.step.LastSession(), l.step.Now()})
		l.step.Alarm(l.step.Now() + SuspectDelay)
	}
}

// Suspecting reports that some boot is suspected.
func (l *Boots) Suspecting() bool { return len(l.suspects) > 0 }

// MustAsk reports that a boot of a node has been suspected for long enough to ask the node.
func (l *Boots) MustAsk(id ids.Node) bool {
	return slices.ContainsFunc(l.suspects, func(s suspect) bool {
		return s.boot.Node == id && l.step.Now()-s.since >= SuspectDelay
	})
}

// DropSuspects drops suspicions that have lasted for long. It is called while no request waits.
func (l *Boots) DropSuspects() {
	l.suspects = slices.DeleteFunc(l.suspects, func(s suspect) bool { return l.step.Now()-s.since >= suspectFor })
}

// Answered takes in the boot in which a node has answered a question. That decides each
// suspicion of the node that arose before the question was sent.
func (l *Boots) Answered(h wire.Header, session uint64) {
	for _, s := range l.suspects {
		if s.boot.Node == h.From && session > s.session {
			if s.boot.Boot != h.Boot {
				l.markEnded(s.boot)
			}
		}
	}
	l.suspects = slices.DeleteFunc(l.suspects, func(s suspect) bool { return s.boot.Node == h.From && session > s.session })
}

// Hear takes in ended boots that a peer lists (docs/causal.md §10, rule 7). This node's own boot
// has not ended. present says that a hello has just come from a node in a boot. Such a boot is
// left out and the node is asked itself: otherwise one faulty node could make all others ignore
// a third one.
func (l *Boots) Hear(over []wire.NodeBoot, present func(wire.NodeBoot) bool) {
	var believed []wire.NodeBoot
	for _, boot := range over {
		switch {
		case boot == l.step.Self:
		case present(boot) && !l.Ended(boot.Node, boot.Boot):
			l.Suspect(wire.Stream{Node: boot.Node, Boot: boot.Boot})
		default:
			believed = append(believed, boot)
		}
	}
	for _, boot := range believed {
		l.markEnded(boot)
	}
}

// StreamEnded reports that a stream's boot has ended, and that an inquiry has ended since. A
// node's own earlier boots have ended, and so have all boots of a forgotten node once every
// peer was asked (docs/causal.md §10.1, rule 4).
func (l *Boots) StreamEnded(stream wire.Stream) bool {
	return l.resolved[stream.Boot] || stream.Node == l.step.Self.Node && stream.Boot != l.step.Self.Boot || l.GivenUp(stream.Node)
}
