package front

import (
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
)

// assigned is the ring of a view. A ring takes milliseconds to make, so it is made once for
// each view for which a request asks.
type assigned struct {
	view ids.View
	ring *hashing.Ring
}

// ringOf is the ring of the view in force.
func (s *Server) ringOf(status *core.NodeStatus) *hashing.Ring {
	if d := s.assigned.Load(); d != nil && d.view == status.View.ID {
		return d.ring
	}
	shards := make([]hashing.Shard, len(status.View.Layout.Shards))
	for i, shard := range status.View.Layout.Shards {
		shards[i] = hashing.Shard{Name: shard.Name, Empty: len(shard.Members) == 0}
	}
	d := &assigned{status.View.ID, hashing.New(s.space, shards)}
	s.assigned.Store(d)
	return d.ring
}

// ring answers which shard and which members own a key.
func (s *Server) ring(ctx *fasthttp.RequestCtx) {
	if !s.readOnly(ctx) {
		return
	}
	key := string(ctx.QueryArgs().Peek(api.QueryKey))
	switch {
	case key == "":
		s.fail(ctx, api.CodeBadQuery, "?key= is the key to place")
		return
	case len(key) > api.MaxKey:
		s.fail(ctx, api.CodeKeyTooLong, api.ErrKeyTooLong.Error())
		return
	}
	status := s.backend.Status()
	slot := s.space.Slot(hashing.Hash(key))
	place := api.Place{Key: key, Slot: uint32(slot), Slots: s.space.Slots(), Number: status.View.ID.Number, Members: []api.Member{}}
	if !utf8.ValidString(key) {
		place.Key, place.KeyBase64 = "", []byte(key)
	}
	if owner, ok := s.ringOf(&status).Owner(slot); ok {
		shard := showShard(&status.View.Layout.Shards[owner])
		place.Shard, place.Members = &shard.Name, shard.Members
	}
	if lowest, ok := status.View.Primary(); ok {
		primary := uint64(lowest)
		place.Primary = &primary
	}
	s.stamp(ctx)
	s.writeJSON(ctx, place)
}

// causal describes the node's part in causal buckets.
func (s *Server) causal(status *core.NodeStatus, outage *api.Outage) api.Causal {
	c := api.Causal{
		Serving: status.Causal, Ready: status.CausalReady, Owned: status.Owned, Other: status.Other,
		Slots: s.space.Slots(), Shards: map[string]int{}, Waiting: outage.Shards,
	}
	if c.Waiting == nil {
		c.Waiting = []api.ShardWait{}
	}
	if !c.Ready {
		c.Reason = whyNotCausal(status)
	}
	ring := s.ringOf(status)
	for i := range ring.Len() {
		c.Shards[ring.Name(i)] = len(ring.Slots(i))
	}
	return c
}
