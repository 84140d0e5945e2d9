package disk

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cohortkv/cohort/node/wire"
)

// BenchmarkOpen opens a directory with 100,000 items of 128 bytes, each of which was a record of
// the log: after an orderly end, and with all of them to be replayed.
func BenchmarkOpen(b *testing.B) {
	for _, replay := range []bool{false, true} {
		b.Run(fmt.Sprintf("replay=%v", replay), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				cfg := filled(b, replay)
				b.StartTimer()
				s, err := Open(cfg)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if live, _ := s.State().CausalLen(); live != 100_000 || replay != (s.Found().Records == live) {
					b.Fatalf("%d items, %d records", live, s.Found().Records)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// filled is a directory with items. With replay, there is no checkpoint.
func filled(b *testing.B, replay bool) Config {
	cfg := Config{FS: vfs.Default, Dir: b.TempDir(), Cluster: "c", Node: 1, Mode: Async, BootID: "boot"}
	s, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 100_000 {
		item := wire.Item{Key: fmt.Sprintf("key %d", i), Value: make([]byte, 128)}
		s.Write([]wire.Write{{Seq: uint64(i + 1), Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Put: []wire.Item{item}}}})
	}
	if replay {
		s.fail(errors.New("stopped"))
	}
	_ = s.Close()
	return cfg
}
