package store

import (
	"fmt"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

const benchKeys = 100_000

func filled() (*Memory, []wire.Entry) {
	m := NewMemory()
	value := string(make([]byte, 128))
	entries := make([]wire.Entry, benchKeys)
	for i := range entries {
		entries[i] = entry(wire.Replaced, uint64(i+1), fmt.Sprintf("key-%08d", i*7919%benchKeys), value)
	}
	m.Apply(entries)
	return m, entries
}

func BenchmarkApplyBatchOf64(b *testing.B) {
	m, entries := filled()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 64) % (benchKeys - 64)
		m.Apply(entries[i : i+64])
	}
}

func BenchmarkGet(b *testing.B) {
	m, entries := filled()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 1) % benchKeys
		m.Get(entries[i].Op.Key)
	}
}

func BenchmarkAnnotateSubmit(b *testing.B) {
	m, entries := filled()
	in := &core.Submit{}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 1) % benchKeys
		in.Op.Key = entries[i].Op.Key
		m.Annotate(in)
	}
}

func BenchmarkSnapshotThenOneWrite(b *testing.B) {
	m, entries := filled()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 1) % benchKeys
		m.Snapshot()
		m.Apply(entries[i : i+1])
	}
}
