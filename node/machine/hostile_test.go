package machine

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// rig is one machine in a test that sends it the messages of the other nodes. Its writes are
// durable at once, and its messages to itself arrive.
type rig struct {
	t       *testing.T
	m       *Machine
	now     wire.Instant
	sent    []core.Envelope
	replies []core.Reply
	events  map[string]int
	status  core.NodeStatus
	applied []wire.Entry
}

func newRig(t *testing.T, id ids.Node) *rig {
	return &rig{
		t: t, now: wire.Second, events: map[string]int{},
		m: New(Config{ID: id, Inc: lifeOf(id).Inc, Boot: lifeOf(id).Boot, Now: wire.Second}),
	}
}

// lifeOf is the header of a node of a rig, without a view.
func lifeOf(id ids.Node) wire.Header {
	return wire.Header{From: id, Inc: ids.Incarnation(100 + id), Boot: ids.Boot(200 + id)}
}

// most bounds the steps that one input may lead to.
const most = 1000

func (r *rig) step(in core.Input) {
	r.t.Helper()
	for queue := []core.Input{in}; len(queue) > 0; queue = queue[1:] {
		if len(r.sent) > most*most || len(queue) > most {
			r.t.Fatal("the steps that come of one have no end")
		}
		if f, ok := queue[0].(*core.Received); ok {
			if m, ok := f.Message.(*wire.Forward); ok {
				f.Stored = make([]wire.Meta, len(m.Ops))
			}
		}
		out := r.m.Step(r.now, queue[0])
		if n := len(out.Writes); n > 0 {
			queue = append(queue, &core.Durable{Seq: out.Writes[n-1].Seq})
		}
		for _, e := range out.Messages {
			if e.To == r.m.cfg.ID {
				queue = append(queue, &core.Received{Header: r.m.Header(), Message: e.Message})
			}
		}
		r.sent = append(r.sent, out.Messages...)
		r.replies = append(r.replies, out.Replies...)
		r.applied = append(r.applied, out.Applies...)
		for _, e := range out.Events {
			r.events[e.Kind.Name]++
		}
		if out.Status != nil {
			r.status = *out.Status
		}
	}
}

// hear brings a message of another node, under the view that the machine holds.
func (r *rig) hear(from ids.Node, m wire.Message) {
	r.t.Helper()
	h := lifeOf(from)
	h.View = r.m.Header().View
	r.step(&core.Received{Header: h, Message: m, ReplyTo: "someone"})
}

// pass lets time go by.
func (r *rig) pass(d wire.Instant) {
	for end := r.now + d; r.now < end; {
		r.now += 10 * wire.Millisecond
		r.step(&core.Tick{})
	}
}

// last is the newest message of a type that the machine sent.
func last[M wire.Message](r *rig) (m M) {
	for _, e := range r.sent {
		if x, ok := e.Message.(M); ok {
			m = x
		}
	}
	return m
}

func listOf(members ...ids.Node) wire.Layout {
	l := wire.Layout{Flat: true, Shards: []wire.Shard{{}}}
	for _, id := range members {
		l.Shards[0].Members = append(l.Shards[0].Members, wire.Member{ID: id, Address: "node" + string(rune('0'+id)) + ":8081"})
	}
	return l
}

// viewBy is a view of an author that has heard every member of the list.
func viewBy(author ids.Node, number uint64, members ...ids.Node) wire.View {
	v := wire.View{ID: ids.View{Number: number, Author: author, Boot: lifeOf(author).Boot}, Layout: listOf(members...)}
	for _, id := range members {
		v.Saw = append(v.Saw, wire.Sighting{Node: id, Inc: lifeOf(id).Inc})
	}
	return v
}

// backup is node 1 in a view of nodes 0 and 1, serving.
func backup(t *testing.T) (*rig, ids.Ballot) {
	r := newRig(t, 1)
	v := viewBy(0, 1, 0, 1)
	b := ids.Ballot{View: v.ID, Round: 1, Boot: lifeOf(0).Boot}
	r.hear(0, &wire.NewView{View: v})
	r.hear(0, &wire.JoinRequest{Ballot: b, View: v})
	bound := []wire.Sighting{{Node: 0, Inc: lifeOf(0).Inc, View: v.ID}, {Node: 1, Inc: lifeOf(1).Inc, View: v.ID}}
	r.hear(0, &wire.Start{Ballot: b, Bound: bound, Members: v.Layout.Members()})
	r.hear(0, &wire.Active{Ballot: b})
	r.hear(0, &wire.Hello{Ballot: b, Promised: b, Serving: true})
	if !r.status.Serving {
		t.Fatalf("the backup does not serve: %+v", r.status)
	}
	return r, b
}

