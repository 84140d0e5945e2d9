// Package promise is what a node is bound to: its view, the ballot that it has promised, and
// the ballots that it owes (docs/strong.md §2). All of it is durable in one write.
//
// The promise is what makes a round safe. A node acknowledges, confirms and swaps in for the
// promised ballot only (I2). So when all members have promised a new ballot, none of the
// earlier ones commits anything any more.
package promise

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// Promise is what one node is bound to.
type Promise struct {
	self ids.Node
	inc  ids.Incarnation
	box  *core.Outbox

	view     *wire.View         // nil: none
	viewAt   wire.Instant       // when it was adopted
	members  []wire.Member      // of the view
	isMember bool               // this node is one
	primary  ids.Node           // of the view
	ballot   ids.Ballot         // that was promised
	owed     []wire.KnownBallot // that the view's author knew of and the history does not contain (I24)
	written  uint64             // the write that made all this durable
}

// New returns the promise of a node without a view.
func New(self ids.Node, inc ids.Incarnation, box *core.Outbox) *Promise {
	return &Promise{self: self, inc: inc, box: box}
}

// Recover takes up what a node finds of itself when it starts.
func (p *Promise) Recover(m *core.NodeMeta, now wire.Instant) {
	p.ballot, p.owed = m.Promised, m.Owed
	if m.Present {
		v := m.View
		p.setView(&v, now)
	}
}

func (p *Promise) setView(v *wire.View, now wire.Instant) {
	p.view, p.viewAt = v, now
	p.members = v.Layout.Members()
	p.isMember = v.Has(p.self)
	p.primary, _ = v.Primary()
}

// Adopt takes a view. A member owes what the view's author knew of and the history lacks.
// A staged base does not count: a round may find that it never was active, and drop it. The
// view is durable after the next Bind or Persist.
func (p *Promise) Adopt(v *wire.View, now wire.Instant, h *history.History) {
	p.setView(v, now)
	if !p.isMember {
		return
	}
	for _, k := range v.Known {
		contained := h.Contains(k.Ballot) || mutant.On(mutant.ForgetOwed)
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

// Members are those of the view. The caller must not change them.
func (p *Promise) Members() []wire.Member { return p.members }

// IsMember reports whether this node is in its view.
func (p *Promise) IsMember() bool { return p.isMember }

// Primary is the primary of the view.
func (p *Promise) Primary() ids.Node { return p.primary }

// IsPrimary reports whether that is this node.
func (p *Promise) IsPrimary() bool { return p.isMember && p.primary == p.self }

// Ballot is the promised ballot.
func (p *Promise) Ballot() ids.Ballot { return p.ballot }

// Written is the write that made the promise durable.
func (p *Promise) Written() uint64 { return p.written }

// Kept reports whether a history stands in the promised ballot, of a round of this node's
// view.
func (p *Promise) Kept(h *history.History) bool {
	return p.isMember && h.Ballot() == p.ballot && p.ballot.View == p.view.ID && p.ballot.Round > 0
}

// Bind promises a ballot. The caller then ends all that this node did for another one, and
// makes the promise durable with Persist.
func (p *Promise) Bind(b ids.Ballot) { p.ballot = b }

// Persist makes the view, the promise and what is owed durable.
func (p *Promise) Persist() {
	m := &core.NodeMeta{Inc: p.inc, Promised: p.ballot, Owed: p.Owed()}
	if p.view != nil {
		m.Present, m.View = true, *p.view
	}
	p.written = p.box.Persist(core.Write{Kind: core.WriteMeta, Meta: m})
}

// Owed are the ballots that this node owes.
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
