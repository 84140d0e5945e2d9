package transfer

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

func bal(view uint64) ids.Ballot { return ids.Ballot{View: ids.View{Number: view}, Round: 1, Boot: 7} }

// peer is a node with a history and a store, and both ends of transfers.
type peer struct {
	t        *testing.T
	id       ids.Node
	boot     ids.Boot
	now      wire.Instant
	box      core.Outbox
	store    *store.Memory
	history  *history.History
	receiver *Receiver
	server   *Server
	sent     []core.Envelope
	events   []string
	built    int // number of areas that it began to build
	dropped  int
}

func newPeer(t *testing.T, id ids.Node, chunk int) *peer {
	p := &peer{t: t, id: id, boot: ids.Boot(10 + id), now: wire.Second, store: store.NewMemory()}
	p.history = history.New(&p.box, 0)
	limits := Limits{ChunkBytes: chunk}
	p.receiver, p.server = NewReceiver(id, limits, &p.box, p.history), NewServer(limits, &p.box, p.history)
	return p
}

// do carries out what a call wants done, as the driver does.
func (p *peer) do(call func()) {
	p.box.Reset()
	call()
	out := p.box.Output()
	p.store.Write(out.Writes)
	for _, w := range out.Writes {
		switch w.Kind {
		case wire.WriteStageHead:
			p.built++
		case wire.WriteStageDrop:
			p.dropped++
		}
	}
	p.store.Apply(out.Applies)
	for _, e := range out.Events {
		p.events = append(p.events, e.Kind.Name)
	}
	p.sent = append(p.sent, out.Messages...)
	var chunks []*core.ChunkRead
	for _, r := range out.Reads {
		chunks = append(chunks, p.store.Chunk(r))
	}
	if n := len(out.Writes); n > 0 {
		seq := out.Writes[n-1].Seq
		p.do(func() { p.box.MarkDurable(seq) })
	}
	for _, c := range chunks {
		p.do(func() { p.server.OnChunkRead(c) })
	}
}

// take returns the only message that was sent since the last take.
func (p *peer) take() wire.Message {
	p.t.Helper()
	if len(p.sent) != 1 {
		p.t.Fatalf("node %d sent %d messages, want one", p.id, len(p.sent))
	}
	m := p.sent[0].Message
	p.sent = nil
	return m
}

// stand makes the history of a node that of a ballot.
func (p *peer) stand(b ids.Ballot) {
	p.do(func() {
		p.receiver.Begin(p.now, &wire.Start{Ballot: b, Members: []wire.Member{{ID: p.id}}}, p.id)
		p.history.SwapIn(b)
	})
	p.events, p.built = nil, 0
}

// log appends writes of the ballot to the log, and commits some.
func (p *peer) log(first, last, commit uint64) {
	var all []wire.Entry
	for at := first; at <= last; at++ {
		all = append(all, wire.Entry{
			Stamp: ids.Stamp{Ballot: p.history.Ballot(), Index: at}, ID: ids.Request{Node: ids.Node(at % 3), Counter: at}, LowestOpen: 1,
			Op:     wire.Op{Kind: wire.OpPut, Key: fmt.Sprintf("k%02d", at%7), Value: fmt.Append(nil, at)},
			Result: wire.Result{Status: wire.Created, MsgNum: at},
		})
	}
	p.do(func() {
		p.history.Append(all)
		p.history.CommitTo(commit)
	})
}

// start is the Start of ballot 2, with the whole history of a node as its base.
func start(from *peer) *wire.Start {
	s := from.history.Summary()
	return &wire.Start{Ballot: bal(2), Base: wire.Base{Source: s.Ballot, Length: s.Length, Sum: s.Sum}}
}

// transfer brings the base of ballot 2 from one node to another. It returns the number of
// pieces.
func transfer(t *testing.T, from, to *peer, s *wire.Start) int {
	t.Helper()
	var outcome Outcome
	to.do(func() { outcome = to.receiver.Begin(to.now, s, from.id) })
	pieces := 0
	for ; outcome != Whole; pieces++ {
		f := to.take().(*wire.Fetch)
		from.do(func() { from.server.OnFetch(to.id, f) })
		c := from.take().(*wire.Chunk)
		to.do(func() { outcome = to.receiver.OnChunk(to.now, wire.Header{From: from.id, Boot: from.boot}, c) })
		if outcome == Ignored || pieces > 1000 {
			t.Fatalf("piece %d: outcome %d", pieces, outcome)
		}
	}
	return pieces
}

