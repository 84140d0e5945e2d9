package loss

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// EventBootEnded says that an earlier process of a node is over.
var EventBootEnded = events.Info("causal_boot_ended", "an earlier process of `peer` is over; its writes that no node has are lost", core.OfPeer)

// Begin begins an inquiry: exchanges that began before do not answer it. What earlier
// inquiries found to be lost stays lost.
func (l *Boots) Begin() {
	l.inquiry++
	l.inquiring = true
	l.heard = nil
}

// Restart begins an inquiry after which everything is decided anew, because of a new view, or a
// former member or guest that has turned up. That node may have writes that counted as lost, so
// nothing counts as lost until the inquiry has ended (docs/causal.md §10, rule 16).
func (l *Boots) Restart() {
	l.slots.BeginInquiry()
	l.Begin()
}

// Inquiry is the number of the present inquiry, or of the last one.
func (l *Boots) Inquiry() uint64 { return l.inquiry }

// Inquiring reports that an inquiry is under way.
func (l *Boots) Inquiring() bool { return l.inquiring }

// NoteBlank notes that this node began empty while others may have had data.
func (l *Boots) NoteBlank() { l.blank = true }

// HearPositions takes in which positions exist, from a peer whose data has all come here. A
// report counts for the streams of the peer itself and of nodes that are no peers. A report
// of another peer's stream does not count: that peer may have written more since, and
// reports itself (docs/causal.md §10, rules 14 and 15).
func (l *Boots) HearPositions(from ids.Node, vectors []wire.Vector, isPeer func(ids.Node) bool) {
	if !l.inquiring {
		return
	}
	for _, v := range vectors {
		own := slices.DeleteFunc(slices.Clone(v), func(at wire.Position) bool {
			return at.Stream.Node != from && isPeer(at.Stream.Node)
		})
		l.heard = version.Join(l.heard, own)
	}
}

// End ends an inquiry. From then on streams of ended boots are lost in each owned slot, beyond K.
// If some boot has ended, or this node began empty, the positions that were reported and are not
// here are lost, too.
func (l *Boots) End() {
	l.inquiring = false
	var lost wire.Vector
	if l.blank || len(l.ended) > 0 {
		lost = l.heard
	}
	l.slots.EndInquiry(lost)
	for _, boot := range l.ended {
		if !l.resolved[boot.Boot] {
			l.resolved[boot.Boot] = true
			l.step.Event(core.Event{Kind: EventBootEnded, Peer: boot.Node})
		}
	}
}
