package store

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// model is the simplest possible store. It also holds the snapshots of the real
// store, with the contents that they must keep.
type model struct {
	real      *Memory
	current   map[string]string
	staged    map[string]string
	building  map[string]string // nil: nothing is being built
	next      uint64
	seq       uint64
	snapshots map[*Snapshot]frozen
}

type frozen struct {
	values map[string]string
	next   uint64
}

var (
	keyGen   = rapid.StringMatching(`[a-c\x00\xff]{1,3}`)
	valueGen = rapid.StringN(0, 3, -1)
)

func (m *model) apply(t *rapid.T) {
	var batch []wire.Entry
	for range rapid.IntRange(1, 8).Draw(t, "entries") {
		key, value := keyGen.Draw(t, "key"), valueGen.Draw(t, "value")
		_, exists := m.current[key]
		var status wire.Status
		switch op := rapid.SampledFrom([]string{"put", "delete", "fail"}).Draw(t, "op"); {
		case op == "fail":
			status = wire.PreconditionFailed
		case op == "put" && exists:
			status = wire.Replaced
		case op == "put":
			status = wire.Created
		case exists:
			status = wire.Deleted
		default:
			status = wire.Absent
		}
		batch = append(batch, entry(status, m.next, key, value))
		switch status {
		case wire.Created, wire.Replaced:
			m.current[key] = value
		case wire.Deleted:
			delete(m.current, key)
		}
		if status != wire.PreconditionFailed {
			m.next++
		}
	}
	m.real.Apply(batch)
}

func (m *model) write(w wire.Write) {
	m.seq++
	w.Seq = m.seq
	m.real.Write([]wire.Write{w})
}

func (m *model) stageHead(*rapid.T) {
	m.write(wire.Write{Kind: wire.WriteStageHead, Ballot: ids.Ballot{Round: 1}})
	m.building = map[string]string{}
}

func (m *model) stageWhole(*rapid.T) {
	m.write(wire.Write{Kind: wire.WriteStaged, Ballot: ids.Ballot{Round: 1}, Fresh: true})
	if m.building != nil {
		m.staged, m.building = m.building, nil
	}
}

func (m *model) stageRecords(t *rapid.T) {
	records := rapid.MapOfN(keyGen, valueGen, 0, 40).Draw(t, "records")
	var list []wire.Record
	for _, k := range slices.Sorted(maps.Keys(records)) {
		list = append(list, wire.Record{Key: k, Value: []byte(records[k])})
	}
	m.write(wire.Write{Kind: wire.WriteStageRecords, Records: list})
	if m.building != nil {
		maps.Copy(m.building, records)
	}
}

func (m *model) swap(t *rapid.T) {
	w := wire.Write{Kind: wire.WriteSwap, Fresh: rapid.Bool().Draw(t, "fresh")}
	w.Ledger.MsgNum = rapid.Uint64Range(1, 1000).Draw(t, "next")
	m.write(w)
	if w.Fresh {
		m.current, m.next = m.staged, w.Ledger.MsgNum
	}
	m.staged = map[string]string{}
}

func (m *model) snapshot(*rapid.T) {
	m.snapshots[m.real.Snapshot()] = frozen{maps.Clone(m.current), m.next}
}

func (m *model) check(t *rapid.T) {
	key := keyGen.Draw(t, "look up")
	rec, found, next := m.real.Get(key)
	want, exists := m.current[key]
	if found != exists || string(rec.Value) != want || next != m.next {
		t.Fatalf("%q: got %q %v next %d, want %q %v next %d", key, rec.Value, found, next, want, exists, m.next)
	}
	m.snapshots[m.real.Snapshot()] = frozen{m.current, m.next}
	for s, f := range m.snapshots {
		if err := sameAs(s, f, keyGen.Draw(t, "after")); err != nil {
			t.Fatal(err)
		}
	}
	maps.DeleteFunc(m.snapshots, func(_ *Snapshot, f frozen) bool {
		return len(m.snapshots) > 8 || fmt.Sprintf("%p", f.values) == fmt.Sprintf("%p", m.current)
	})
	chunk := m.real.Chunk(core.Read{Area: core.AreaStaged, First: true, Limit: 1 << 20})
	if len(chunk.Records) != len(m.staged) {
		t.Fatalf("%d records are staged, want %d", len(chunk.Records), len(m.staged))
	}
}

// sameAs compares a whole snapshot, and the part behind a key, with the contents at
// the time of the snapshot.
func sameAs(s *Snapshot, f frozen, after string) error {
	got, keys, tail := map[string]string{}, []string{}, []string{}
	for rec := range s.From(nil) {
		got[rec.Key] = string(rec.Value)
		keys = append(keys, rec.Key)
	}
	for rec := range s.From(&after) {
		tail = append(tail, rec.Key)
	}
	wantTail := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k <= after })
	switch {
	case !maps.Equal(got, f.values) || s.Len() != len(f.values) || s.Next() != f.next:
		return fmt.Errorf("a snapshot changed: %s", cmp.Diff(f.values, got))
	case !slices.IsSorted(keys):
		return fmt.Errorf("keys out of order: %q", keys)
	case !slices.Equal(tail, wantTail):
		return fmt.Errorf("after %q: %q, want %q", after, tail, wantTail)
	}
	return nil
}

func TestAStoreBehavesLikeAMapAndItsSnapshotsStayAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			real: NewMemory(), current: map[string]string{}, staged: map[string]string{}, next: 1,
			snapshots: map[*Snapshot]frozen{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"apply": m.apply, "stage head": m.stageHead, "stage records": m.stageRecords, "stage whole": m.stageWhole,
			"swap": m.swap, "snapshot": m.snapshot, "": m.check,
		})
	})
}

// Every batch writes one value to two keys. A reader that sees two different values
// has seen half a batch. Reads must never go back.
func TestReadersSeeWholeBatchesOnly(t *testing.T) {
	m := NewMemory()
	batch := func(n uint64) []wire.Entry {
		v := fmt.Sprintf("%06d", n)
		return []wire.Entry{entry(wire.Created, 2*n-1, "left", v), entry(wire.Created, 2*n, "right", v)}
	}
	m.Apply(batch(1))
	const batches = 2000
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			last := ""
			for next := uint64(0); next < 2*batches; {
				s := m.Snapshot()
				values := []string{}
				for rec := range s.From(nil) {
					values = append(values, string(rec.Value))
				}
				_, _, next = m.Get("left")
				if len(values) != 2 || values[0] != values[1] || values[0] < last || next%2 == 0 {
					t.Errorf("saw %q, next %d, after %q", values, next, last)
					return
				}
				last = values[0]
			}
		})
	}
	for n := uint64(2); n <= batches; n++ {
		m.Apply(batch(n))
		m.Chunk(core.Read{Area: core.AreaCurrent, First: true, Limit: 100})
	}
	readers.Wait()
}
