package broadcast

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

var mine = wire.Stream{View: ids.View{Number: 7}, Node: 0, Boot: 5}

// begun is the own stream of node 0, with replicas 1 and 2.
func begun(l Limits) *Streams {
	s := New(l)
	s.Begin(mine, []ids.Node{1, 2})
	return &s
}

var roomy = Limits{BatchOps: 3, BatchBytes: 1 << 20, WindowBytes: 1 << 20}

// write appends writes that are durable at once.
func (o *Own) write(n int) {
	for range n {
		o.Append(&wire.Item{Key: fmt.Sprint("key ", o.last+1)})
	}
	o.MarkDurable(o.id.View, o.last)
}

func TestABatchTakesWhatFitsButOneItemAtLeast(t *testing.T) {
	sizes := []int{5, 5, 20, 1} // of keys, in units
	unit := 1000
	for _, c := range []struct{ n, most, limit, want int }{
		{4, 9, 100, 4}, {4, 2, 100, 2}, {4, 9, 10, 2}, {4, 9, 9, 1}, {4, 9, 1, 1}, {1, 9, 1, 1},
	} {
		s := begun(Limits{BatchOps: c.most, BatchBytes: c.limit*unit + c.n*64, WindowBytes: 1 << 30})
		for _, size := range sizes[:c.n] {
			s.Own.Append(&wire.Item{Key: string(make([]byte, size*unit))})
		}
		s.Own.MarkDurable(mine.View, uint64(c.n))
		if b := s.Own.Next(0); len(b.Items) != c.want || b.First != 1 || b.View != mine.View {
			t.Errorf("of %d items, at most %d and %d units: %d, want %d", c.n, c.most, c.limit, len(b.Items), c.want)
		}
	}
}

func TestNothingGoesOutBeforeItIsDurableOrWhileABatchIsUnderWay(t *testing.T) {
	o := &begun(roomy).Own
	o.Append(&wire.Item{Key: "k"})
	if o.Next(0) != nil {
		t.Error("a write that may be lost went out")
	}
	if o.MarkDurable(ids.View{Number: 6}, 1) || !o.MarkDurable(mine.View, 1) || o.MarkDurable(mine.View, 1) {
		t.Error("a write becomes durable once, in its view")
	}
	if b := o.Next(0); b == nil || len(b.Items) != 1 || b.Items[0].Version.Dot != (wire.Dot{Stream: mine, N: 1}) {
		t.Fatalf("the first batch is %+v", b)
	}
	o.write(2)
	if o.Next(0) != nil {
		t.Error("two batches are under way")
	}
	o.Complete(0)
	if b := o.Next(0); b == nil || b.First != 2 || len(b.Items) != 2 {
		t.Errorf("the second batch is %+v", b)
	}
}

// TestAFlightEndsWhenAllAwaitedReplicasHaveItOrItsTimeIsOver goes through one flight of two writes
// whose clients wait.
func TestAFlightEndsWhenAllAwaitedReplicasHaveItOrItsTimeIsOver(t *testing.T) {
	type ack struct {
		from ids.Node
		n    uint64
	}
	for _, c := range []struct {
		name    string
		awaited []ids.Node
		acks    []ack
		at      wire.Instant
		over    bool
		slow    []ids.Node
	}{
		{"nobody is awaited", nil, nil, 0, true, nil},
		{"no acknowledgement", []ids.Node{1, 2}, nil, Patience - 1, false, nil},
		{"one of two", []ids.Node{1, 2}, []ack{{1, 2}}, Patience - 1, false, nil},
		{"one acknowledged a part", []ids.Node{1, 2}, []ack{{1, 2}, {2, 1}}, Patience - 1, false, nil},
		{"both", []ids.Node{1, 2}, []ack{{1, 2}, {2, 2}}, 1, true, nil},
		{"the awaited one", []ids.Node{2}, []ack{{2, 2}}, 1, true, nil},
		{"a stranger", []ids.Node{1}, []ack{{3, 2}}, 1, false, nil},
		{"more than there is", []ids.Node{1}, []ack{{1, 99}}, 1, true, nil},
		{"the time is over", []ids.Node{1, 2}, []ack{{1, 2}}, Patience, true, []ids.Node{2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &begun(roomy).Own
			o.write(2)
			answered := 0
			for n := range uint64(2) {
				o.Wait(n+1, func() { answered++ })
			}
			o.Next(0)
			for _, id := range c.awaited {
				o.Await(id)
			}
			for _, a := range c.acks {
				o.Ack(a.from, a.n)
			}
			for _, a := range o.Complete(c.at) {
				a.Do()
			}
			if o.Over(2) != c.over || (answered == 2) != c.over {
				t.Errorf("over: %t, want %t; %d answers", o.Over(2), c.over, answered)
			}
			var slow []ids.Node
			for _, r := range o.replicas {
				if r.slow {
					slow = append(slow, r.id)
				}
				if r.acked > o.last {
					t.Errorf("node %d has %d of %d writes", r.id, r.acked, o.last)
				}
			}
			if !slices.Equal(slow, c.slow) {
				t.Errorf("slow are %v, want %v", slow, c.slow)
			}
		})
	}
}

