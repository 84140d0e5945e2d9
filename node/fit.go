package node

import (
	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/bus"
)

// A message holds one value and what must go with it, or several small ones. Each
// may take its share of the largest payload of the bus; the rest is for keys,
// contexts, and what is known of nodes, which have bounds of their own.
const (
	valueShare = 2 // a value at most half of a message
	batchShare = 4 // batches and pieces are begun anew at a quarter
)

// fit makes the limits smaller where the bus takes smaller messages than NATS does
// by default: with max_payload of 64 KiB, values have at most 32 KiB. With the
// default they are those of package api.
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
