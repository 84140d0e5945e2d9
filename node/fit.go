package node

import (
	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/bus"
)

// A message holds one value with its metadata, or several small values. Values may take a share of
// the largest payload of the bus. The rest is for keys, contexts and facts about nodes, which have
// bounds of their own.
const (
	valueShare = 2 // a value takes at most half of a message
	batchShare = 4 // a batch or piece ends at a quarter
)

// fit reduces the limits if the bus takes smaller messages than NATS by default. With a
// max_payload of 64 KiB, values have at most 32 KiB. With the default, the limits are those of
// package api.
func (c *Config) fit() {
	payload := c.Bus.MaxPayload()
	within := func(limit *int, most int) {
		if *limit <= 0 || *limit > most {
			*limit = most
		}
	}
	within(&c.HTTPLimits.ValueBytes, min(api.MaxValue, payload/valueShare))
	if payload >= bus.MaxPayload {
		return
	}
	for _, limit := range []*int{&c.Limits.BatchBytes, &c.Limits.ChunkBytes, &c.Causal.BatchBytes, &c.Causal.ChunkBytes} {
		within(limit, payload/batchShare)
	}
}