func TestASlowReplicaIsAwaitedAgainWhenItHasCaughtUp(t *testing.T) {
	o := &begun(roomy).Own
	flight := func(from wire.Instant) bool { // whether it waits for replica 1
		o.write(1)
		o.Next(from)
		o.Await(1)
		o.Complete(from)
		_, waits := o.FlightEnd()
		o.Complete(from + Patience)
		return waits
	}
	if !flight(0) || flight(100) {
		t.Error("a replica is awaited until it is slow")
	}
	if o.Ack(1, 1); flight(200) {
		t.Error("a part is enough to be awaited again")
	}
	if o.Ack(1, 3); !flight(300) {
		t.Error("a replica that has caught up is not awaited")
	}
	if flight(400) {
		t.Error("it was slow again, and is awaited")
	}
	if o.Restarted(1); !flight(500) {
		t.Error("a new boot is taken for slow")
	}
	if o.Unacked(1) != 6 {
		t.Errorf("a new boot lacks %d of 6 writes", o.Unacked(1))
	}
}

func TestOnlyAnswersOfAFlightAreDueAndAllAtTheEndOfAView(t *testing.T) {
	s := begun(roomy)
	var answered []uint64
	run := func(due []Answer) {
		for _, a := range due {
			a.Do()
		}
	}
	s.Own.write(5) // two batches: three writes, and two
	for n := uint64(1); n <= 5; n++ {
		s.Own.Wait(n, func() { answered = append(answered, n) })
	}
	s.Own.Next(0)
	if run(s.Own.Complete(0)); !slices.Equal(answered, []uint64{1, 2, 3}) {
		t.Errorf("answered are %v", answered)
	}
	if run(s.End()); !slices.Equal(answered, []uint64{1, 2, 3, 4, 5}) {
		t.Errorf("at the end, answered are %v", answered)
	}
	if run(s.End()); len(answered) != 5 {
		t.Errorf("answered twice: %v", answered)
	}
}

// TestTheWindowDropsTheOldestThatWentOut: writes that were not sent stay, even beyond the bound.
func TestTheWindowDropsTheOldestThatWentOut(t *testing.T) {
	o := &begun(Limits{BatchOps: 100, BatchBytes: 1 << 20, WindowBytes: 1}).Own
	o.write(5)
	if o.window.n != 5 {
		t.Fatalf("%d of 5 writes are left that have not gone out", o.window.n)
	}
	o.Next(0)
	o.write(1)
	if o.first() != 6 {
		t.Errorf("the window begins at %d", o.first())
	}
	truncated, batches := o.Resend(2, 9)
	if truncated != 5 || len(batches) != 0 {
		t.Errorf("truncated up to %d, and %d batches", truncated, len(batches))
	}
}

func TestWhatAllReplicasHaveLeavesTheWindow(t *testing.T) {
	o := &begun(roomy).Own
	o.write(3)
	o.Next(0)
	o.Ack(1, 3)
	if o.Trim(); o.window.n != 3 {
		t.Error("a replica may still request what was dropped")
	}
	o.Ack(2, 2)
	if o.Trim(); o.first() != 3 {
		t.Errorf("the window begins at %d", o.first())
	}
	truncated, batches := o.Resend(1, 3)
	if truncated != 2 || len(batches) != 1 || batches[0].First != 3 || batches[0].Items[0].Key != "key 3" {
		t.Errorf("truncated up to %d, batches %v", truncated, batches)
	}
}

// TestAWindowIsAListThatIsDroppedFromTheFront compares a window with a slice.
func TestAWindowIsAListThatIsDroppedFromTheFront(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		var model []string
		next := 0
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			for range rapid.IntRange(0, 2*pieceItems).Draw(t, "added") {
				next++
				w.add(&wire.Item{Key: fmt.Sprint(next)})
				model = append(model, fmt.Sprint(next))
			}
			for range rapid.IntRange(0, len(model)).Draw(t, "dropped") {
				w.drop()
				model = model[1:]
			}
		}
		var got []string
		for _, item := range w.slice(0, w.n) {
			got = append(got, item.Key)
		}
		if !slices.Equal(got, model) || (w.n == 0) != (w.bytes == 0) {
			t.Fatalf("%v of %d bytes, want %v", got, w.bytes, model)
		}
	})
}
