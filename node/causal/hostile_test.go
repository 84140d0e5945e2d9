package causal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/causal/exchanges"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// forge brings a node a message that its stated sender did not send, by way of the codec.
func (c *cluster) forge(to *driven, h wire.Header, m wire.Message) {
	h, m, err := wire.DecodeMessage(wire.AppendMessage(nil, h, m))
	if err != nil {
		c.t.Fatal(err)
	}
	to.step(&core.Received{Header: h, Message: m, ReplyTo: "0"})
}

// idle lets seconds go by without requests.
func (c *cluster) idle(seconds int) {
	for range 10 * seconds {
		c.pass(100 * wire.Millisecond)
	}
}

// held is the item that a node holds of a key, as far as readers see it.
func (n *driven) held(key string) string {
	item := n.store.Item(key)
	if item == nil {
		return "nothing"
	}
	return fmt.Sprintf("%q %q deleted %t, counter %d, after %v", item.Value, item.ContentType, item.Deleted, item.Version.Counter, item.Deps)
}

// refused is how many messages a node has refused.
func (n *driven) refused() int {
	return n.events[core.EventMalformed] + n.events[plausible.EventIncredible]
}

// TestTwoContentsOfOneVersionBecomeOneWithinSeconds changes an item on its way to one replica, so
// the others have another content under the same dot. Gossip must bring them together without
// a further write (docs/causal.md §5, rules 6 to 9).
func TestTwoContentsOfOneVersionBecomeOneWithinSeconds(t *testing.T) {
	for _, change := range []struct {
		name string
		do   func(item *wire.Item)
	}{
		{"a value", func(item *wire.Item) { item.Value = []byte("forged") }},
		{"another one", func(item *wire.Item) { item.Value = []byte("a forgery") }},
		{"a type", func(item *wire.Item) { item.ContentType = "text/html" }},
		{"a tombstone", func(item *wire.Item) { item.Value, item.ContentType, item.Deleted = nil, "", true }},
		{"what it depends on", func(item *wire.Item) { item.Deps.Ceil = 7 }},
		{"its counter", func(item *wire.Item) { item.Version.Counter = 5 }},
	} {
		t.Run(change.name, func(t *testing.T) {
			c := newCluster(t, 3)
			c.twist = func(_, to *driven, m wire.Message) {
				if batch, ok := m.(*wire.Batch); ok && to.id == 2 {
					change.do(&batch.Items[0])
				}
			}
			c.write("k", wire.Context{})
			c.twist = nil
			if one, other := c.nodes[1].held("k"), c.nodes[2].held("k"); one == other {
				t.Fatalf("nothing is wrong yet: %s", one)
			}
			c.idle(4)
			events := 0
			for _, n := range c.nodes {
				events += n.events[items.EventConflict] + n.events[exchanges.EventItemAbsent] // a tombstone that K of all replicas covers may be removed first
				if one, other := c.nodes[0].held("k"), n.held("k"); one != other {
					t.Errorf("node %d has %s, node 0 %s", n.id, other, one)
				}
			}
			if events == 0 {
				t.Error("nobody has said so")
			}
			quiet := c.nodes[0].events[items.EventConflict]
			c.idle(4)
			if c.nodes[0].events[items.EventConflict] != quiet {
				t.Error("it goes on")
			}
		})
	}
}