// contents is what a node serves once the base of ballot 2 is swapped in.
func contents(p *peer) ([]wire.Record, wire.Ledger) {
	p.do(func() { p.history.SwapIn(bal(2)) })
	l, _ := p.history.Source(bal(2))
	return p.store.Chunk(core.Read{Kind: core.ReadChunk, Area: core.AreaCurrent, First: true, Limit: 1 << 30}).Records, l.Ledger()
}

func TestABaseComesAsALittleAsPossibleAndIsTheSameEverywhere(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(to *peer)
		chunk   int
		event   string
		pieces  int // zero: several
		built   int
	}{
		{"a node with all of it", func(p *peer) { p.stand(bal(1)); p.log(1, 20, 3) }, 1 << 20, "base_by_entries", 0, 0},
		{"a node that lacks entries", func(p *peer) { p.stand(bal(1)); p.log(1, 8, 3) }, 1 << 20, "base_by_entries", 1, 0},
		{"a node that lacks entries, in small pieces", func(p *peer) { p.stand(bal(1)); p.log(1, 8, 8) }, 100, "base_by_entries", 12, 0},
		{"a blank node", func(*peer) {}, 1 << 20, "base_whole", 3, 1},
		{"a blank node, in small pieces", func(*peer) {}, 100, "base_whole", -1, 1},
		{"a node of another ballot", func(p *peer) { p.stand(bal(0)); p.log(1, 5, 5) }, 1 << 20, "base_whole", 3, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := newPeer(t, 0, c.chunk), newPeer(t, 1, c.chunk)
			from.stand(bal(1))
			from.log(1, 20, 8)
			c.prepare(to)
			s := start(from)
			pieces := transfer(t, from, to, s)
			if c.pieces >= 0 && pieces != c.pieces || c.pieces < 0 && pieces < 10 {
				t.Errorf("%d pieces", pieces)
			}
			if d := cmp.Diff([]string{c.event}, to.events); d != "" || to.built != c.built {
				t.Errorf("built %d areas; %s", to.built, d)
			}
			transfer(t, to, from, s)
			wantRecords, wantLedger := contents(from)
			records, ledger := contents(to)
			if d := cmp.Diff(wantRecords, records); d != "" || len(records) != 7 {
				t.Errorf("%d records: %s", len(records), d)
			}
			if d := cmp.Diff(wantLedger, ledger); d != "" || ledger.MsgNum != 21 {
				t.Errorf("next number %d: %s", ledger.MsgNum, d)
			}
		})
	}
}

// TestOtherContentIsReplacedWhole: a node took in entries that its primary never wrote.
func TestOtherContentIsReplacedWhole(t *testing.T) {
	for name, have := range map[string]uint64{"as many entries": 20, "fewer entries": 8} {
		from, to := newPeer(t, 0, 1<<20), newPeer(t, 1, 1<<20)
		from.stand(bal(1))
		from.log(1, 20, 8)
		to.stand(bal(1))
		to.log(1, have-1, 0)
		to.do(func() {
			to.history.Append([]wire.Entry{{Stamp: ids.Stamp{Ballot: bal(1), Index: have}, Op: wire.Op{Key: "false"}}})
		})
		transfer(t, from, to, start(from))
		if d := cmp.Diff([]string{"content_differs", "base_whole"}, to.events); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if records, _ := contents(to); len(records) != 7 {
			t.Errorf("%s: %d records", name, len(records))
		}
	}
}

func TestWhatTheHolderHasBeyondTheBaseIsLeftOut(t *testing.T) {
	for name, prepare := range map[string]func(to *peer){
		"by entries": func(p *peer) { p.stand(bal(1)); p.log(1, 8, 3) },
		"whole":      func(*peer) {},
	} {
		from, to := newPeer(t, 0, 1<<20), newPeer(t, 1, 1<<20)
		from.stand(bal(1))
		from.log(1, 20, 8)
		from.history.Abandon(0, 7, 15)
		prepare(to)
		transfer(t, from, to, start(from))
		if _, ledger := contents(to); ledger.MsgNum != 15 {
			t.Errorf("%s: the next number is %d", name, ledger.MsgNum)
		}
	}
}