// primary is node 0 in a view of nodes 0 and 1, serving.
func primary(t *testing.T) (*rig, ids.Ballot) {
	r := newRig(t, 0)
	v := viewBy(1, 1, 0, 1)
	r.hear(1, &wire.NewView{View: v})
	b := last[*wire.JoinRequest](r).Ballot
	r.hear(1, &wire.Join{Ballot: b})
	r.hear(1, &wire.Started{Ballot: b})
	r.hear(1, &wire.Hello{Ballot: b, Promised: b, Serving: true})
	if !r.status.Serving {
		t.Fatalf("the primary does not serve: %+v", r.status)
	}
	return r, b
}

func TestAViewNumberThatNoPutsReachIsNotFollowed(t *testing.T) {
	for _, number := range []uint64{1<<62 - 1, 1 << 61, 1 << 40} {
		r := newRig(t, 1)
		r.hear(0, &wire.NewView{View: viewBy(0, number, 0, 1)})
		if r.status.Present {
			t.Errorf("it follows view %d", number)
		}
	}
	r, _ := backup(t)
	r.hear(0, &wire.NewView{View: viewBy(0, 1<<62-1, 0, 1)})
	r.hear(0, &wire.JoinRequest{View: viewBy(0, 1<<62-1, 0, 1), Ballot: ids.Ballot{View: viewBy(0, 1<<62-1, 0, 1).ID, Round: 1, Boot: lifeOf(0).Boot}})
	if got := r.status.View.ID.Number; got != 1 {
		t.Errorf("it follows from view 1 to view %d", got)
	}
	r.hear(0, &wire.NewView{View: viewBy(0, 1<<20, 0, 1)})
	if got := r.status.View.ID.Number; got != 1<<20 {
		t.Errorf("it holds view %d: a million PUTs that it has missed are no reason to refuse the next", got)
	}
}

// A member may report a view with a false number. The next view must not be numbered above it.
func TestAnImplausibleViewNumberDoesNotRaiseTheNextOne(t *testing.T) {
	r := newRig(t, 1)
	r.step(&core.PutView{Token: 9, Layout: listOf(0, 1)})
	q := last[*wire.Query](r)
	held := viewBy(0, 1<<62-1, 0, 1)
	r.hear(0, &wire.QueryReply{PutID: q.PutID, Present: true, View: held})
	r.pass(400 * wire.Millisecond)
	if got := r.status.View.ID.Number; got != 1 {
		t.Errorf("the view has the number %d, want 1", got)
	}
	r.hear(0, &wire.NewViewReply{PutID: q.PutID, View: r.status.View.ID, Held: held.ID})
	if got := r.status.View.ID.Number; got != 1 {
		t.Errorf("refused, the list gets the number %d, want 1", got)
	}
}

func TestARoundThatNoViewComesToIsNotPromised(t *testing.T) {
	r, b := backup(t)
	far := b
	far.Round = 1<<62 - 1
	r.hear(0, &wire.JoinRequest{Ballot: far, View: viewBy(0, 1, 0, 1)})
	b.Round = 2
	r.hear(0, &wire.JoinRequest{Ballot: b, View: viewBy(0, 1, 0, 1)})
	if j := last[*wire.Join](r); j.Ballot != b {
		t.Errorf("it joins %+v, want %+v", j.Ballot, b)
	}
}

// A member may be bound to such a round all the same: an older version took a false message for
// true.
func TestAMemberBoundToARoundThatNoViewComesToIsFreedByANewIDOfTheList(t *testing.T) {
	r, b := primary(t)
	far := b
	far.Round = 1<<62 - 1
	r.hear(1, &wire.BallotTooLow{Ballot: b, Promised: far})
	c := last[*wire.JoinRequest](r)
	if c.Ballot.View.Number != 2 || c.Ballot.Round != 1 || !c.View.Layout.Equal(listOf(0, 1)) {
		t.Errorf("after a BallotTooLow with round %d it collects for %+v", far.Round, c.Ballot)
	}
}

func TestEndlessLowsBeginFewRounds(t *testing.T) {
	r, _ := primary(t)
	before := r.events["round_begun"]
	for range 1000 {
		b := last[*wire.JoinRequest](r).Ballot
		higher := b
		higher.Round++
		r.hear(1, &wire.BallotTooLow{Ballot: b, Promised: higher})
	}
	if n := r.events["round_begun"] - before; n > 4 {
		t.Errorf("1000 Lows within an instant began %d rounds", n)
	}
	r.pass(wire.Second)
	b := last[*wire.JoinRequest](r).Ballot
	higher := b
	higher.Round += 5
	r.hear(1, &wire.BallotTooLow{Ballot: b, Promised: higher})
	if got := last[*wire.JoinRequest](r).Ballot.Round; got != higher.Round+1 {
		t.Errorf("a second later a BallotTooLow with round %d is answered by round %d", higher.Round, got)
	}
}