// TestAPeersMessageThatBreaksARuleChangesNothing sends messages of a member that break a rule. Each
// of them once did lasting harm.
func TestAPeersMessageThatBreaksARuleChangesNothing(t *testing.T) {
	const far = 1<<62 - 1
	overlapping := make([]wire.SlotRange, 3000)
	for i := range overlapping {
		overlapping[i] = wire.SlotRange{First: 0, Count: 1 << 14}
	}
	views := make([]wire.KnownView, 2500)
	for i := range views {
		views[i] = wire.KnownView{ID: ids.View{Number: 1000 + uint64(i)}}
	}
	shards := wire.Layout{Shards: make([]wire.Shard, 5000)}
	for _, c := range []struct {
		name string
		m    wire.Message
	}{
		{"slots that overlap", &wire.DigestRequest{Slots: overlapping}},
		{"items of slots that overlap", &wire.FetchItems{Slots: overlapping}},
		{"acknowledged slots that overlap", &wire.HandoffAck{Boot: 1, Slots: overlapping}},
		{"tombstones with counters near the end", &wire.DigestRequest{Survey: true, Collecting: far}},
		{"so many views that the present one is forgotten", &wire.ViewInfo{Views: views}},
		{"a layout that takes minutes to assign slots with", &wire.ViewInfo{Views: []wire.KnownView{{ID: ids.View{Number: 9}, Layout: shards}}}},
		{"a request with an impossible context", &wire.CausalForward{Read: true, Op: wire.Op{Key: "k"},
			Context: wire.Context{Exact: []wire.Dependency{{Version: wire.CausalVersion{Counter: 1}}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := newCluster(t, 2)
			cl.write("k", wire.Context{})
			n, h := cl.nodes[0], cl.nodes[1].m.Header()
			sent := n.sent
			cl.forge(n, h, c.m)
			if n.sent != sent {
				t.Errorf("it is answered with %d bytes", n.sent-sent)
			}
			if refused := n.refused(); refused != 1 {
				t.Errorf("it is refused %d times", refused)
			}
			cl.idle(2)
			cl.write("k", wire.Context{})
			if got := n.store.Item("k").Version.Counter; got != 2 {
				t.Errorf("the next write has the counter %d", got)
			}
			cl.idle(2)
			if one, other := n.held("k"), cl.nodes[1].held("k"); one != other {
				t.Errorf("%s, and at the other node %s", one, other)
			}
		})
	}
}

// TestCountersNearTheEndAreRefusedWhereTheyComeIn: if one node took a counter that the others
// refuse, its key could never be written again.
func TestCountersNearTheEndAreRefusedWhereTheyComeIn(t *testing.T) {
	for _, counter := range []uint64{1 << 41, 1 << 48, 1<<62 - 1} {
		c := newCluster(t, 3)
		c.twist = func(_, to *driven, m wire.Message) {
			if batch, ok := m.(*wire.Batch); ok && to.id == 2 {
				batch.Items[0].Version.Counter = counter
			}
		}
		c.nodes[0].step(&core.CausalSubmit{Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: value}})
		c.deliver()
		c.twist = nil
		c.idle(3)
		if got := c.nodes[2].held("k"); got != c.nodes[0].held("k") || !strings.Contains(got, "counter 1,") {
			t.Errorf("counter %d: %s", counter, got)
		}
		if c.nodes[2].refused() == 0 {
			t.Errorf("counter %d is not reported", counter)
		}
	}
}

// TestKnowledgeOfWritesThatWereNeverMadeIsRefused: a node that believed such K would take its next
// writes for deleted and collected ones, and drop them.
func TestKnowledgeOfWritesThatWereNeverMadeIsRefused(t *testing.T) {
	c := newCluster(t, 2)
	c.write("k", wire.Context{})
	c.twist = func(from, to *driven, m wire.Message) {
		if have, ok := m.(*wire.Digest); ok && to.id == 0 {
			for i := range have.Held.Vectors {
				for j := range have.Held.Vectors[i] {
					have.Held.Vectors[i][j].N += 1000
				}
			}
		}
	}
	c.idle(3)
	c.twist = nil
	for i := range 20 {
		c.write(fmt.Sprint("k", i), wire.Context{})
	}
	c.idle(3)
	for i := range 20 {
		key := fmt.Sprint("k", i)
		if one, other := c.nodes[0].held(key), c.nodes[1].held(key); one == "nothing" || one != other {
			t.Errorf("%s: %s, and at the other node %s", key, one, other)
		}
	}
	if c.nodes[0].events[core.EventMalformed] == 0 {
		t.Error("it is not reported")
	}
}

// TestANodeThatIsSaidToBeDeadAndGreetsIsListenedTo: one faulty node must not make all others ignore
// a third one (docs/causal.md §10, rule 7).
func TestANodeThatIsSaidToBeDeadAndGreetsIsListenedTo(t *testing.T) {
	c := newCluster(t, 3)
	boot := c.nodes[1].m.Header().Boot
	c.twist = func(from, to *driven, m wire.Message) {
		if have, ok := m.(*wire.Digest); ok && from.id == 2 {
			have.Ended = append(have.Ended, wire.NodeBoot{Node: 1, Boot: boot}, wire.NodeBoot{Node: 0, Boot: c.nodes[0].m.Header().Boot})
		}
	}
	c.idle(5)
	c.twist = nil
	for _, n := range c.nodes[:2] {
		if n.events[loss.EventBootEnded] > 0 {
			t.Errorf("node %d takes a boot for ended", n.id)
		}
	}
	before := c.ended
	c.nodes[0].step(&core.CausalSubmit{Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: value}})
	c.deliver()
	if c.ended != before+1 {
		t.Error("a write is not answered at once")
	}
}

// TestOneQuestionBringsABoundedPartOfTheWindow: the replica requests the rest again.
func TestOneQuestionBringsABoundedPartOfTheWindow(t *testing.T) {
	c := newCluster(t, 2)
	big := make([]byte, 512<<10)
	for i := range 40 {
		c.nodes[0].step(&core.CausalSubmit{Op: wire.Op{Kind: wire.OpPut, Key: fmt.Sprint(i), Value: big}})
		c.deliver()
	}
	n, h := c.nodes[0], c.nodes[1].m.Header()
	sent := n.sent
	c.forge(n, h, &wire.ResendRequest{View: h.View, From: 1, To: 1 << 40})
	if got := n.sent - sent; got == 0 || got > 10<<20 {
		t.Errorf("a question of few bytes is answered with %d", got)
	}
	c.queue = nil
}

// TestOnlyAMemberReportsThatANodeIsForgotten: the word of a node outside the view does not count,
// and a node that is heard is not forgotten on the word of a member.
func TestOnlyAMemberReportsThatANodeIsForgotten(t *testing.T) {
	for _, row := range []struct {
		name string
		from ids.Node
		node ids.Node
		want bool
	}{
		{"a member, of a node that is gone", 1, 9, true},
		{"a stranger", 7, 9, false},
		{"a member, of another member", 1, 2, false},
		{"a member, of this node", 1, 0, false},
	} {
		c := newCluster(t, 3)
		h := c.nodes[1].m.Header()
		h.From = row.from
		c.forge(c.nodes[0], h, &wire.DigestRequest{Forgotten: []wire.Forgotten{{Node: row.node, View: h.View}}})
		c.idle(3)
		c.nodes[0].step(&core.CausalSubmit{Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: value}})
		c.deliver()
		told := false
		c.twist = func(from, _ *driven, m wire.Message) {
			if open, ok := m.(*wire.DigestRequest); ok && from.id == 0 {
				told = told || len(open.Forgotten) > 0
			}
		}
		c.idle(3)
		if told != row.want {
			t.Errorf("%s: it is forgotten: %t", row.name, told)
		}
	}
}
