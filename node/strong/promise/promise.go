// Package promise is what a node is bound to: its view, the ballot that it has promised, and the
// ballots that it owes (docs/strong.md §2). One write makes all of it durable.
//
// The promise makes rounds safe. A node acknowledges, confirms and swaps in for the promised
// ballot only (I2). So when all members have promised a new ballot, no earlier ballot of theirs
// commits anything any more. The caller sends nothing under a promise before the write Written
// is durable.
package promise

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// Promise is what one node is bound to. The promised ballot only grows.
type Promise struct {
	self       ids.Node
	inc        ids.Incarnation
	box        *core.Outbox
	leftBehind func() bool // a member of view went on without this node

	view     *wire.View         // nil: none
	viewAt   wire.Instant       // when view was adopted, in this boot
	members  []wire.Member      // members of view, ascending by id
	isMember bool               // view lists this node
	primary  ids.Node           // the member of view with the lowest id
	ballot   ids.Ballot         // the promised ballot; round 0: the view was adopted, and no round of it was promised
	owed     []wire.KnownBallot // ballots that the view's author knew of, and that the history does not contain (I24)
	written  uint64             // number of the last write of all this
}

// New returns the promise of a node without a view. leftBehind reports whether a member of the
// view went on without this node.
func New(self ids.Node, inc ids.Incarnation, box *core.Outbox, leftBehind func() bool) *Promise {
	return &Promise{self: self, inc: inc, box: box, leftBehind: leftBehind}
}

// Recover takes up what a node finds of itself when it starts with its state.
func (p *Promise) Recover(m *wire.NodeMeta, now wire.Instant) {
	p.ballot, p.owed = m.Promised, m.Owed
	if m.Present {
		v := m.View
		p.setView(&v, now)
	}
}

// Restarted takes the first instant of this boot as that of the view's adoption: no member could
// be heard before.
func (p *Promise) Restarted(now wire.Instant) { p.viewAt = now }

func (p *Promise) setView(v *wire.View, now wire.Instant) {
	p.view, p.viewAt = v, now
	p.members = v.Layout.Members()
	p.isMember = v.Has(p.self)
	p.primary, _ = v.Primary()
}

// Adopt takes a view. A member then owes the ballots that the view's author knew of and that the
// history does not contain. A staged base does not count: a later round may find that its ballot
// never was active, and drop it. The view is durable with the next Persist.
func (p *Promise) Adopt(v *wire.View, now wire.Instant, h *history.History) {
	p.setView(v, now)
	if !p.isMember {
		return
	}
	for _, k := range v.Known {
		contained := h.Contains(k.Ballot)
		listed := slices.ContainsFunc(p.owed, func(o wire.KnownBallot) bool { return o.Ballot == k.Ballot })
		if !contained && !listed {
			p.owed = append(p.owed, k)
		}
	}
}

// View is the view of this node; nil: none.
func (p *Promise) View() *wire.View { return p.view }

// ViewAt is when the view was adopted.
func (p *Promise) ViewAt() wire.Instant { return p.viewAt }

// Members are the members of the view. The caller must not change them.
func (p *Promise) Members() []wire.Member { return p.members }

// IsMember reports whether this node is in its view.
func (p *Promise) IsMember() bool { return p.isMember }

// Primary is the primary of the view.
func (p *Promise) Primary() ids.Node { return p.primary }

// IsPrimary reports whether this node is the primary of its view.
func (p *Promise) IsPrimary() bool { return p.isMember && p.primary == p.self }

// Ballot is the promised ballot: the only one that this node acknowledges, confirms and swaps in.
func (p *Promise) Ballot() ids.Ballot { return p.ballot }

// Written is the number of the write that made the promise durable, or will.
func (p *Promise) Written() uint64 { return p.written }

// Kept reports whether a history is of the promised ballot, and that ballot is of a round of this
// node's view. Then the node has swapped in the base of its view.
func (p *Promise) Kept(h *history.History) bool {
	return p.isMember && h.Ballot() == p.ballot && p.ballot.View == p.view.ID && p.ballot.Round > 0
}

// Bind promises a ballot. The caller then ends all that this node did for an earlier ballot, and
// calls Persist.
func (p *Promise) Bind(b ids.Ballot) { p.ballot = b }

// Persist makes the view, the promise and the owed ballots durable.
func (p *Promise) Persist() {
	m := &wire.NodeMeta{Inc: p.inc, Promised: p.ballot, Owed: p.Owed()}
	if p.view != nil {
		m.Present, m.View, m.LeftBehind = true, *p.view, p.leftBehind()
	}
	p.written = p.box.Persist(wire.Write{Kind: wire.WriteMeta, Meta: m})
}

// Owed returns a copy of the ballots that this node owes.
func (p *Promise) Owed() []wire.KnownBallot { return slices.Clone(p.owed) }

// DropOwed removes the owed ballots that the history now contains, or that were given up.
func (p *Promise) DropOwed(h *history.History, givenUp []ids.Ballot) {
	before := len(p.owed)
	p.owed = slices.DeleteFunc(p.owed, func(k wire.KnownBallot) bool {
		return h.Contains(k.Ballot) || slices.Contains(givenUp, k.Ballot)
	})
	if len(p.owed) != before {
		p.Persist()
	}
}
