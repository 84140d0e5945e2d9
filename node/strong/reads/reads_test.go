package reads

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

var ballot = ids.Ballot{View: ids.View{Number: 1}, Round: 1, Boot: 7}

// node is the reads of node 2, which is a backup in a ballot of nodes 0 to 2. Its log has
// five entries.
type node struct {
	*Reads
	box core.Outbox
	now wire.Instant
}

func begin(members ...ids.Node) *node {
	n := &node{now: wire.Second}
	h := history.New(&n.box, 0)
	b := &history.Base{Ballot: ballot, Fresh: true}
	for _, m := range members {
		b.Members = append(b.Members, wire.Member{ID: m})
		b.Bound = append(b.Bound, wire.Sighting{Node: m, Inc: ids.Incarnation(m)})
	}
	h.Stage(b, true)
	h.SwapIn(ballot)
	h.Append(make([]wire.Entry, 5))
	n.Reads = New(2, 7, &n.box, h)
	n.box.Reset()
	return n
}

// read takes a read.
func (n *node) read(t ids.Token) {
	n.Submit(t)
	n.Open(n.now)
}

// confirm gives the confirmation of a member to the open round.
func (n *node) confirm(from ids.Node, commit uint64) {
	n.OnConfirmed(n.now, wire.Header{From: from, Inc: ids.Incarnation(from)}, &wire.Confirmed{Ballot: ballot, Nonce: n.nonce, Commit: commit})
}

// step returns which members were asked and which reads were let go since the last step.
func (n *node) step() (asked []ids.Node, tokens []ids.Token) {
	for _, e := range n.box.Output().Messages {
		asked = append(asked, e.To)
	}
	for _, r := range n.box.Output().Reads {
		tokens = append(tokens, r.Token)
	}
	n.box.Reset()
	return asked, tokens
}

func (n *node) expect(t *testing.T, what string, asked []ids.Node, tokens []ids.Token) {
	t.Helper()
	gotAsked, gotTokens := n.step()
	if d := cmp.Diff(asked, gotAsked); d != "" {
		t.Errorf("%s: asked: %s", what, d)
	}
	if d := cmp.Diff(tokens, gotTokens); d != "" {
		t.Errorf("%s: let go: %s", what, d)
	}
}

func TestAReadWaitsForAConfirmationOfAllThatBeganAfterIt(t *testing.T) {
	n := begin(0, 1, 2)
	n.read(1)
	n.expect(t, "the first read", []ids.Node{0, 1}, nil)
	n.read(2)
	n.read(3)
	n.confirm(0, 3)
	n.confirm(0, 3)
	n.expect(t, "one confirmation", nil, nil)
	n.confirm(1, 5)
	if n.history.Commit() != 3 {
		t.Errorf("read at %d: only the primary knows what is committed", n.history.Commit())
	}
	n.expect(t, "both, and the next round", []ids.Node{0, 1}, []ids.Token{1})
	n.confirm(1, 0)
	n.confirm(0, 4)
	n.expect(t, "the next round", nil, []ids.Token{2, 3})
	if n.Confirming() || n.history.Commit() != 4 {
		t.Errorf("a round is open: %t; read at %d", n.Confirming(), n.history.Commit())
	}
}

func TestOnlyExactConfirmationsCount(t *testing.T) {
	for name, change := range map[string]func(h *wire.Header, c *wire.Confirmed){
		"of another round":           func(_ *wire.Header, c *wire.Confirmed) { c.Nonce-- },
		"of another ballot":          func(_ *wire.Header, c *wire.Confirmed) { c.Ballot.Round++ },
		"of another incarnation":     func(h *wire.Header, _ *wire.Confirmed) { h.Inc++ },
		"of a stranger":              func(h *wire.Header, _ *wire.Confirmed) { h.From, h.Inc = 5, 5 },
		"of this node":               func(h *wire.Header, _ *wire.Confirmed) { h.From, h.Inc = 2, 2 },
		"of more than this node has": func(h *wire.Header, c *wire.Confirmed) { h.From, h.Inc, c.Commit = 0, 0, 6 },
	} {
		n := begin(0, 1, 2)
		n.read(1)
		if name != "of more than this node has" {
			n.confirm(0, 3)
		} else {
			n.confirm(1, 0)
		}
		h, c := wire.Header{From: 1, Inc: 1}, wire.Confirmed{Ballot: ballot, Nonce: n.nonce}
		change(&h, &c)
		n.OnConfirmed(n.now, h, &c)
		if _, tokens := n.step(); len(tokens) > 0 {
			t.Errorf("a confirmation counts: %s", name)
		}
	}
}

func TestLateConfirmationsAreAskedForAgain(t *testing.T) {
	n := begin(0, 1, 2)
	n.read(1)
	n.confirm(0, 3)
	n.step()
	for _, c := range []struct {
		after wire.Instant
		asked []ids.Node
	}{{repeatAfter - 1, nil}, {1, []ids.Node{1}}, {repeatAfter - 1, nil}, {1, []ids.Node{1}}} {
		n.now += c.after
		n.Tick(n.now)
		n.expect(t, "a tick", c.asked, nil)
	}
}

func TestReadsOfABallotThatEndedBeginAnew(t *testing.T) {
	n := begin(0, 1, 2)
	n.read(1)
	n.read(2)
	n.confirm(0, 3)
	late := &wire.Confirmed{Ballot: ballot, Nonce: n.nonce}
	n.Rewind()
	n.step()
	n.Open(n.now)
	n.OnConfirmed(n.now, wire.Header{From: 1, Inc: 1}, late)
	n.confirm(0, 3)
	n.expect(t, "a late confirmation", []ids.Node{0, 1}, nil)
	n.confirm(1, 0)
	n.expect(t, "all of the new round", nil, []ids.Token{1, 2})
}

func TestAReadWhoseClientLeftIsNotLetGo(t *testing.T) {
	n := begin(0, 1, 2)
	n.read(1)
	n.read(2)
	n.read(3)
	n.Abandon(1)
	n.Abandon(2)
	n.confirm(0, 3)
	n.confirm(1, 0)
	n.expect(t, "the others", []ids.Node{0, 1, 0, 1}, nil)
	if d := cmp.Diff([]ids.Token{3}, n.TakeAll()); d != "" || n.Confirming() || len(n.TakeAll()) > 0 {
		t.Errorf("taken: %s", d)
	}
}

func TestALoneMemberReadsAtOnce(t *testing.T) {
	n := begin(2)
	n.read(1)
	n.expect(t, "a read", nil, []ids.Token{1})
}
