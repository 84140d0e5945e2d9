package store

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

func TestTheCountedBytesAreThoseThatAreHeld(t *testing.T) {
	const keys = 40_000
	for _, size := range []int{1, 128, 4096} {
		value := strings.Repeat("x", size)
		for _, causal := range []bool{false, true} {
			before := heap()
			m := NewMemory()
			for i := range keys {
				key := fmt.Sprintf("key-%08d", i)
				if causal {
					write(m, wire.CausalWrite{Put: []wire.Item{item(uint64(i+1), key, value)}})
				} else {
					m.Apply([]wire.Entry{entry(wire.Created, uint64(i+1), key, value)})
				}
			}
			held, counted := heap()-before, m.Bytes()
			t.Logf("causal %v, values of %d bytes: %d bytes a key are held, %d counted", causal, size, held/keys, counted/keys)
			if ratio := float64(counted) / float64(held); ratio < 0.75 || ratio > 1.35 {
				t.Errorf("causal %v, values of %d bytes: counted are %.2f of what is held", causal, size, ratio)
			}
			runtime.KeepAlive(m)
		}
	}
}

func TestBytesGoBackToWhatTheyWere(t *testing.T) {
	m := NewMemory()
	empty := m.Bytes()
	m.Apply([]wire.Entry{entry(wire.Created, 1, "k", "v")})
	if got := m.Bytes() - empty; got != m.Growth(false, "other", 1)-4 {
		t.Errorf("one key counts as %d", got)
	}
	if got := m.Growth(false, "k", 11); got != 10 {
		t.Errorf("ten bytes more count as %d", got)
	}
	m.Apply([]wire.Entry{entry(wire.Replaced, 2, "k", "longer"), entry(wire.Deleted, 3, "k", "")})
	write(m, wire.CausalWrite{Put: []wire.Item{item(1, "k", "v"), item(2, "k", "w"), item(1, "l", "x")}})
	write(m, wire.CausalWrite{Drop: []string{"k", "absent"}})
	write(m, wire.CausalWrite{Free: everything})
	if got := m.Bytes(); got != empty {
		t.Errorf("%d bytes are counted of a store that is empty, not %d", got, empty)
	}
}

func TestASnapshotPinsWhatWasWrittenOver(t *testing.T) {
	m := NewMemory()
	m.Apply([]wire.Entry{entry(wire.Created, 1, "k", strings.Repeat("x", 1000)), entry(wire.Created, 2, "l", "")})
	m.Apply([]wire.Entry{entry(wire.Replaced, 3, "k", strings.Repeat("y", 1000))})
	s := m.Snapshot()
	if got := s.Pinned(); got != 0 {
		t.Errorf("a new snapshot pins %d bytes", got)
	}
	for n := range uint64(3) { // only the first replaces the value of the snapshot
		m.Apply([]wire.Entry{entry(wire.Replaced, 4+n, "k", "short")})
	}
	if got := s.Pinned(); got < 1000 || got > 1000+recordOverhead+100 {
		t.Errorf("a value of 1000 bytes that was written over pins %d", got)
	}
}
