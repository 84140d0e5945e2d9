package node

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// script is a core that does what a test says. It fails the test when two
// goroutines are inside.
type script struct {
	t        testing.TB
	on       func(in core.Input) core.Output // nil: nothing comes out
	deadline atomic.Int64
	inside   atomic.Bool
	out      core.Output
	inputs   []core.Input // kept when keep is set
	keep     bool
}

func (s *script) Step(_ wire.Instant, in core.Input) *core.Output {
	if s.inside.Swap(true) {
		s.t.Error("two goroutines are inside")
	}
	defer s.inside.Store(false)
	s.out = core.Output{}
	if s.keep {
		if r, ok := in.(*core.CausalRead); ok {
			kept := *r // it goes back into its pool
			in = &kept
		}
		s.inputs = append(s.inputs, in)
	}
	if s.on != nil {
		s.out = s.on(in)
	}
	return &s.out
}

func (s *script) Deadline() wire.Instant { return wire.Instant(s.deadline.Load()) }
func (s *script) Header() wire.Header    { return wire.Header{From: 1, Inc: 11, Boot: 111} }

// recorder is a bus that remembers what was sent.
type recorder struct {
	sent  []bus.Envelope
	fails error
}

func (r *recorder) Send(e bus.Envelope) error {
	e.Payload = slices.Clone(e.Payload)
	r.sent = append(r.sent, e)
	return r.fails
}
func (r *recorder) Listen(bus.Handler, ...string) error { return nil }
func (r *recorder) Reach([]bus.Peer)                    {}
func (r *recorder) MaxPayload() int                     { return bus.MaxPayload }
func (r *recorder) Close() error                        { return nil }

func newTestDriver(t testing.TB, c *script) (*driver, *recorder) {
	c.t = t
	if c.deadline.Load() == 0 {
		c.deadline.Store(int64(1000 * wire.Second))
	}
	conn, start, state := &recorder{}, time.Now(), store.NewMemory()
	d := &driver{
		core: c, store: state, disk: memory{state}, conn: conn, clients: &requestTable{}, publish: func(*core.Output) {},
		meters: newMeters(), relay: make(chan struct{}, 1), timer: time.NewTimer(time.Hour),
		clock: func() wire.Instant { return wire.Instant(time.Since(start)) },
	}
	t.Cleanup(func() { d.timer.Stop() })
	return d, conn
}

func TestInputsOfManyGoroutinesAreSteppedOneByOneAndInTheirOrder(t *testing.T) {
	const goroutines, each = 8, 3000
	var last [goroutines]uint64
	var stepped sync.WaitGroup
	stepped.Add(goroutines * each)
	d, _ := newTestDriver(t, &script{on: func(in core.Input) core.Output {
		seq := in.(*core.Durable).Seq
		if who := seq % goroutines; seq <= last[who] && last[who] != 0 {
			t.Errorf("goroutine %d: %d after %d", who, seq, last[who])
		} else {
			last[who] = seq
		}
		stepped.Done()
		return core.Output{}
	}})
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { d.run(stop) })
	for g := range goroutines {
		running.Go(func() {
			for i := range each {
				d.submit(&core.Durable{Seq: uint64(i*goroutines + g)})
			}
		})
	}
	stepped.Wait()
	close(stop)
	running.Wait()
}

func TestACallerStepsABoundedNumberOfInputs(t *testing.T) {
	const inputs = 10 * callerSteps
	c := &script{}
	var steps atomic.Int32
	done := make(chan struct{})
	d, _ := newTestDriver(t, c)
	c.on = func(in core.Input) core.Output {
		if n := steps.Add(1); n < inputs {
			d.submit(in) // as other goroutines would, while one is inside
		} else {
			close(done)
		}
		return core.Output{}
	}
	d.submit(&core.Tick{})
	if n := steps.Load(); n != callerSteps {
		t.Fatalf("the caller stepped %d inputs, its share is %d", n, callerSteps)
	}
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { d.run(stop) })
	<-done
	close(stop)
	running.Wait()
}

