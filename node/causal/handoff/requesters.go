package handoff

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// MaxRequesters bounds the requesters that are remembered, since messages may come from any
// number of nodes. Beyond it the requester that came first is forgotten, and is taken for an
// owner that has not acknowledged.
const MaxRequesters = 1000

// Requesters are the nodes that have requested slots here, each with the revision that it
// acknowledged last. A former member tells its requesters which owners have its data and which
// are active towards it, so that the others are spared a relay (docs/causal.md §7.4).
type Requesters struct {
	list []requester // by first request; at most MaxRequesters, each node once
}

// requester is one node in its last known boot and view. In another boot it has lost what it
// acknowledged, and in another view it may own other slots.
type requester struct {
	boot     wire.NodeBoot
	view     ids.View
	acked    bool         // it has acknowledged revision
	revision uint64       // everything of its slots up to this revision is there
	askedAt  wire.Instant // when it last requested slots; 0: never
}

// of is the entry of a sender. An entry of another boot or view begins anew.
func (t *Requesters) of(h wire.Header) *requester {
	now := requester{boot: wire.NodeBoot{Node: h.From, Boot: h.Boot}, view: h.View}
	i := slices.IndexFunc(t.list, func(o requester) bool { return o.boot.Node == h.From })
	if i < 0 {
		if len(t.list) == MaxRequesters {
			t.list = slices.Delete(t.list, 0, 1)
		}
		i = len(t.list)
		t.list = append(t.list, now)
	}
	o := &t.list[i]
	if o.boot != now.boot || o.view != now.view {
		*o = now
	}
	return o
}

// NoteAck notes that a sender has everything of its slots that was here at a revision.
func (t *Requesters) NoteAck(h wire.Header, revision uint64) {
	o := t.of(h)
	o.acked, o.revision = true, revision
}

// NoteRequest notes that a sender requests slots.
func (t *Requesters) NoteRequest(h wire.Header, now wire.Instant) { t.of(h).askedAt = now }

// filter lists the requesters of a view for which a predicate holds.
func (t *Requesters) filter(view ids.View, holds func(o *requester) bool) []wire.NodeBoot {
	var list []wire.NodeBoot
	for i := range t.list {
		if o := &t.list[i]; o.view == view && holds(o) {
			list = append(list, o.boot)
		}
	}
	return list
}

// AckedAt lists the requesters of a view whose last acknowledgement is of a revision, the
// present one: what changed later was not taken.
func (t *Requesters) AckedAt(view ids.View, revision uint64) []wire.NodeBoot {
	return t.filter(view, func(o *requester) bool { return o.acked && o.revision == revision })
}

// Asking lists the requesters of a view that have requested slots within
// peers.RelayPatience.
func (t *Requesters) Asking(view ids.View, now wire.Instant) []wire.NodeBoot {
	return t.filter(view, func(o *requester) bool { return o.askedAt > 0 && now-o.askedAt < peers.RelayPatience })
}