// begun is a blank node 1 that asked node 0 for the head of a base.
func begun(t *testing.T) (from, to *peer, f *wire.Fetch) {
	from, to = newPeer(t, 0, 1<<20), newPeer(t, 1, 1<<20)
	from.stand(bal(1))
	from.log(1, 20, 8)
	to.do(func() { to.receiver.Begin(to.now, start(from), 0) })
	return from, to, to.take().(*wire.Fetch)
}

func TestAPieceThatWasNotAskedForIsIgnored(t *testing.T) {
	from, to, f := begun(t)
	from.do(func() { from.server.OnFetch(1, f) })
	c := from.take().(*wire.Chunk)
	give := func(h wire.Header, c *wire.Chunk) (o Outcome) {
		to.do(func() { o = to.receiver.OnChunk(to.now, h, c) })
		return o
	}
	h := wire.Header{From: 0, Boot: from.boot}
	for name, change := range map[string]func(h *wire.Header, c *wire.Chunk){
		"from another node":       func(h *wire.Header, _ *wire.Chunk) { h.From = 2 },
		"of another ballot":       func(_ *wire.Header, c *wire.Chunk) { c.Ballot = bal(3) },
		"of another source":       func(_ *wire.Header, c *wire.Chunk) { c.Source = bal(3) },
		"of another part":         func(_ *wire.Header, c *wire.Chunk) { c.Part = wire.FetchTail },
		"from another position":   func(_ *wire.Header, c *wire.Chunk) { c.From = 1 },
		"from another key":        func(_ *wire.Header, c *wire.Chunk) { c.After = "k" },
		"of records from the top": func(_ *wire.Header, c *wire.Chunk) { c.First = true },
	} {
		head, piece := h, *c
		if change(&head, &piece); give(head, &piece) != Ignored {
			t.Errorf("taken: %s", name)
		}
	}
	if give(h, c) != Moved || give(h, c) != Ignored {
		t.Error("the piece is not taken, or twice")
	}
}

func TestATransferBeginsAnewWhenItsHolderRestarts(t *testing.T) {
	from, to, f := begun(t)
	from.do(func() { from.server.OnFetch(1, f) })
	c := from.take().(*wire.Chunk)
	to.do(func() { to.receiver.OnChunk(to.now, wire.Header{From: 0, Boot: 10}, c) })
	f = to.take().(*wire.Fetch)
	from.do(func() { from.server.OnFetch(1, f) })
	c = from.take().(*wire.Chunk)
	to.do(func() { to.receiver.OnChunk(to.now, wire.Header{From: 0, Boot: 11}, c) })
	if f = to.take().(*wire.Fetch); f.Part != wire.FetchHead || to.built != 2 {
		t.Errorf("after a restart part %d is asked for, in area %d", f.Part, to.built)
	}
	to.do(to.receiver.Drop)
	if to.dropped != 1 || to.receiver.Underway() {
		t.Error("an area that was begun is kept")
	}
}

func TestARequestIsRepeatedEverMoreSlowly(t *testing.T) {
	_, to, first := begun(t)
	begin, again := to.now, []wire.Instant(nil)
	for ; to.now < begin+6*wire.Second; to.now += 10 * wire.Millisecond {
		to.do(func() { to.receiver.Tick(to.now) })
		if len(to.sent) > 0 {
			again = append(again, (to.now-begin)/wire.Millisecond)
			if d := cmp.Diff(first, to.take().(*wire.Fetch)); d != "" {
				t.Fatal(d)
			}
		}
	}
	if d := cmp.Diff([]wire.Instant{200, 600, 1400, 3000, 5000}, again); d != "" {
		t.Error(d)
	}
	if to.receiver.Stalled(begin+5*wire.Second-1, 5*wire.Second) || !to.receiver.Stalled(begin+5*wire.Second, 5*wire.Second) {
		t.Error("a transfer stalls when no piece came for the bound")
	}
}

