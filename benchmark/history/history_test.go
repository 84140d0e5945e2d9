package history

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func genOps(t *rapid.T) []Op {
	op := rapid.Custom(func(t *rapid.T) Op {
		start := rapid.Int64Range(0, 1<<50).Draw(t, "start")
		return Op{
			Client:  ClientID(rapid.Uint32().Draw(t, "client")),
			Kind:    rapid.SampledFrom([]Kind{Put, Get, Delete, List, Held}).Draw(t, "kind"),
			Outcome: rapid.SampledFrom([]Outcome{OK, NotApplied, Unknown}).Draw(t, "outcome"),
			Status:  rapid.Uint16().Draw(t, "status"),
			Key:     rapid.StringN(1, 8, -1).Draw(t, "key"),
			Value:   Value(rapid.Uint64().Draw(t, "value")),
			Num:     rapid.Uint64().Draw(t, "num"),
			Start:   start,
			End:     start + rapid.Int64Range(0, 1<<40).Draw(t, "took"),
			ID:      OpID(rapid.Uint64().Draw(t, "id")),
			Parent:  OpID(rapid.Uint64().Draw(t, "parent")),
			Part:    OpID(rapid.Uint64().Draw(t, "part")),
		}
	})
	return rapid.SliceOfN(op, 0, 40).Draw(t, "ops")
}

func save(t rapid.TB, ops []Op) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Save(&buf, ops); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestASavedHistoryIsLoaded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := genOps(t)
		got, err := Load(bytes.NewReader(save(t, ops)))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ops, got) {
			t.Fatal(cmp.Diff(ops, got))
		}
	})
}

func TestAHistoryOfSeveralBlocksIsLoaded(t *testing.T) {
	ops := make([]Op, 2*blockOps+1)
	for i := range ops {
		ops[i] = Op{Client: 1, Kind: Get, Outcome: OK, Status: 404, Key: string(rune('a' + i%3)), Num: 1, Start: int64(i), End: int64(i) + 1}
	}
	got, err := Load(bytes.NewReader(save(t, ops)))
	if err != nil || !slices.Equal(ops, got) {
		t.Fatalf("loaded %d of %d operations, err %v", len(got), len(ops), err)
	}
}

func TestACutOrChangedFileIsAnError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := save(t, genOps(t))
		at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "cut") {
			data = data[:at]
		} else {
			data[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		}
		if _, err := Load(bytes.NewReader(data)); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("damage at %d of %d: err %v", at, len(data), err)
		}
	})
}

// FuzzLoad gives payloads to the decoder directly, because the checksum would reject nearly
// all of them.
func FuzzLoad(f *testing.F) {
	enc := encoder{keys: map[string]uint64{}}
	f.Add(slices.Clone(enc.block([]Op{
		{Client: 1, Kind: Put, Outcome: OK, Status: 201, Key: "k", Value: NewValue(1, 1), Num: 1, Start: 5, End: 9},
		{Client: 2, Kind: Get, Outcome: Unknown, Key: "k", Start: 7, End: 99},
	})))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var dec decoder
		if dec.block(payload) != nil {
			return
		}
		again, err := Load(bytes.NewReader(save(t, dec.ops)))
		if err != nil || !slices.Equal(again, dec.ops) {
			t.Fatalf("what was decoded does not survive a round trip: %v", err)
		}
	})
}

func TestLogsOfManyGoroutinesBecomeOneHistory(t *testing.T) {
	const clients, each = 8, chunk + 10
	rec := NewRecorder()
	var wg sync.WaitGroup
	for range clients {
		log := rec.Log()
		wg.Go(func() {
			for range each {
				start := log.Now()
				log.Append(Op{Kind: Put, Outcome: OK, Value: log.NextValue(), Start: start, End: log.Now()})
			}
		})
	}
	wg.Wait()
	ops := rec.Ops()
	if len(ops) != clients*each {
		t.Fatalf("%d operations, want %d", len(ops), clients*each)
	}
	values := map[Value]bool{}
	for i, op := range ops {
		if i > 0 && op.Start < ops[i-1].Start {
			t.Fatalf("operation %d starts before the one in front of it", i)
		}
		values[op.Value] = true
	}
	if len(values) != len(ops) {
		t.Fatalf("%d values for %d writes", len(values), len(ops))
	}
}

func TestARetiredClientWritesUnderANewName(t *testing.T) {
	log := NewRecorder().Log()
	client, value := log.Client(), log.NextValue()
	log.Retire()
	if log.Client() == client || log.NextValue() == value {
		t.Fatalf("client %d and value %v were used again", client, value)
	}
}

func TestStatusesTellWhetherTheKeyExisted(t *testing.T) {
	for _, c := range []struct {
		kind   Kind
		status uint16
		want   Existence
		ok     bool
	}{
		{Put, 201, Absent, true}, {Put, 200, Present, true}, {Put, 204, Present, true}, {Put, 404, Unsaid, false},
		{Get, 200, Present, true}, {Get, 404, Absent, true}, {Get, 204, Unsaid, false},
		{Delete, 200, Present, true}, {Delete, 404, Absent, true}, {Delete, 204, Unsaid, true}, {Delete, 503, Unsaid, false},
	} {
		op := Op{Kind: c.kind, Status: c.status}
		if got, ok := op.Found(); got != c.want || ok != c.ok {
			t.Errorf("%v answered %d: %v %v, want %v %v", c.kind, c.status, got, ok, c.want, c.ok)
		}
	}
}

func TestAnOperationReadsAsOneLine(t *testing.T) {
	for _, c := range []struct {
		op   Op
		want string
	}{
		{Op{Client: 7, Kind: Put, Outcome: OK, Status: 201, Key: "k", Value: NewValue(7, 12), Num: 44, Start: 1_204_000_000, End: 1_204_310_000},
			`c7 put "k" 7.12 → 201 num 44 [1.204s +310µs]`},
		{Op{Client: 8, Kind: Get, Outcome: OK, Status: 200, Key: "k", Value: NewValue(7, 12), Num: 45, Start: 5, End: 6},
			`c8 get "k" → 200 7.12 num 45 [5ns +1ns]`},
		{Op{Client: 9, Kind: Delete, Outcome: Unknown, Key: "k", Start: 5, End: 1_000_000_005},
			`c9 delete "k" → unknown [5ns +1s]`},
		{Op{Client: 9, Kind: Delete, Outcome: NotApplied, Status: 503, Key: "k", Start: 5, End: 6},
			`c9 delete "k" → not-applied (503) [5ns +1ns]`},
	} {
		if got := c.op.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
