package primary

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

var ballot = ids.Ballot{View: ids.View{Number: 1}, Round: 1, Boot: 7}

// scene is the primary, node 0 in boot 7, of a ballot of nodes 0, 1 and 2. It is also the
// peers and the clients of that node.
type scene struct {
	*Primary
	t        *testing.T
	box      core.Outbox
	now      wire.Instant
	heard    map[ids.Node]wire.Instant
	left     bool
	ordered  []uint64
	answered []string // of own clients
}

func begin(t *testing.T) *scene {
	s := &scene{t: t, now: 10 * wire.Second, heard: map[ids.Node]wire.Instant{}}
	h := history.New(&s.box, 0)
	b := &history.Base{Ballot: ballot, Fresh: true}
	for id := range ids.Node(3) {
		b.Members = append(b.Members, wire.Member{ID: id})
		b.Bound = append(b.Bound, wire.Sighting{Node: id, Inc: ids.Incarnation(id)})
	}
	h.Stage(b, true)
	h.SwapIn(ballot)
	s.Primary = New(0, 7, Limits{BatchOps: 3, BatchBytes: 1 << 20, Depth: 1}, &s.box, h, s, s)
	s.hear(1, 2)
	s.box.Reset()
	return s
}

func (s *scene) Heard(id ids.Node) (wire.Instant, bool) {
	at, ever := s.heard[id]
	return at, ever
}
func (s *scene) LeftBehind() bool       { return s.left }
func (s *scene) LowestOpen() uint64     { return 1 }
func (s *scene) Ordered(counter uint64) { s.ordered = append(s.ordered, counter) }
func (s *scene) Answer(counter uint64, r wire.Result) {
	s.answered = append(s.answered, fmt.Sprint(counter, " ", r.Status, " ", r.MsgNum))
}

func (s *scene) hear(all ...ids.Node) {
	for _, id := range all {
		s.heard[id] = s.now
	}
}

func put(key string) *wire.Op { return &wire.Op{Kind: wire.OpPut, Key: key} }

// submit gives the primary a write of an own client.
func (s *scene) submit(counter uint64, op *wire.Op) {
	s.Submit(s.now, counter, op, wire.Meta{})
	s.Order(s.now)
}

// header is the header of a backup in boot 9. Its incarnation has the number of its id.
func header(id ids.Node) wire.Header {
	return wire.Header{From: id, Inc: ids.Incarnation(id), Boot: 9}
}

// forward gives the primary writes of node 1, each on a key of its own. It returns whether
// they are accepted.
func (s *scene) forward(lowestOpen uint64, counters ...uint64) bool {
	m := &wire.Forward{Ballot: ballot, LowestOpen: lowestOpen}
	for _, c := range counters {
		m.Ops = append(m.Ops, wire.ForwardedOp{Counter: c, Op: *put(fmt.Sprint("key", c))})
	}
	return s.OnForward(s.now, header(1), "there", m, make([]wire.Meta, len(counters)))
}

// durable makes all that was written durable here.
func (s *scene) durable() {
	if s.history.OnDurable(s.box.LastWrite()) {
		s.Advance(s.now)
	}
}

// commit has all members acknowledge up to a position.
func (s *scene) commit(at uint64) {
	s.durable()
	s.Acknowledged(s.now, 1, at)
	s.Acknowledged(s.now, 2, at)
}

// said returns the messages that were sent since the last call.
func (s *scene) said() (all []string) {
	for _, e := range s.box.Output().Messages {
		switch m := e.Message.(type) {
		case *wire.Prepare:
			all = append(all, fmt.Sprintf("%d prepare %d+%d committed %d", e.To, m.First, len(m.Entries), m.Commit))
		case *wire.ForwardReply:
			text := fmt.Sprintf("%d reply", e.To)
			for _, a := range m.Answers {
				text += fmt.Sprint(" ", a.Counter, ":", a.Result.Status)
			}
			all = append(all, text)
		}
	}
	s.box.Reset()
	return all
}

func (s *scene) expect(what string, want ...string) {
	s.t.Helper()
	if d := cmp.Diff(want, s.said()); d != "" {
		s.t.Errorf("%s: %s", what, d)
	}
}