func TestARequestIsRepeatedAfterTwiceTheTimeOfTheLastPiece(t *testing.T) {
	for took, repeated := range map[wire.Instant]wire.Instant{10: 200, 300: 600, 1500: 2000} {
		from, to, f := begun(t)
		to.now += took * wire.Millisecond
		from.do(func() { from.server.OnFetch(1, f) })
		c := from.take().(*wire.Chunk)
		to.do(func() { to.receiver.OnChunk(to.now, wire.Header{From: 0, Boot: from.boot}, c) })
		to.take()
		to.now += repeated*wire.Millisecond - 1
		if to.do(func() { to.receiver.Tick(to.now) }); len(to.sent) > 0 {
			t.Errorf("a piece took %d ms: repeated before %d ms", took, repeated)
		}
		to.now++
		if to.do(func() { to.receiver.Tick(to.now) }); len(to.sent) != 1 {
			t.Errorf("a piece took %d ms: not repeated after %d ms", took, repeated)
		}
	}
}

func TestAServerSaysWhatItLacksAndKeepsFewRequests(t *testing.T) {
	p := newPeer(t, 0, 1<<20)
	p.stand(bal(1))
	p.log(1, 20, 8)
	ask := func(f wire.Fetch) *wire.Chunk {
		p.do(func() { p.server.OnFetch(1, &f) })
		return p.take().(*wire.Chunk)
	}
	if !ask(wire.Fetch{Source: bal(5), Part: wire.FetchHead}).Missing {
		t.Error("a history that is not here is served")
	}
	if !ask(wire.Fetch{Source: bal(1), Part: wire.FetchEntries, From: 5}).Missing || ask(wire.Fetch{Source: bal(1), Part: wire.FetchEntries, From: 8}).Missing {
		t.Error("entries are served that are in the state already, or those behind it are not")
	}
	p.box.Reset()
	for range 2 * maxReads {
		p.server.OnFetch(1, &wire.Fetch{Source: bal(1), Part: wire.FetchRecords, First: true})
	}
	if n := len(p.box.Output().Reads); n != maxReads {
		t.Errorf("%d reads are open", n)
	}
	p.server.Drop()
	if p.do(func() { p.server.OnChunkRead(&core.ChunkRead{Session: 1}) }); len(p.sent) > 0 {
		t.Error("what was dropped is answered")
	}
}

func TestTwoSidesAreMergedIntoOneBase(t *testing.T) {
	nodes := []*peer{newPeer(t, 0, 200), newPeer(t, 1, 200)}
	var sources []recovery.Source
	for i, p := range nodes {
		p.stand(bal(uint64(i)))
		p.log(1, uint64(9+i), 4)
		sources = append(sources, recovery.Source{Holder: p.id, History: p.history.Summary()})
	}
	to := nodes[0]
	to.do(func() {
		to.receiver.Merge(to.now, &wire.Start{Ballot: bal(2), Base: wire.Base{Sides: make([]wire.PastBallot, 2)}}, sources)
	})
	outcome := Moved
	for outcome == Moved {
		sent := to.sent
		to.sent = nil
		for _, e := range sent {
			holder := nodes[e.To]
			waiting := holder.sent
			holder.sent = nil
			holder.do(func() { holder.server.OnFetch(0, e.Message.(*wire.Fetch)) })
			c := holder.take().(*wire.Chunk)
			holder.sent = waiting
			to.do(func() { outcome = to.receiver.OnChunk(to.now, wire.Header{From: holder.id, Boot: holder.boot}, c) })
		}
	}
	if outcome != Whole {
		t.Fatalf("outcome %d", outcome)
	}
	if d := cmp.Diff([]string{"histories_merged", "base_merged"}, to.events); d != "" {
		t.Error(d)
	}
	records, ledger := contents(to)
	for _, r := range records {
		if r.Stamp.Ballot != bal(1) {
			t.Errorf("%s is of %v, and a higher ballot wrote it, too", r.Key, r.Stamp.Ballot)
		}
	}
	if len(records) != 7 || ledger.MsgNum != 11 {
		t.Errorf("%d records, next number %d", len(records), ledger.MsgNum)
	}
}
