package store

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func entry(status wire.Status, num uint64, key, value string) wire.Entry {
	kind := wire.OpPut
	if status == wire.Deleted || status == wire.Absent {
		kind = wire.OpDelete
	}
	return wire.Entry{
		Stamp:  ids.Stamp{Index: num},
		Op:     wire.Op{Kind: kind, Key: key, Value: []byte(value)},
		Result: wire.Result{Status: status, MsgNum: num, Version: wire.Version{MsgNum: num}},
	}
}

func keysOf(s *Snapshot) []string {
	var keys []string
	for rec := range s.From(nil) {
		keys = append(keys, rec.Key)
	}
	return keys
}

func TestAnEntryChangesTheStateAsItsResultSays(t *testing.T) {
	put := entry(wire.Created, 7, "a", "old")
	for _, c := range []struct {
		name  string
		entry wire.Entry
		value string // "": absent
		next  uint64
	}{
		{"created", entry(wire.Created, 8, "a", "new"), "new", 9},
		{"replaced", entry(wire.Replaced, 8, "a", "new"), "new", 9},
		{"deleted", entry(wire.Deleted, 8, "a", ""), "", 9},
		{"absent owns a number", entry(wire.Absent, 8, "b", ""), "old", 9},
		{"a failed precondition owns none", entry(wire.PreconditionFailed, 8, "a", "new"), "old", 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMemory()
			m.Apply([]wire.Entry{put, c.entry})
			rec, found, next := m.Get("a")
			if found != (c.value != "") || string(rec.Value) != c.value || next != c.next {
				t.Errorf("got %q found=%v next=%d, want %q next=%d", rec.Value, found, next, c.value, c.next)
			}
		})
	}
}

func TestARecordHasAllThatItsEntryHad(t *testing.T) {
	m := NewMemory()
	e := entry(wire.Created, 3, "k\xff\x00", "v")
	e.Op.ContentType = "text/plain"
	m.Apply([]wire.Entry{e})
	want := wire.Record{
		Key: "k\xff\x00", Value: []byte("v"), ContentType: "text/plain",
		Stamp: ids.Stamp{Index: 3}, Version: wire.Version{MsgNum: 3},
	}
	got, _, _ := m.Get(want.Key)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if &got.Value[0] == &e.Op.Value[0] {
		t.Error("the value still shares the memory of its entry")
	}
}

func stage(records ...wire.Record) []wire.Write {
	b := ids.Ballot{Round: 7}
	return []wire.Write{
		{Seq: 1, Kind: wire.WriteStageHead, Ballot: b},
		{Seq: 2, Kind: wire.WriteStageRecords, Ballot: b, Records: records},
		{Seq: 3, Kind: wire.WriteStaged, Ballot: b, Fresh: true},
	}
}

func TestAStagedBaseIsInvisibleUntilItIsSwappedIn(t *testing.T) {
	m := NewMemory()
	m.Apply([]wire.Entry{entry(wire.Created, 1, "old", "1")})
	m.Write(stage(wire.Record{Key: "x"}, wire.Record{Key: "y"}))
	if got := keysOf(m.Snapshot()); !slices.Equal(got, []string{"old"}) {
		t.Fatalf("before the swap the state holds %v", got)
	}
	m.Write([]wire.Write{{Seq: 4, Kind: wire.WriteSwap, Fresh: true, Ledger: wire.Ledger{MsgNum: 44}}})
	s := m.Snapshot()
	if got := keysOf(s); !slices.Equal(got, []string{"x", "y"}) || s.Next() != 44 {
		t.Errorf("after the swap the state holds %v and next is %d", got, s.Next())
	}
	if left := m.Chunk(core.Read{Area: core.AreaStaged, First: true, Limit: 1}); len(left.Records) != 0 {
		t.Errorf("the staged area still holds %v", left.Records)
	}
}

func TestAFreshBaseIsSwappedInWithItsTail(t *testing.T) {
	m := NewMemory()
	tail := []wire.Entry{entry(wire.Deleted, 40, "x", ""), entry(wire.Created, 41, "z", "1")}
	writes := stage(wire.Record{Key: "x"}, wire.Record{Key: "y"})
	writes[2].Entries = tail
	m.Write(writes)
	if staged := m.Chunk(core.Read{Area: core.AreaStaged, First: true, Limit: 1 << 20}); len(staged.Records) != 2 {
		t.Fatalf("the tail was applied to the staged area: %v", staged.Records)
	}
	m.Write([]wire.Write{{Seq: 4, Kind: wire.WriteSwap, Fresh: true, Ledger: wire.Ledger{MsgNum: 40}}})
	for range 2 { // right after the swap, and again after the entries of the tail were applied
		if s := m.Snapshot(); !slices.Equal(keysOf(s), []string{"y", "z"}) || s.Next() != 42 {
			t.Fatalf("the state holds %v and next is %d", keysOf(s), s.Next())
		}
		m.Apply(tail)
	}
}

