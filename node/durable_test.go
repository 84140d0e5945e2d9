package node

import (
	"errors"
	"math"
	"net"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// slow is a Store whose writes are durable when a test says so.
type slow struct {
	memory
	written uint64
	durable func(uint64)
	failed  func(error)
	closed  int
}

func newSlow() *slow { return &slow{memory: memory{store.NewMemory()}} }

func (s *slow) Write(writes []wire.Write) bool {
	s.memory.Write(writes)
	s.written = writes[len(writes)-1].Seq
	return false
}

func (s *slow) Notify(durable func(uint64), failed func(error)) {
	s.durable, s.failed = durable, failed
}

func (s *slow) Close() error {
	s.closed++
	return nil
}

// newSlowDriver is a test driver on a slow store.
func newSlowDriver(t testing.TB, c *script) (*driver, *recorder, *slow) {
	d, conn := newTestDriver(t, c)
	s := newSlow()
	d.store, d.disk = s.Memory, s
	s.Notify(d.onDurable, nil)
	return d, conn, s
}

func TestWritesBecomeDurableWhenTheStoreSaysSo(t *testing.T) {
	c := &script{keep: true}
	d, _, s := newSlowDriver(t, c)
	seq := uint64(0)
	c.on = func(in core.Input) core.Output {
		if _, write := in.(*core.Tick); !write {
			return core.Output{}
		}
		seq += 2
		return core.Output{Writes: []wire.Write{{Seq: seq - 1, Kind: wire.WriteMeta}, {Seq: seq, Kind: wire.WriteAppend}}}
	}
	for range 3 {
		d.submit(&core.Tick{})
	}
	s.durable(2)
	s.durable(6)
	want := []core.Input{&core.Tick{}, &core.Tick{}, &core.Tick{}, &core.Durable{Seq: 2}, &core.Durable{Seq: 6}}
	if diff := cmp.Diff(want, c.inputs); diff != "" {
		t.Error(diff)
	}
}

// TestNothingLeavesANodeBeforeItsWritesAreDurable drives a whole machine, alone in its view.
func TestNothingLeavesANodeBeforeItsWritesAreDurable(t *testing.T) {
	d, conn, s := newSlowDriver(t, &script{})
	d.core = machine.New(machine.Config{ID: 1, Inc: 11, Boot: 111, Now: d.clock()})
	b := newBackend(d.store)
	b.driver = d
	view, strong, causal := front.NewWaiter(), front.NewWaiter(), front.NewWaiter()
	settle := func() { // until nothing is written any more
		for seq := uint64(0); seq < s.written; {
			seq = s.written
			s.durable(seq)
		}
	}
	b.PutView(view, core.PutView{Layout: wire.Layout{Flat: true, Shards: []wire.Shard{{Members: []wire.Member{{ID: 1, Address: "one:1"}}}}}})
	for len(view.Done) == 0 {
		settle()
		d.submit(&core.Tick{})
	}
	if <-view.Done; view.Reply.Outcome != core.ViewServed {
		t.Fatalf("%+v", view.Reply)
	}
	settle()
	for _, op := range []string{"a", "b", "c"} {
		before := s.written
		b.Write(strong, wire.Op{Kind: wire.OpPut, Key: op})
		b.CausalWrite(causal, wire.Op{Kind: wire.OpPut, Key: op}, wire.Context{})
		if s.written == before || len(strong.Done)+len(causal.Done) > 0 {
			t.Fatalf("%s: %d writes, and %d and %d answers before they were durable", op, s.written-before, len(strong.Done), len(causal.Done))
		}
		settle()
		if len(strong.Done) != 1 || len(causal.Done) != 1 {
			t.Fatalf("%s: %d and %d answers to durable writes", op, len(strong.Done), len(causal.Done))
		}
		<-strong.Done
		<-causal.Done
	}
	if len(conn.sent) > 0 {
		t.Errorf("it sent %v", conn.sent)
	}
}

func TestAListShowsTheItemsOfItsStepWhenTheyAreDurable(t *testing.T) {
	c := &script{}
	d, _, s := newSlowDriver(t, c)
	all := []wire.HashRange{{Last: math.MaxUint64}}
	seq := uint64(0)
	c.on = func(in core.Input) core.Output {
		switch in := in.(type) {
		case *core.CausalSubmit:
			seq++
			put := &wire.CausalWrite{Put: []wire.Item{{Key: in.Op.Key}}}
			return core.Output{Writes: []wire.Write{{Seq: seq, Kind: wire.WriteCausal, Causal: put}}}
		case *core.CausalList:
			return core.Output{Reads: []core.Read{{Kind: core.ReadItems, Ranges: all, Token: in.Token}}}
		}
		return core.Output{}
	}
	put := func(key string) { d.submit(&core.CausalSubmit{Op: wire.Op{Key: key}}) }
	b := newBackend(d.store)
	b.driver = d
	early, first, gone, second := front.NewWaiter(), front.NewWaiter(), front.NewWaiter(), front.NewWaiter()
	b.CausalList(early, wire.Context{})
	put("a")
	b.CausalList(first, wire.Context{})
	put("b")
	b.CausalList(gone, wire.Context{})
	b.CausalList(second, wire.Context{})
	put("c")
	if !b.Abandon(gone) {
		t.Error("a list that waits cannot be abandoned")
	}
	for done, want := range [][]int{{1, 0, 0}, {1, 1, 0}, {1, 1, 1}} {
		if done > 0 {
			s.durable(uint64(done))
		}
		if got := []int{len(early.Done), len(first.Done), len(second.Done)}; !slices.Equal(got, want) {
			t.Fatalf("%d writes are durable, answered: %v", done, got)
		}
	}
	if len(first.Listing.(*listing).keys()) != 1 || len(second.Listing.(*listing).keys()) != 2 || len(gone.Done) != 0 || len(d.lists) != 0 {
		t.Errorf("the lists show %v and %v", first.Listing.(*listing).keys(), second.Listing.(*listing).keys())
	}
}

func (l *listing) keys() (keys []string) {
	for it := range l.From(nil) {
		keys = append(keys, it.Key)
	}
	return keys
}

func TestANodeWhoseStoreFailsEndsWithAnError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, cfg := newSlow(), Default()
	cfg.HTTP, cfg.Bus, cfg.Store = listener, &recorder{}, s
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.failed(errors.New("input/output error"))
	if err := n.Run(t.Context()); err == nil || s.closed != 1 {
		t.Errorf("it ended with %v, and closed its store %d times", err, s.closed)
	}
}
