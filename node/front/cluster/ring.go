package cluster

import (
	"sync/atomic"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/ids"
)

// assigned is the ring of a view. A ring takes milliseconds to make, so it is made once for
// each view for which a request asks.
type assigned struct {
	view ids.View
	ring *hashing.Ring
}

// Ring serves /v1/ring.
type Ring struct {
	answers  *answer.Writer
	status   func() core.NodeStatus
	space    hashing.Space
	assigned atomic.Pointer[assigned] // the ring of the view that was asked for last; nil: none yet
}

// NewRing returns the handler. space is how many slots there are.
func NewRing(space hashing.Space, node NodeStatus, answers *answer.Writer) *Ring {
	return &Ring{answers: answers, status: node.Status, space: space}
}

// ringOf is the ring of the view in force.
func (h *Ring) ringOf(status *core.NodeStatus) *hashing.Ring {
	if d := h.assigned.Load(); d != nil && d.view == status.View.ID {
		return d.ring
	}
	shards := make([]hashing.Shard, len(status.View.Layout.Shards))
	for i, shard := range status.View.Layout.Shards {
		shards[i] = hashing.Shard{Name: shard.Name, Empty: len(shard.Members) == 0}
	}
	d := &assigned{status.View.ID, hashing.New(h.space, shards)}
	h.assigned.Store(d)
	return d.ring
}

// Get serves GET /v1/ring: which shard and which members own a key.
func (h *Ring) Get(ctx *fasthttp.RequestCtx, _ []byte) {
	key := string(ctx.QueryArgs().Peek(api.QueryKey))
	switch {
	case key == "":
		h.answers.Fail(ctx, api.CodeBadQuery, "?key= is the key to place")
		return
	case len(key) > api.MaxKey:
		h.answers.Fail(ctx, api.CodeKeyTooLong, api.ErrKeyTooLong.Error())
		return
	}
	status := h.status()
	slot := h.space.Slot(hashing.Hash(key))
	place := api.Place{Key: key, Slot: uint32(slot), Slots: h.space.Slots(), Number: status.View.ID.Number, Members: []api.Member{}}
	if !utf8.ValidString(key) {
		place.Key, place.KeyBase64 = "", []byte(key)
	}
	if owner, ok := h.ringOf(&status).Owner(slot); ok {
		shard := showShard(&status.View.Layout.Shards[owner])
		place.Shard, place.Members = &shard.Name, shard.Members
	}
	if lowest, ok := status.View.Primary(); ok {
		primary := uint64(lowest)
		place.Primary = &primary
	}
	h.answers.Stamp(ctx)
	h.answers.JSON(ctx, place)
}

// causal describes the node's part in causal buckets.
func (h *Ring) causal(status *core.NodeStatus, outage *api.Outage) api.Causal {
	c := api.Causal{
		Serving: status.Causal, Ready: status.CausalReady, Owned: status.Owned, Other: status.Other,
		Slots: h.space.Slots(), Shards: map[string]int{}, Waiting: outage.Shards,
	}
	if c.Waiting == nil {
		c.Waiting = []api.ShardWait{}
	}
	if !c.Ready {
		c.Reason = whyNotCausal(status)
	}
	ring := h.ringOf(status)
	for i := range ring.Len() {
		c.Shards[ring.Name(i)] = len(ring.Slots(i))
	}
	return c
}
