package handoff

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// MaxRequesters bounds the requesters that are remembered: a message may come from any
// node.
const MaxRequesters = 1000

// Requesters are the nodes that request slots here which they own, each with the revision
// that it acknowledged last. A node that exchanges with a former member learns from them
// which owners have its data, and which are about to (docs/causal.md §7.4). A node is
// remembered in its present boot and view only.
type Requesters struct{ list []requester }

type requester struct {
	boot     wire.NodeBoot
	view     ids.View
	acked    bool
	revision uint64       // up to which it has acknowledged everything
	askedAt  wire.Instant // when it last requested slots; 0: never
}

// of is the entry of a sender, in its present boot and view.
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

// NoteAck notes that the sender has everything that was here at a revision.
func (t *Requesters) NoteAck(h wire.Header, revision uint64) {
	o := t.of(h)
	o.acked, o.revision = true, revision
}

// NoteRequest notes that the sender requests slots.
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

// AckedAt lists the requesters of a view that have acknowledged a revision.
func (t *Requesters) AckedAt(view ids.View, revision uint64) []wire.NodeBoot {
	return t.filter(view, func(o *requester) bool { return o.acked && o.revision == revision })
}

// Asking lists the requesters of a view that have requested slots lately.
func (t *Requesters) Asking(view ids.View, now wire.Instant) []wire.NodeBoot {
	return t.filter(view, func(o *requester) bool { return o.askedAt > 0 && now-o.askedAt < peers.RelayPatience })
}