func TestASwapOntoTheCurrentStateKeepsIt(t *testing.T) {
	m := NewMemory()
	m.Apply([]wire.Entry{entry(wire.Created, 1, "old", "1")})
	m.Write(stage(wire.Record{Key: "x"}))
	m.Write([]wire.Write{{Seq: 4, Kind: wire.WriteSwap, Ledger: wire.Ledger{MsgNum: 99}}})
	if s := m.Snapshot(); !slices.Equal(keysOf(s), []string{"old"}) || s.Next() != 2 {
		t.Errorf("the state holds %v and next is %d", keysOf(s), s.Next())
	}
	if left := m.Chunk(core.Read{Area: core.AreaStaged, First: true, Limit: 1}); len(left.Records) != 0 {
		t.Errorf("the staged area still holds %v", left.Records)
	}
}

// TestABaseThatIsBeingBuiltLeavesTheStagedOneAlone: a round that fails half-way
// must not remove the base that an earlier round has staged.
func TestABaseThatIsBeingBuiltLeavesTheStagedOneAlone(t *testing.T) {
	m := NewMemory()
	staged := func() []string {
		var keys []string
		for _, rec := range m.Chunk(core.Read{Area: core.AreaStaged, First: true, Limit: 1 << 20}).Records {
			keys = append(keys, rec.Key)
		}
		return keys
	}
	m.Write(stage(wire.Record{Key: "x"}))
	next := stage(wire.Record{Key: "y"})
	m.Write(next[:2])
	if got := staged(); !slices.Equal(got, []string{"x"}) {
		t.Fatalf("while the next base is built, %v is staged", got)
	}
	m.Write([]wire.Write{{Seq: 4, Kind: wire.WriteStaged, Ballot: ids.Ballot{Round: 8}, Fresh: true}})
	if got := staged(); !slices.Equal(got, []string{"x"}) {
		t.Fatalf("a base that stands on the staged one replaced it by %v", got)
	}
	m.Write(next[2:])
	if got := staged(); !slices.Equal(got, []string{"y"}) {
		t.Fatalf("once it is whole, %v is staged", got)
	}
	dropped := stage(wire.Record{Key: "z"})
	m.Write(append(dropped[:2:2], wire.Write{Seq: 9, Kind: wire.WriteStageDrop}, dropped[2]))
	if got := staged(); !slices.Equal(got, []string{"y"}) {
		t.Errorf("a base that was dropped while it was built is staged: %v", got)
	}
}

func TestChunksTogetherAreTheWholeAreaHoweverSmallTheyAre(t *testing.T) {
	m := NewMemory()
	keys := []string{"\x00", "a", "aa", "b", "z"}
	for i, k := range keys {
		m.Apply([]wire.Entry{entry(wire.Created, uint64(i+1), k, "a value")})
	}
	for _, limit := range []int{0, 1, 160, 1 << 20} {
		var got []string
		read := core.Read{Kind: core.ReadChunk, Area: core.AreaCurrent, First: true, Limit: limit, Session: 5}
		for {
			c := m.Chunk(read)
			if c.Session != 5 || c.Area != core.AreaCurrent || c.First != read.First || c.After != read.After {
				t.Fatalf("a chunk does not repeat its read: %+v", c)
			}
			for _, rec := range c.Records {
				got = append(got, rec.Key)
			}
			if c.Last {
				break
			}
			if len(c.Records) == 0 {
				t.Fatal("an empty chunk that is not the last one")
			}
			read.First, read.After = false, got[len(got)-1]
		}
		if !slices.Equal(got, keys) {
			t.Errorf("limit %d: %q, want %q", limit, got, keys)
		}
	}
}

func TestWritesAreAnnotatedWithWhatTheirKeysHold(t *testing.T) {
	m := NewMemory()
	m.Apply([]wire.Entry{entry(wire.Created, 5, "held", "1")})
	held := wire.Meta{Exists: true, Version: wire.Version{MsgNum: 5}}

	submit := &core.Submit{Op: wire.Op{Key: "held"}}
	m.Annotate(submit)
	if submit.Stored != held {
		t.Errorf("submit: %+v", submit.Stored)
	}
	forward := &core.Received{Message: &wire.Forward{Ops: []wire.ForwardedOp{
		{Counter: 1, Op: wire.Op{Key: "no"}}, {Counter: 2, Op: wire.Op{Key: "held"}},
	}}}
	m.Annotate(forward)
	if d := cmp.Diff([]wire.Meta{{}, held}, forward.Stored); d != "" {
		t.Error(d)
	}
	other := &core.Received{Message: &wire.Hello{}}
	m.Annotate(other)
	if other.Stored != nil {
		t.Errorf("a hello was annotated with %v", other.Stored)
	}
}
