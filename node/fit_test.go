package node

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/bus"
)

// payloadConn is a connection of which only the largest payload matters.
type payloadConn struct {
	bus.Conn
	payload int
}

func (c payloadConn) MaxPayload() int { return c.payload }

// TestLimitsFitTheMessagesOfTheBus: no value and no batch is larger than the bus takes, and a limit
// that is set lower stays.
func TestLimitsFitTheMessagesOfTheBus(t *testing.T) {
	type limits struct{ value, batch, chunk, causalBatch, causalChunk int }
	for _, c := range []struct {
		name      string
		payload   int
		set, want limits
	}{
		{"the default of NATS", bus.MaxPayload, limits{}, limits{value: api.MaxValue}},
		{"more than the default", 8 << 20, limits{}, limits{value: api.MaxValue}},
		{"64 KiB", 64 << 10, limits{}, limits{32 << 10, 16 << 10, 16 << 10, 16 << 10, 16 << 10}},
		{"64 KiB, and lower limits", 64 << 10, limits{100, 200, 300, 400, 500}, limits{100, 200, 300, 400, 500}},
		{"64 KiB, and higher limits", 64 << 10, limits{1 << 20, 1 << 20, 17 << 10, 1 << 20, 17 << 10}, limits{32 << 10, 16 << 10, 16 << 10, 16 << 10, 16 << 10}},
	} {
		cfg := Config{Bus: payloadConn{payload: c.payload}}
		cfg.HTTPLimits.ValueBytes = c.set.value
		cfg.Limits.BatchBytes, cfg.Limits.ChunkBytes = c.set.batch, c.set.chunk
		cfg.Causal.BatchBytes, cfg.Causal.ChunkBytes = c.set.causalBatch, c.set.causalChunk
		cfg.fit()
		got := limits{cfg.HTTPLimits.ValueBytes, cfg.Limits.BatchBytes, cfg.Limits.ChunkBytes, cfg.Causal.BatchBytes, cfg.Causal.ChunkBytes}
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(limits{})); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
