package viewinfo

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is node 1 in a view with nodes 2 and 3. It notes how often requests are woken.
type node struct {
	*Asker
	waiting, woken int
}

func (n *node) Waiting() int                { return n.waiting }
func (n *node) WakeAll()                    { n.woken++ }
func (*node) Silence(ids.Node) wire.Instant { return peers.Silence }
func (*node) Reach()                        {}

func begun() *node {
	n := &node{waiting: 1}
	known := catalog.New(3)
	s := step.New(wire.NodeBoot{Node: 1, Boot: 1}, &core.Outbox{})
	s.SetNow(wire.Second)
	table := slots.New(3, nil, nil)
	view := membership.New(1, &known, func() bool { return false })
	list := peers.New(s, view, n, func(ids.Node) bool { return false })
	n.Asker = New(s, view, &known, loss.New(s, &table), list, n)
	v := &wire.View{ID: ids.View{Number: 5}, Layout: wire.Layout{Shards: []wire.Shard{{Members: []wire.Member{{ID: 1}, {ID: 2}, {ID: 3}}}}}}
	view.Adopt(v, s.Now())
	list.Meet(nil, v)
	return n
}

// asked are the nodes that were asked since the last call.
func (n *node) asked() (list []ids.Node) {
	for _, e := range n.step.Output().Messages {
		if _, ok := e.Message.(*wire.ViewInfoRequest); ok {
			list = append(list, e.To)
		}
	}
	n.step.Outbox.Reset()
	return list
}

// unknown notes that a context names a view that nobody here knows.
func (n *node) unknown() { n.catalog.Concerns(wire.Stream{View: ids.View{Number: 9}}, 0) }

func TestAllPeersAreAskedForAnUnknownViewNowAndThen(t *testing.T) {
	n := begun()
	if n.AskMissing(); len(n.asked()) > 0 {
		t.Error("nothing is missing, and nodes are asked")
	}
	n.unknown()
	if n.AskMissing(); !slices.Equal(n.asked(), []ids.Node{2, 3}) {
		t.Error("not all peers are asked")
	}
	if n.AskMissing(); len(n.asked()) > 0 || n.step.Next() != n.step.Now()+loss.SuspectDelay {
		t.Error("they are asked again at once, or never")
	}
	n.step.SetNow(n.step.Now() + loss.SuspectDelay)
	if n.AskMissing(); len(n.asked()) != 2 {
		t.Error("they are not asked again")
	}
}

func TestOnlyTheNodeOfASuspectedBootIsAsked(t *testing.T) {
	n := begun()
	n.boots.Suspect(wire.Stream{Node: 3, Boot: 30})
	if n.AskMissing(); len(n.asked()) > 0 {
		t.Error("asked before the write had time to come")
	}
	n.step.SetNow(n.step.Now() + loss.SuspectDelay)
	if n.AskMissing(); !slices.Equal(n.asked(), []ids.Node{3}) {
		t.Error("not asked")
	}
}

// TestAForgedContextCausesNoQuestionsOnceItsClientHasLeft is the bound on what a client can cause.
func TestAForgedContextCausesNoQuestionsOnceItsClientHasLeft(t *testing.T) {
	n := begun()
	n.unknown()
	n.waiting = 0
	n.AskMissing()
	n.asked()
	n.step.SetNow(n.step.Now() + wire.Second)
	if n.AskMissing(); len(n.asked()) > 0 {
		t.Error("nobody waits, and nodes are asked")
	}
}

func TestKnowledgeOfViewsCountsFromPeersOnly(t *testing.T) {
	info := &wire.ViewInfo{Views: []wire.KnownView{{ID: ids.View{Number: 9}, Layout: wire.Layout{Shards: []wire.Shard{{Members: []wire.Member{{ID: 7}}}}}}}}
	for _, c := range []struct {
		from  ids.Node
		woken int
	}{{8, 0}, {2, 1}} {
		n := begun()
		n.OnInfo(wire.Header{From: c.from}, info)
		seq := n.step.LastWrite()
		n.step.MarkDurable(seq)
		n.step.OnDurable(seq)
		if n.woken != c.woken || (n.catalog.Get(ids.View{Number: 9}) != nil) != (c.woken > 0) {
			t.Errorf("from node %d: requests are woken %d times", c.from, n.woken)
		}
		if n.OnInfo(wire.Header{From: c.from}, info); n.step.LastWrite() != seq {
			t.Errorf("from node %d: it is news twice", c.from)
		}
	}
}

func TestWhichCutsAreAskedFor(t *testing.T) {
	n := begun()
	n.catalog.Add(wire.KnownView{ID: ids.View{Number: 5}, HasStableCut: true})
	for _, c := range []struct {
		name   string
		digest wire.Digest
		asks   bool
	}{
		{"no cut", wire.Digest{View: ids.View{Number: 6}}, false},
		{"a cut of another view", wire.Digest{View: ids.View{Number: 6}, StableCut: 1}, true},
		{"a cut that is known", wire.Digest{View: ids.View{Number: 5}, StableCut: 1}, false},
	} {
		if n.AskCut(2, &c.digest); len(n.asked()) > 0 != c.asks {
			t.Errorf("%s: want %t", c.name, c.asks)
		}
	}
}
