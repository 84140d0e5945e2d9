package requests

import (
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/bare"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is a node, with the requests that are worked on at it.
type node struct {
	*Requests
	bare  *bare.Node
	peers *peers.List
}

// begun is a node in a view with two shards, or in none. Its slots are ready, if it owns any.
func begun(ready bool, a, b []ids.Node) *node {
	low := bare.New()
	p := Parts{
		Step: low.Step, Catalog: low.Catalog, Slots: low.Slots, Streams: low.Streams, View: low.View, Peers: low.Peers,
		Results: low.Results, Items: low.Items, Satisfied: low.Satisfied, Guard: low.Guard,
		OwnDurable: func(ids.View, uint64) {}, AskMissing: func() {},
	}
	n := &node{New(Limits{Exact: 128, Deps: 16, Vector: 8}, p), low, low.Peers}
	if len(a)+len(b) > 0 {
		n.adopt(ready, 5, a, b)
	}
	return n
}

// adopt makes a view with two shards that of the node.
func (n *node) adopt(ready bool, number uint64, a, b []ids.Node) { n.bare.Adopt(number, ready, a, b) }

// durable makes all writes durable.
func (n *node) durable() { n.bare.Durable() }

// replies are the outcomes of the clients' requests that have been answered, by token.
func (n *node) replies() map[ids.Token]core.Reply {
	all := map[ids.Token]core.Reply{}
	for _, r := range n.step.Output().Replies {
		all[r.Token] = r
	}
	return all
}

// last is the last message that was sent, and to whom; nil: none was.
func (n *node) last() (ids.Node, wire.Message) {
	m := n.step.Output().Messages
	if len(m) == 0 {
		return 0, nil
	}
	return m[len(m)-1].To, m[len(m)-1].Message
}

// keyOf is a key whose slot the node owns, or does not own.
func (n *node) keyOf(owned bool) string {
	for k := byte('a'); ; k++ {
		if n.slots.Of(hashing.Hash(string(k))).Owned() == owned {
			return string(k)
		}
	}
}

func from(id ids.Node, boot ids.Boot) wire.Header {
	return wire.Header{From: id, Boot: boot, View: ids.View{Number: 5}}
}

func put(key string) wire.Op { return wire.Op{Kind: wire.OpPut, Key: key} }

func alone() *node { return begun(true, []ids.Node{0}, nil) }

func TestAWriteIsAnsweredWhenItIsDurable(t *testing.T) {
	n := alone()
	n.Submit(&core.CausalSubmit{Token: 1, Op: put("k"), Context: wire.Context{}})
	if len(n.replies()) > 0 || n.slots.Of(hashing.Hash("k")).Sum().Count != 1 {
		t.Error("answered before it is durable, or not stored")
	}
	n.streams.Own.MarkDurable(n.view.ID(), 1)
	n.streams.Own.Next(n.step.Now())
	n.durable()
	for _, a := range n.streams.Own.Complete(n.step.Now()) {
		a.Do()
	}
	r := n.replies()[1]
	if r.Outcome != core.Done || r.Causal.Item.Version.Counter != 1 || len(r.Causal.Context.Exact) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestAReadWaitsForWhatItsClientHasSeen is I14.
func TestAReadWaitsForWhatItsClientHasSeen(t *testing.T) {
	stream := wire.Stream{View: ids.View{Number: 1}, Node: 2, Boot: 3}
	c := wire.Context{Exact: []wire.Dependency{{Hash: hashing.Hash("k"), Version: wire.CausalVersion{Counter: 4, Dot: wire.Dot{Stream: stream, N: 7}}}}}
	item := wire.Item{Key: "k", Version: c.Exact[0].Version}
	n := alone()
	n.SubmitRead(&core.CausalRead{Token: 1, Key: "k", Context: c})
	n.SubmitRead(&core.CausalRead{Token: 2, Key: "k"})
	n.durable()
	if got := n.replies(); n.Waiting() != 1 || len(got) != 1 || got[2].Causal.Item != nil {
		t.Fatalf("%d wait; answered are %+v", n.Waiting(), got)
	}
	n.items.Merge(&item, nil)
	n.Note("k")
	n.WakeKeys()
	read := n.step.Output().Reads[0]
	n.items.OnKeyRead(&core.KeyRead{Session: read.Session})
	n.step.Commit()
	n.durable()
	if r := n.replies()[1]; n.Waiting() != 0 || r.Causal == nil || r.Causal.Item.Version != item.Version {
		t.Errorf("%d wait; the answer is %+v", n.Waiting(), r)
	}
}

func TestWhichRequestsAreRefused(t *testing.T) {
	forged := wire.Context{Ceil: 1 << 62}
	for _, c := range []struct {
		name    string
		n       *node
		context wire.Context
		want    core.Outcome
	}{
		{"no view", begun(true, nil, nil), wire.Context{}, core.NotInView},
		{"outside the view", begun(true, []ids.Node{7}, nil), wire.Context{}, core.NotInView},
		{"a forged context", alone(), forged, core.Implausible},
	} {
		c.n.Submit(&core.CausalSubmit{Token: 1, Op: put("k"), Context: c.context})
		c.n.SubmitRead(&core.CausalRead{Token: 2, Key: "k", Context: c.context})
		c.n.SubmitList(&core.CausalList{Token: 3, Context: c.context})
		for token, r := range c.n.replies() {
			if r.Outcome != c.want || len(c.n.replies()) != 3 {
				t.Errorf("%s: request %d: %v", c.name, token, r.Outcome)
			}
		}
	}
}

// TestARequestOfASlotThatIsNotReadyAsksForItsKey is docs/causal.md §7.5, rule 6.
func TestARequestOfASlotThatIsNotReadyAsksForItsKey(t *testing.T) {
	for _, c := range []struct {
		name           string
		view           uint64
		reply          wire.KeyReply
		answered, asks bool
	}{
		{"a ready holder has an item", 5, wire.KeyReply{Held: true, Ready: true, Present: true, Item: wire.Item{Key: "k", Version: wire.CausalVersion{Counter: 3, Dot: wire.Dot{N: 1}}}}, true, false},
		{"a ready holder of an older view has an item", 3, wire.KeyReply{Held: true, Ready: true, Present: true, Item: wire.Item{Key: "k", Version: wire.CausalVersion{Counter: 3, Dot: wire.Dot{N: 1}}}}, false, true},
		{"a ready holder has none", 5, wire.KeyReply{Held: true, Ready: true}, false, false},
		{"another holder has an item", 5, wire.KeyReply{Held: true, Present: true, Item: wire.Item{Key: "k", Version: wire.CausalVersion{Counter: 3, Dot: wire.Dot{N: 1}}}}, false, true},
	} {
		n := begun(false, []ids.Node{0, 1, 2}, nil)
		n.SubmitRead(&core.CausalRead{Token: 1, Key: "k"})
		to, m := n.last()
		q, ok := m.(*wire.KeyRequest)
		if !ok || to != 2 || len(n.step.Output().Messages) != 2 {
			t.Fatalf("%s: asked is %d: %T", c.name, to, m)
		}
		c.reply.Session, c.reply.Key = q.Session, "k"
		h := from(1, 10)
		h.View.Number = c.view
		n.Questions.OnReply(h, &c.reply, []*wire.Item{nil})
		n.durable()
		for _, r := range n.step.Output().Reads {
			n.items.OnKeyRead(&core.KeyRead{Session: r.Session})
		}
		n.durable()
		if len(n.replies()) > 0 != c.answered || len(n.Questions.open.Open()) > 0 != c.asks {
			t.Errorf("%s: answered %t, the question is open %t", c.name, len(n.replies()) > 0, len(n.Questions.open.Open()) > 0)
		}
		n.step.SetNow(n.step.Now() + wire.Second)
		if n.Tick(); len(n.Questions.open.Open()) > 0 {
			t.Errorf("%s: the question never ends", c.name)
		}
	}
}
