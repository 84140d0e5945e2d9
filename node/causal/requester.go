package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// requesters are the nodes that request slots which they own, each with the revision
// that it acknowledged last. A node that exchanges with a former member learns from
// them which owners have its data, and which are about to.
type requesters []requester

type requester struct {
	boot     wire.NodeBoot
	view     ids.View
	acked    bool
	revision uint64       // up to which it has acknowledged everything
	askedAt  wire.Instant // when it last requested slots
}

// maxRequesters bounds them: a message may come from any node.
const maxRequesters = 1000

// of is the entry of a sender, in its present boot and view.
func (t *requesters) of(h wire.Header) *requester {
	boot := wire.NodeBoot{Node: h.From, Boot: h.Boot}
	i := slices.IndexFunc(*t, func(o requester) bool { return o.boot.Node == h.From })
	if i < 0 {
		if len(*t) == maxRequesters {
			*t = slices.Delete(*t, 0, 1)
		}
		i = len(*t)
		*t = append(*t, requester{boot: boot, view: h.View})
	}
	if o := &(*t)[i]; o.boot != boot || o.view != h.View {
		*o = requester{boot: boot, view: h.View}
	}
	return &(*t)[i]
}

// noteAck notes that the sender has everything that was here at a revision.
func (t *requesters) noteAck(h wire.Header, revision uint64) {
	o := t.of(h)
	o.acked, o.revision = true, revision
}

// noteRequest notes that the sender requests slots.
func (t *requesters) noteRequest(h wire.Header, now wire.Instant) { t.of(h).askedAt = now }

// acked reports that a peer has acknowledged a revision, in a view.
func (t requesters) acked(p *peer, view ids.View, revision uint64) bool {
	return slices.ContainsFunc(t, func(o requester) bool {
		return o.boot.Node == p.id && p.Is(o.boot.Boot) && o.view == view && o.acked && o.revision == revision
	})
}

// filter lists the requesters of a view for which a predicate holds.
func (t requesters) filter(view ids.View, holds func(o *requester) bool) []wire.NodeBoot {
	var list []wire.NodeBoot
	for i := range t {
		if o := &t[i]; o.view == view && holds(o) {
			list = append(list, o.boot)
		}
	}
	return list
}

// ackedAt lists those that have acknowledged a revision, in a view.
func (t requesters) ackedAt(view ids.View, revision uint64) []wire.NodeBoot {
	return t.filter(view, func(o *requester) bool { return o.acked && o.revision == revision })
}

// asking lists those of a view that have requested slots lately.
func (t requesters) asking(view ids.View, now wire.Instant) []wire.NodeBoot {
	return t.filter(view, func(o *requester) bool { return o.askedAt > 0 && now-o.askedAt < peers.RelayPatience })
}