func TestAViewFromANodeThatNoViewNamesIsNotFollowed(t *testing.T) {
	r, _ := backup(t)
	v := viewBy(7, 2, 0, 1)
	r.hear(9, &wire.NewView{View: v})
	if got := r.status.View.ID; got == v.ID {
		t.Error("it follows what node 9 says that node 7 has made; no view names 9")
	}
	if reply := last[*wire.NewViewReply](r); reply == nil || reply.Accepted {
		t.Errorf("node 9 is answered %+v", reply)
	}
	r.hear(7, &wire.NewView{View: v})
	if got := r.status.View.ID; got != v.ID {
		t.Errorf("it holds %v: an operator may put a list to any node, which brings it", got)
	}
}

func TestARoundIsOpenedByThePrimaryAlone(t *testing.T) {
	r, _ := backup(t)
	v := viewBy(0, 2, 0, 1)
	r.hear(9, &wire.JoinRequest{Ballot: ids.Ballot{View: v.ID, Round: 1, Boot: lifeOf(0).Boot}, View: v})
	if got := r.status.View.ID; got == v.ID {
		t.Error("it follows a view that came with a JoinRequest of node 9, which is not its primary")
	}
}

func TestAnAnswerThatDoesNotFitItsWriteIsUnknown(t *testing.T) {
	r, b := backup(t)
	r.step(&core.Submit{Token: 5, Op: wire.Op{Kind: wire.OpPut, Key: "k"}})
	f := last[*wire.Forward](r)
	if f == nil {
		t.Fatal("nothing was forwarded")
	}
	request := uint64(0)
	for _, e := range r.sent {
		if _, ok := e.Message.(*wire.Forward); ok {
			request = e.Request
		}
	}
	h := lifeOf(0)
	h.View = b.View
	r.step(&core.Received{Header: h, Request: request, Message: &wire.ForwardReply{
		Ballot: b, Answers: []wire.Answer{{Counter: f.Ops[0].Counter, Result: wire.Result{Status: wire.Deleted, MsgNum: 3}}},
	}})
	if len(r.replies) != 1 || r.replies[0].Result.Status != wire.Unknown {
		t.Errorf("a PUT that the primary says to have deleted something is answered %+v", r.replies)
	}
}

func TestAJoinWithAnImpossibleHistoryIsNotCounted(t *testing.T) {
	r := newRig(t, 0)
	r.hear(1, &wire.NewView{View: viewBy(1, 1, 0, 1)})
	b := last[*wire.JoinRequest](r).Ballot
	above := ids.Ballot{View: ids.View{Number: 9}, Round: 1}
	for name, j := range map[string]*wire.Join{
		"a history above the round":        {Ballot: b, History: wire.HistorySummary{Ballot: above}},
		"of the round itself":              {Ballot: b, History: wire.HistorySummary{Ballot: b}},
		"a past above it":                  {Ballot: b, History: wire.HistorySummary{Past: []wire.PastBallot{{Ballot: above}}}},
		"more committed than there is":     {Ballot: b, History: wire.HistorySummary{Ballot: ids.Ballot{Round: 1}, Commit: 2, Length: 1}},
		"a staged base above it":           {Ballot: b, Staged: []wire.StagedSummary{{History: wire.HistorySummary{Ballot: above}}}},
		"a past that is not in its order":  {Ballot: b, History: wire.HistorySummary{Past: []wire.PastBallot{{Ballot: ids.Ballot{Round: 2}}, {Ballot: ids.Ballot{Round: 1}}}}},
		"more that it owes than there are": {Ballot: b, Owed: make([]wire.KnownBallot, 5000)},
	} {
		r.hear(1, j)
		if r.events["round_decided"] > 0 {
			t.Fatalf("the round is decided by %s", name)
		}
	}
	r.hear(1, &wire.Join{Ballot: b})
	if r.events["round_decided"] == 0 {
		t.Error("the round is not decided by a report that can be true")
	}
}

// A peer may send a false lowest open counter, in a Forward or in an entry. A write of a client
// must not wait for that, or be sent again, without end.
func TestAWriteBelowItsForwardersLowestOpenCounterIsAnsweredUnknown(t *testing.T) {
	r, b := primary(t)
	r.hear(1, &wire.Forward{Ballot: b, LowestOpen: 1 << 40})
	r.hear(1, &wire.Forward{Ballot: b, LowestOpen: 1, Ops: []wire.ForwardedOp{{Counter: 1, Op: wire.Op{Kind: wire.OpPut, Key: "k"}}}})
	if m := last[*wire.ForwardReply](r); len(m.Answers) != 1 || m.Answers[0].Result.Status != wire.Unknown {
		t.Errorf("a write below its forwarder's mark is answered %+v", m)
	}
}