func TestInputsThatFollowFromAnOutputComeFirst(t *testing.T) {
	c := &script{keep: true}
	d, conn := newTestDriver(t, c)
	hello := &wire.Hello{Commit: 7}
	c.on = func(in core.Input) core.Output {
		if _, first := in.(*core.Tick); !first {
			return core.Output{}
		}
		d.submit(&core.RequestFailed{Request: 99}) // waits in the queue
		return core.Output{
			Writes:   []wire.Write{{Seq: 4, Kind: wire.WriteMeta}, {Seq: 5, Kind: wire.WriteAppend}},
			Messages: []core.Envelope{{To: 1, Message: hello}},
			Reads:    []core.Read{{Kind: core.ReadChunk, Area: core.AreaCurrent, First: true, Limit: 9, Session: 3}},
		}
	}
	d.submit(&core.Tick{})
	want := []core.Input{
		&core.Tick{}, &core.Durable{Seq: 5}, &core.Received{Header: c.Header(), Message: hello},
		&core.ChunkRead{Area: core.AreaCurrent, First: true, Last: true, Session: 3},
		&core.RequestFailed{Request: 99},
	}
	if diff := cmp.Diff(want, c.inputs); diff != "" {
		t.Error(diff)
	}
	if len(conn.sent) != 0 {
		t.Errorf("a message to the node itself went over the bus: %v", conn.sent)
	}
}

func TestCausalReadsReturnTheLatestWrite(t *testing.T) {
	c := &script{keep: true}
	d, _ := newTestDriver(t, c)
	w := front.NewWaiter()
	d.clients.add(w)
	item := wire.Item{Key: "k", Value: []byte("v")}
	all := []wire.HashRange{{Last: math.MaxUint64}}
	c.on = func(in core.Input) core.Output {
		if _, first := in.(*core.Tick); !first {
			return core.Output{}
		}
		return core.Output{
			Writes: []wire.Write{{Seq: 4, Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Put: []wire.Item{item}}}},
			Reads: []core.Read{
				{Kind: core.ReadKey, Key: "k", Session: 5},
				{Kind: core.ReadSlots, Ranges: all, Limit: 9, Session: 6},
				{Kind: core.ReadItems, Ranges: all, Token: w.Token},
			},
		}
	}
	d.submit(&core.Tick{})
	d.submit(&core.CausalRead{Key: "k"})
	want := []core.Input{
		&core.Tick{}, &core.Durable{Seq: 4},
		&core.KeyRead{Session: 5, Stored: &item},
		&core.SlotsRead{Session: 6, Items: []wire.Item{item}, Last: true},
		&core.CausalRead{Key: "k", Stored: &item},
	}
	if diff := cmp.Diff(want, c.inputs); diff != "" {
		t.Error(diff)
	}
	if <-w.Done; w.Reply.Outcome != core.Done {
		t.Errorf("the client that lists got %+v", w.Reply)
	}
	d.store.Write([]wire.Write{{Seq: 5, Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Put: []wire.Item{{Key: "later"}}}}})
	if listed := slices.Collect(w.Listing.From(nil)); len(listed) != 1 || listed[0].Key != "k" {
		t.Errorf("it was shown %v", listed)
	}
	if listed := slices.Collect(w.Listing.From(&item.Key)); len(listed) != 0 {
		t.Errorf("after the only key there is %v", listed)
	}
}

func TestOutputsAreCarriedOutInOrder(t *testing.T) {
	c := &script{}
	d, conn := newTestDriver(t, c)
	w := front.NewWaiter()
	d.clients.add(w)
	var order []string
	d.publish = func(out *core.Output) {
		if out.Status != nil {
			order = append(order, "status")
			if len(conn.sent) > 0 || len(w.Done) > 0 {
				t.Error("messages or replies before the status")
			}
		}
	}
	put := wire.Entry{Op: wire.Op{Kind: wire.OpPut, Key: "k"}, Result: wire.Result{Status: wire.Created, MsgNum: 1}}
	c.on = func(core.Input) core.Output {
		return core.Output{
			Status:   &core.NodeStatus{Serving: true},
			Messages: []core.Envelope{{To: 2, Message: &wire.Ack{Index: 1}}},
			Applies:  []wire.Entry{put},
			Replies:  []core.Reply{{Token: w.Token, Outcome: core.Done, Result: put.Result}},
		}
	}
	d.submit(&core.Tick{})
	<-w.Done
	if _, found, next := d.store.Get("k"); !found || next != 2 || w.Reply.Result != put.Result {
		t.Errorf("found=%v next=%d reply=%+v", found, next, w.Reply)
	}
	if !slices.Equal(order, []string{"status"}) || len(conn.sent) != 1 {
		t.Errorf("%v, %d messages", order, len(conn.sent))
	}
}