func TestAWriteIsCommittedWhenAllMembersHaveItDurably(t *testing.T) {
	for name, last := range map[string]func(s *scene){
		"this node is the last": (*scene).durable,
		"node 1 is the last":    func(s *scene) { s.Acknowledged(s.now, 1, 1) },
		"node 2 is the last":    func(s *scene) { s.Acknowledged(s.now, 2, 1) },
	} {
		s := begin(t)
		s.submit(5, put("k"))
		s.expect(name, "1 prepare 1+1 committed 0", "2 prepare 1+1 committed 0")
		if name != "this node is the last" {
			s.durable()
		}
		for id := range ids.Node(3) {
			if id > 0 && name != fmt.Sprintf("node %d is the last", id) {
				s.Acknowledged(s.now, id, 1)
			}
		}
		if len(s.answered) > 0 || s.history.Commit() > 0 || !s.Working() {
			t.Errorf("%s: committed without it", name)
		}
		last(s)
		if d := cmp.Diff([]string{fmt.Sprint("5 ", wire.Created, " 1")}, s.answered); d != "" || s.history.Commit() != 1 || s.Working() {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestWritesThatArriveMeanwhileGoWithTheNextBatch(t *testing.T) {
	s := begin(t)
	s.submit(1, put("a"))
	s.said()
	for c := uint64(2); c <= 6; c++ {
		s.submit(c, put("b"))
	}
	s.expect("while a batch is in flight")
	s.commit(1)
	s.expect("as many as one batch takes", "1 prepare 2+3 committed 1", "2 prepare 2+3 committed 1")
	s.commit(4)
	s.expect("the rest", "1 prepare 5+2 committed 4", "2 prepare 5+2 committed 4")
	if d := cmp.Diff([]uint64{1, 2, 3, 4, 5, 6}, s.ordered); d != "" {
		t.Error(d)
	}
}

func TestTheGateKeepsWritesOutOfTheLogWhileAMemberIsSilent(t *testing.T) {
	s := begin(t)
	s.now += gateSilence + 1
	s.hear(1)
	s.submit(1, put("k"))
	s.Order(s.now)
	s.expect("node 2 is silent")
	if e := s.box.Output().Events; len(s.ordered) > 0 || s.history.Length() > 0 || len(e) > 1 {
		t.Errorf("ordered %v; %d events", s.ordered, len(e))
	}
	s.left = true
	s.hear(2)
	s.Order(s.now)
	s.expect("this node is left behind")
	s.left = false
	s.now += gateSilence
	s.Order(s.now)
	s.expect("all were heard just in time", "1 prepare 1+1 committed 0", "2 prepare 1+1 committed 0")
}

func TestResultsCountWhatIsOrderedAndNotYetCommitted(t *testing.T) {
	s := begin(t)
	s.submit(1, put("k"))
	s.submit(2, put("k"))
	s.submit(3, &wire.Op{Kind: wire.OpPut, Key: "k", Condition: wire.IfAbsent})
	s.submit(4, &wire.Op{Kind: wire.OpDelete, Key: "k"})
	s.commit(1)
	s.submit(5, put("k"))
	s.commit(4)
	s.commit(5)
	want := []string{
		fmt.Sprint("1 ", wire.Created, " 1"), fmt.Sprint("2 ", wire.Replaced, " 2"), fmt.Sprint("3 ", wire.PreconditionFailed, " 3"),
		fmt.Sprint("4 ", wire.Deleted, " 3"), fmt.Sprint("5 ", wire.Created, " 4"),
	}
	if d := cmp.Diff(want, s.answered); d != "" {
		t.Error(d)
	}
	if len(s.keys) > 0 {
		t.Error("keys of committed writes are kept")
	}
}

func TestAnOwnWriteOfAnEarlierBallotIsOrderedOnce(t *testing.T) {
	s := begin(t)
	s.submit(2, put("k"))
	s.commit(1)
	s.said()
	s.answered = nil
	for c := range uint64(4) {
		s.Resubmit(s.now, c, put("k"), wire.Meta{})
	}
	s.Order(s.now)
	s.expect("the third one", "1 prepare 2+2 committed 1", "2 prepare 2+2 committed 1")
	if d := cmp.Diff([]string{fmt.Sprint("0 ", wire.Unknown, " 0"), fmt.Sprint("2 ", wire.Created, " 1")}, s.answered); d != "" {
		t.Error(d)
	}
}

func TestAWriteThatIsWithdrawnLeavesTheQueueOnly(t *testing.T) {
	s := begin(t)
	for c := uint64(1); c <= 3; c++ {
		s.submit(c, put("k"))
	}
	s.Withdraw(1)
	s.Withdraw(2)
	s.commit(1)
	s.commit(2)
	if d := cmp.Diff([]string{fmt.Sprint("1 ", wire.Created, " 1"), fmt.Sprint("3 ", wire.Replaced, " 2")}, s.answered); d != "" {
		t.Error(d)
	}
}
