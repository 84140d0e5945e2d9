package held

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/ancestry"
	"github.com/cohortkv/cohort/node/wire"
)

// maxJump bounds how far a view's number may be above all that a node has held, and its count
// of renewals above the one that the node knows. Numbers grow by one with each PUT, so a higher
// number is false. Without the bound, one false message could use up a cluster's numbers for
// good (docs/views.md §3.6).
const maxJump = 1 << 32

// Plausible reports whether PUTs can have brought a view number this far.
func (h *View) Plausible(id ids.View) bool {
	return id.Number <= h.highestNumber+maxJump
}

// Sound reports whether a view can be true (docs/views.md §3.6): its number and renewals can
// have been reached, its lists are in order and bounded, and its id names one list. A view that
// is not sound is reported.
func (h *View) Sound(v *wire.View) bool {
	known, same := uint64(0), true
	if h.view != nil && h.view.ID == v.ID {
		known, same = h.view.Renewed, h.view.Layout.Equal(v.Layout)
	}
	ok := same && h.Plausible(v.ID) && v.Renewed <= known+maxJump && ancestry.Ordered(v)
	if !ok {
		h.box.Event(core.Event{Kind: EventMalformed, View: v.ID, Note: "a view that nobody can have made"})
	}
	return ok
}

// SpeaksFor reports whether a node may bring a view (docs/views.md §3.4): this boot of the node
// made the view, or the node is a member of that view or of the held one. So a node that no
// view names moves no node.
func (h *View) SpeaksFor(by wire.Header, v *wire.View) bool {
	made := by.From == v.ID.Author && by.Boot == v.ID.Boot
	if made || v.Has(by.From) || h.view != nil && h.view.Has(by.From) {
		return true
	}
	h.box.Event(core.Event{Kind: EventStranger, Peer: by.From, View: v.ID})
	return false
}

// Credible reports whether an answer to a Query can be true. Its view must be sound. Its
// history must be of a view that is not above that view, because a node that follows a view has
// promised it.
func (h *View) Credible(m *wire.QueryReply) bool {
	if !m.Present {
		return m.Ballot.IsZero()
	}
	return h.Sound(&m.View) && m.Ballot.View.Compare(m.View.ID) <= 0 && len(m.Members) <= ancestry.MaxMembers
}