func TestAMessageToManyIsTheSameForAll(t *testing.T) {
	prepare, ack := &wire.Prepare{First: 3, Commit: 2}, &wire.Ack{Index: 9}
	c := &script{on: func(core.Input) core.Output {
		return core.Output{Messages: []core.Envelope{
			{To: 2, Message: prepare}, {To: 3, Message: prepare}, {To: 2, Message: ack},
			{To: 4, Answer: "answer", Message: ack}, {To: 1, Request: 8, Message: ack},
		}}
	}}
	d, conn := newTestDriver(t, c)
	d.submit(&core.Tick{})
	want := []wire.Message{prepare, prepare, ack, ack, ack}
	for i, e := range conn.sent {
		header, m, err := wire.DecodeMessage(e.Payload)
		if err != nil || header != c.Header() || !cmp.Equal(m, want[i]) {
			t.Errorf("message %d: %+v from %+v: %v", i, m, header, err)
		}
		if err := bus.CheckToken(e.Kind); err != nil {
			t.Errorf("message %d: kind: %v", i, err)
		}
	}
	if len(conn.sent) != len(want) || conn.sent[3].Answer != "answer" || conn.sent[4].Request != 8 {
		t.Errorf("sent %+v", conn.sent)
	}
}

func TestARequestThatTheBusDoesNotTakeFailsAtOnce(t *testing.T) {
	c := &script{keep: true}
	d, conn := newTestDriver(t, c)
	conn.fails = errors.New("no link")
	c.on = func(in core.Input) core.Output {
		if _, first := in.(*core.Tick); !first {
			return core.Output{}
		}
		return core.Output{Messages: []core.Envelope{
			{To: 2, Message: &wire.Ack{}}, {To: 2, Request: 6, Message: &wire.Query{}},
		}}
	}
	d.submit(&core.Tick{})
	if diff := cmp.Diff([]core.Input{&core.Tick{}, &core.RequestFailed{Request: 6}}, c.inputs); diff != "" {
		t.Error(diff)
	}
}

func TestTheBusDeliversMessagesRefusalsAndRubbish(t *testing.T) {
	c := &script{keep: true}
	d, _ := newTestDriver(t, c)
	from := wire.Header{From: 2, Inc: 22, Boot: 222}
	payload := wire.AppendMessage(nil, from, &wire.Ack{Index: 5})
	d.receive(bus.Message{From: 2, Payload: payload, ReplyTo: "r", Request: 3})
	d.receive(bus.Message{From: 3, Payload: payload}) // in the name of node 2
	d.receive(bus.Message{Request: 4, Refused: true})
	payload[len(payload)/2] ^= 1
	d.receive(bus.Message{Payload: payload})
	d.receive(bus.Message{})
	want := []core.Input{
		&core.Received{Header: from, Message: &wire.Ack{Index: 5}, ReplyTo: "r", Request: 3},
		&core.RequestFailed{Request: 4},
	}
	if diff := cmp.Diff(want, c.inputs); diff != "" {
		t.Error(diff)
	}
	if got := counted(t, d.meters, "cohort_messages_damaged_total"); got != 2 {
		t.Errorf("%v damaged messages were counted, not 2", got)
	}
	if got := counted(t, d.meters, "cohort_messages_misnamed_total"); got != 1 {
		t.Errorf("%v messages in another's name were counted, not 1", got)
	}
}

func TestMessagesAreLostWhenTooManyInputsWaitAndClientsAreNot(t *testing.T) {
	c := &script{}
	d, _ := newTestDriver(t, c)
	message := bus.Message{From: 2, Payload: wire.AppendMessage(nil, wire.Header{From: 2}, &wire.Ack{})}
	acks, submits := 0, 0
	c.on = func(in core.Input) core.Output {
		switch in.(type) {
		case *core.Tick: // meanwhile others arrive
			for range maxQueued + 10 {
				d.receive(message)
			}
			d.submit(&core.Submit{})
		case *core.Received:
			acks++
		case *core.Submit:
			submits++
		}
		return core.Output{}
	}
	d.submit(&core.Tick{})
	for len(d.relay) > 0 {
		<-d.relay
		d.work(runSteps)
	}
	if lost := counted(t, d.meters, "cohort_messages_overrun_total"); acks != maxQueued || submits != 1 || lost != 10 {
		t.Errorf("%d messages and %d writes arrived, %v were counted as lost", acks, submits, lost)
	}
}

