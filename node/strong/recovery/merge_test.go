package recovery

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// holder is a node that holds one side of a merge, and gives it in pieces.
type holder struct {
	source  Source
	state   map[string]wire.Record
	tail    []wire.Entry // of the side, and what the node has beyond it
	ledger  wire.Ledger
	pieceOf func() int // how much of what is left goes into one piece
}

func (h *holder) answer(f *wire.Fetch) *wire.Chunk {
	c := &wire.Chunk{Ballot: f.Ballot, Source: f.Source, Part: f.Part, From: f.From, After: f.After, First: f.First}
	n := h.pieceOf()
	switch f.Part {
	case wire.FetchHead:
		c.Ledger.MsgNum = h.ledger.MsgNum
		c.Ledger.Origins = h.ledger.Origins[f.From:]
		c.Last = true
	case wire.FetchTail:
		rest := h.tail[f.From:]
		c.Entries = rest[:min(n, len(rest))]
		c.Last = n >= len(rest)
	case wire.FetchRecords:
		for _, key := range slices.Sorted(maps.Keys(h.state)) {
			if (f.First || key > f.After) && len(c.Records) < n {
				c.Records = append(c.Records, h.state[key])
			}
		}
		last := slices.Max(append(slices.Collect(maps.Keys(h.state)), ""))
		c.Last = len(c.Records) == 0 || c.Records[len(c.Records)-1].Key == last
	}
	return c
}

// final is what the side holds when its tail is applied up to its length.
func (h *holder) final() map[string]*wire.Record {
	out := map[string]*wire.Record{}
	for key, rec := range h.state {
		out[key] = &rec
	}
	for i := range UpTo(h.tail, h.source.History.Ballot, h.source.History.Length) {
		if e := &h.tail[i]; kv.Changes(e.Result.Status) {
			out[e.Op.Key] = kv.RecordOf(e)
		}
	}
	return out
}

// write is an entry that puts or deletes a key.
func write(stamp ids.Stamp, key string, deleted bool) wire.Entry {
	e := wire.Entry{Stamp: stamp, Op: wire.Op{Kind: wire.OpPut, Key: key}, Result: wire.Result{Status: wire.Replaced, MsgNum: stamp.Index}}
	if deleted {
		e.Op.Kind, e.Result.Status = wire.OpDelete, wire.Deleted
	}
	return e
}

// drawHolder draws a side: records that ballot 1 wrote, which all sides know or have
// overwritten, and a log of the side's own ballot.
func drawHolder(t *rapid.T, node int) *holder {
	key := rapid.Custom(func(t *rapid.T) string { return "k" + strconv.Itoa(rapid.IntRange(0, 7).Draw(t, "key")) })
	b := bal(uint64(2+node), 1)
	h := &holder{state: map[string]wire.Record{}, ledger: wire.Ledger{MsgNum: uint64(10 + node)}}
	h.pieceOf = func() int { return rapid.IntRange(1, 4).Draw(t, "piece") }
	h.source = Source{Holder: ids.Node(node), History: wire.HistorySummary{
		Ballot: b, Past: []wire.PastBallot{{Ballot: bal(1, 1), Count: 8}},
	}}
	for i := range rapid.IntRange(0, 5).Draw(t, "records") {
		k := key.Draw(t, "key")
		h.state[k] = wire.Record{Key: k, Stamp: ids.Stamp{Ballot: bal(1, 1), Index: uint64(i + 1)}}
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "entries") {
		h.tail = append(h.tail, write(ids.Stamp{Ballot: b, Index: uint64(i + 1)}, key.Draw(t, "key"), rapid.Bool().Draw(t, "deleted")))
	}
	h.source.History.Length = uint64(rapid.IntRange(0, len(h.tail)).Draw(t, "length"))
	return h
}

// TestAMergeReadsSidesInPiecesAsIfTheyWereWhole: with pieces of any size, each key gets its survivor,
// and the records come in order and once.
func TestAMergeReadsSidesInPiecesAsIfTheyWereWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var holders []*holder
		var sources []Source
		for i := range rapid.IntRange(2, 3).Draw(t, "sides") {
			holders = append(holders, drawHolder(t, i))
			sources = append(sources, holders[i].source)
		}
		m := NewMerge(bal(9, 1), sources, 0)
		var got []wire.Record
		for done := false; !done; {
			asks := m.Asks(false)
			if len(asks) == 0 {
				t.Fatal("the merge asks for nothing and is not done")
			}
			for _, a := range asks {
				if taken := m.Take(a.To, 7, holders[a.To].answer(a.Fetch)); taken != Took {
					t.Fatalf("a piece that was asked for: outcome %d", taken)
				}
			}
			done = m.Advance(rapid.IntRange(0, 300).Draw(t, "bytes"), func(r []wire.Record) { got = append(got, r...) })
		}
		want, conflicts := survivors(m.sides, holders)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if n, sample := m.Conflicts(); n != conflicts || len(sample) != min(n, maxSample) {
			t.Fatalf("%d conflicts, want %d; sample %q", n, conflicts, sample)
		}
	})
}

