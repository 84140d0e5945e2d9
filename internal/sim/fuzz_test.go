package sim

import (
	"encoding/binary"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/node/wire"
)

// FuzzStep lets nodes send garbled messages in short runs. The first byte of the input
// chooses the model, the next two the seed. All others choose which messages are garbled,
// and how. Its corpus is testdata/fuzz.
func FuzzStep(f *testing.F) {
	debug.SetGCPercent(400)
	for seed := range byte(30) {
		f.Add([]byte(strings.Repeat(string([]byte{seed, seed / 3, seed * 7, seed * 31, 3, 99, seed * 5}), 40)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 4 {
			return
		}
		s := fuzzed(data)
		if r := Run(s, nil); r.Failure != nil {
			t.Fatalf("%v\n%s", r.Failure, s)
		}
	})
}

// fuzzed is the schedule of a fuzzer's input: a short one, in which the input garbles messages.
func fuzzed(data []byte) *schedule.Schedule {
	s := schedule.Generate(uint64(binary.LittleEndian.Uint16(data[1:])), schedule.Adversarial, schedule.Model(data[0])%schedule.Models, schedule.Garbled)
	s.Garbling = schedule.Garbling{Count: 1 << 10, Script: data[3:]}
	s.Network = schedule.NetworkConditions{Delay: wire.Millisecond / 2}
	s.Disk = 0
	s.Steps = s.Steps[:min(len(s.Steps), 6)]
	for i := range s.Steps {
		st := &s.Steps[i]
		st.At = min(st.At, wire.Instant(i)*400*wire.Millisecond)
	}
	for _, plans := range [][]schedule.ClientPlan{s.Clients, s.Sessions} {
		for i := range plans {
			plans[i].Ops = plans[i].Ops[:min(len(plans[i].Ops), 12)]
		}
	}
	return s
}