func TestMessagesAreLostWhenTooManyBytesWait(t *testing.T) {
	c := &script{}
	d, _ := newTestDriver(t, c)
	large := &wire.Forward{Ops: []wire.ForwardedOp{{Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: make([]byte, 1<<20)}}}}
	message := bus.Message{From: 2, Payload: wire.AppendMessage(nil, wire.Header{From: 2}, large)}
	arrived, sent := 0, 2*maxQueuedBytes/len(message.Payload)
	c.on = func(in core.Input) core.Output {
		switch in.(type) {
		case *core.Tick: // meanwhile others come
			for range sent {
				d.receive(message)
			}
		case *core.Received:
			arrived++
		}
		return core.Output{}
	}
	for range 2 { // and there is room again afterwards
		d.submit(&core.Tick{})
		for len(d.relay) > 0 {
			<-d.relay
			d.work(runSteps)
		}
	}
	fit := 2 * (maxQueuedBytes / len(message.Payload))
	if lost := counted(t, d.meters, "cohort_messages_overrun_total"); arrived != fit || int(lost) != 2*sent-fit {
		t.Errorf("%d messages arrived, %v were counted as lost; %d fit", arrived, lost, fit)
	}
}

func TestTheCoreIsWokenByItsDeadlineAndNotWithoutNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &script{}
		var ticks []time.Duration
		start := time.Now()
		c.deadline.Store(int64(10 * time.Second))
		d, _ := newTestDriver(t, c)
		c.on = func(in core.Input) core.Output {
			switch in.(type) {
			case *core.Tick:
				ticks = append(ticks, time.Since(start))
				c.deadline.Store(int64(time.Since(start) + 10*time.Second))
			case *core.Submit:
				c.deadline.Store(int64(time.Since(start) + time.Second)) // something is open now
			}
			return core.Output{}
		}
		stop := make(chan struct{})
		var running sync.WaitGroup
		running.Go(func() { d.run(stop) })
		d.submit(&core.SubmitRead{}) // sets the first deadline
		<-time.After(15 * time.Second)
		d.submit(&core.Submit{})
		<-time.After(25 * time.Second)
		close(stop)
		running.Wait()
		want := []time.Duration{10 * time.Second, 16 * time.Second, 26 * time.Second, 36 * time.Second}
		if diff := cmp.Diff(want, ticks); diff != "" {
			t.Error(diff)
		}
	})
}

func counted(t testing.TB, m *meters, name string) float64 {
	t.Helper()
	families, err := m.register(nil, &recorder{}).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// TestAnInputThatLeadsToMoreForEverLeavesOthersTheirTurn: even if the outputs of a core lead to
// inputs without end, callers of the driver return, and other inputs are stepped.
func TestAnInputThatLeadsToMoreForEverLeavesOthersTheirTurn(t *testing.T) {
	c := &script{}
	d, _ := newTestDriver(t, c)
	hello := &wire.Hello{}
	turn := make(chan struct{})
	c.on = func(in core.Input) core.Output {
		if _, other := in.(*core.RequestFailed); other {
			close(turn)
			return core.Output{}
		}
		return core.Output{Messages: []core.Envelope{{To: 1, Message: hello}}}
	}
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { d.run(stop) })
	d.submit(&core.Tick{})
	d.submit(&core.RequestFailed{Request: 9})
	<-turn
	close(stop)
	running.Wait()
}

// TestAMessageUnderThisNodesIDIsDropped: such a message is forged, or comes from another process
// with the same id. Messages of a node to itself do not use the bus.
func TestAMessageUnderThisNodesIDIsDropped(t *testing.T) {
	c := &script{keep: true}
	d, _ := newTestDriver(t, c)
	d.self = 1
	for _, from := range []ids.Node{1, 2} {
		d.receive(bus.Message{From: from, Payload: wire.AppendMessage(nil, wire.Header{From: from}, &wire.Hello{})})
	}
	if len(c.inputs) != 1 || c.inputs[0].(*core.Received).Header.From != 2 {
		t.Errorf("%d inputs, want the one of node 2", len(c.inputs))
	}
}