// survivors is what a merge of whole sides keeps, ascending by key.
func survivors(sides []kv.Side, holders []*holder) (all []wire.Record, conflicts int) {
	keys := map[string]bool{}
	var finals []map[string]*wire.Record
	for _, h := range holders {
		finals = append(finals, h.final())
		for key := range finals[len(finals)-1] {
			keys[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		var held []*wire.Record
		for _, f := range finals {
			held = append(held, f[key])
		}
		rec, conflict := kv.Survivor(sides, held)
		if rec != nil {
			all = append(all, *rec)
		}
		if conflict {
			conflicts++
		}
	}
	return all, conflicts
}

// mergeOfTwo is a merge of nodes 0 and 1, which have nothing, after its first requests.
func mergeOfTwo(t *testing.T) (*Merge, []*holder, []Ask) {
	var holders []*holder
	var sources []Source
	for i := range 2 {
		h := &holder{pieceOf: func() int { return 9 }, ledger: wire.Ledger{MsgNum: uint64(5 * i), Origins: []wire.Origin{{Node: 3}}}}
		h.source = Source{Holder: ids.Node(i), History: hist(bal(uint64(2+i), 1), 0)}
		holders, sources = append(holders, h), append(sources, h.source)
	}
	m := NewMerge(bal(9, 1), sources, 0)
	asks := m.Asks(true)
	if len(asks) != 2 {
		t.Fatalf("%d requests for two sides", len(asks))
	}
	return m, holders, asks
}

func TestAMergeTakesOnlyPiecesThatItAskedFor(t *testing.T) {
	m, holders, asks := mergeOfTwo(t)
	if len(m.Asks(false)) != 0 || len(m.Asks(true)) != 2 {
		t.Error("a request that is open is made again, or not repeated")
	}
	piece := holders[0].answer(asks[0].Fetch)
	if got := m.Take(1, 7, piece); got != NotAsked {
		t.Errorf("another node's piece: %d", got)
	}
	if got := m.Take(0, 7, piece); got != Took {
		t.Errorf("the piece: %d", got)
	}
	if got := m.Take(0, 7, piece); got != NotAsked {
		t.Errorf("the piece once more: %d", got)
	}
	if m.Advance(0, func([]wire.Record) {}) {
		t.Error("done with one piece of one side")
	}
}

func TestAMergeCannotEndWhenAHolderRestartsOrLacksItsSide(t *testing.T) {
	m, holders, asks := mergeOfTwo(t)
	missing := holders[1].answer(asks[1].Fetch)
	missing.Missing = true
	if got := m.Take(1, 7, missing); got != Unserved {
		t.Errorf("the side is not there: %d", got)
	}
	m.Take(0, 7, holders[0].answer(asks[0].Fetch))
	next := m.Asks(false)
	if got := m.Take(0, 8, holders[0].answer(next[0].Fetch)); got != Unserved {
		t.Errorf("the holder is another boot: %d", got)
	}
}

func TestAMergedLedgerHasTheTailsAndTheLargestNumber(t *testing.T) {
	m, holders, asks := mergeOfTwo(t)
	e := write(ids.Stamp{Ballot: bal(2, 1), Index: 1}, "k", false)
	e.ID, e.Result.MsgNum = ids.Request{Node: 4, Counter: 1}, 40
	holders[0].tail, m.readers[0].length = []wire.Entry{e}, 1
	for done := false; !done; asks = m.Asks(false) {
		for _, a := range asks {
			m.Take(a.To, 7, holders[a.To].answer(a.Fetch))
		}
		done = m.Advance(0, func([]wire.Record) {})
	}
	l := m.Ledger(0)
	if l.MsgNum != 41 || len(l.Origins) != 2 {
		t.Errorf("next number %d, %d forwarders", l.MsgNum, len(l.Origins))
	}
}
