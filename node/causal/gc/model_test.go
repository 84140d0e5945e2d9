package gc

import (
	"math/rand/v2"
	"testing"

	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// TestACollectedDeletionStaysDeleted is I19 in a model of one key. Three replicas write and delete,
// messages between them are lost and delayed, and each replica collects its tombstones. Once any
// replica has collected a deletion, no replica may store a version that the deletion had seen.
func TestACollectedDeletionStaysDeleted(t *testing.T) {
	collected := 0
	for seed := range uint64(5000) {
		m := &model{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0))}
		for id := range m.nodes {
			m.nodes[id].id = ids.Node(id)
		}
		for i := range 60 {
			m.step(i < 20)
		}
		collected += len(m.gone)
	}
	if collected < 100 {
		t.Errorf("only %d tombstones were collected", collected)
	}
}

type model struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	nodes [3]modelNode
	sent  []sending     // messages that may arrive at any time, or never
	gone  []deletion    // deletions that some replica has collected
	seen  []wire.Vector // parallel to dels: K of the deletion's writer at that time
	dels  []wire.Dot
}

// modelNode is a replica, with its item of the key, if any, and its K.
type modelNode struct {
	id      ids.Node
	item    *wire.Item
	known   wire.Vector
	c       Collector
	answers Answers // to the open round
}

// sending is an item on its way, by a batch or by an exchange with the sender's K.
type sending struct {
	to    ids.Node
	item  *wire.Item // nil: the sender has no item of the key
	known wire.Vector
}

// deletion is a tombstone, with what its writer had seen.
type deletion struct {
	dot  wire.Dot
	seen wire.Vector
}

func (m *model) step(writes bool) {
	n := &m.nodes[m.rng.IntN(3)]
	other := ids.Node(m.rng.IntN(3))
	switch p := m.rng.IntN(100); {
	case p < 3 && writes:
		m.write(n, false)
	case p < 8 && writes:
		m.write(n, n.item != nil)
	case p < 40 && len(m.sent) > 0:
		m.arrive(m.sent[m.rng.IntN(len(m.sent))])
	case p < 48:
		m.sent = append(m.sent, sending{other, n.item, n.known})
		if m.rng.IntN(2) == 0 {
			m.arrive(m.sent[len(m.sent)-1])
		}
	case p < 60:
		if _, idle := n.c.Next(); idle {
			q := n.c.Begin(func(*Tombstone) bool { return true })
			n.c.Conduct(NewSurvey(*q, 0, ids.View{}, nil, 0))
			n.answers = Answers{}
		}
	default:
		for id := range ids.Node(3) {
			if m.rng.IntN(4) > 0 {
				m.answer(n, id)
			}
		}
	}
}

func (m *model) write(n *modelNode, deletes bool) {
	item := &wire.Item{Key: "k", Deleted: deletes, Version: wire.CausalVersion{Counter: 1}}
	if n.item != nil {
		item.Version.Counter = n.item.Version.Counter + 1
	}
	item.Version.Counter = max(item.Version.Counter, n.c.Counter+1)
	d := wire.Dot{Stream: stream(n.id), N: n.known.At(stream(n.id)) + 1}
	item.Version.Dot = d
	if deletes {
		m.dels, m.seen = append(m.dels, d), append(m.seen, n.known)
	}
	n.known = version.Extend(n.known, d.Stream, d.N)
	m.store(n, item)
	for to := range ids.Node(3) {
		m.sent = append(m.sent, sending{to, item, nil})
	}
}

// arrive merges an item that was sent. K grows by the sender's K, or by a batch without a gap.
func (m *model) arrive(s sending) {
	n := &m.nodes[s.to]
	k, old := n.known, n.item
	if s.item != nil {
		d := s.item.Version.Dot
		if (old == nil || s.item.Version.Compare(old.Version) > 0) && k.At(d.Stream) < d.N {
			m.store(n, s.item)
		}
		if s.known == nil && k.At(d.Stream) == d.N-1 {
			n.known = version.Extend(k, d.Stream, d.N)
		}
	}
	if s.known == nil {
		return
	}
	if now := n.item; now != nil && s.known.At(now.Version.Dot.Stream) >= now.Version.Dot.N && (s.item == nil || s.item.Version.Compare(now.Version) > 0) {
		m.store(n, nil) // deleted and collected, at the sender or here
	}
	n.known = version.Join(n.known, s.known)
}

// answer brings a replica's answer to the open round of a collector, and ends the round when all
// have answered. A round that can no longer lead to a collection is given up.
func (m *model) answer(n *modelNode, from ids.Node) {
	if n.c.Open() == nil {
		return
	}
	n.answers[from] = holds(m.nodes[from].known)
	if len(n.answers) < len(m.nodes) {
		return
	}
	q, list := n.c.Conclude([]ids.Node{0, 1, 2}, n.answers)
	n.answers = Answers{}
	if q != nil {
		n.c.Conduct(NewSurvey(*q, 0, ids.View{}, nil, 0))
		for i := range m.nodes {
			m.nodes[i].c.Raise(q.Collecting)
		}
		return
	}
	for i := range list {
		if _, stands := n.c.Standing(&list[i]); !stands {
			continue
		}
		for j, d := range m.dels {
			if d == list[i].Version.Dot {
				m.gone = append(m.gone, deletion{d, m.seen[j]})
			}
		}
		m.store(n, nil)
	}
}

// store gives a replica an item, or takes its item away.
func (m *model) store(n *modelNode, item *wire.Item) {
	if n.item != nil {
		n.c.Removed(n.item)
	}
	n.item = item
	if item == nil {
		return
	}
	d := item.Version.Dot
	for _, g := range m.gone {
		if d != g.dot && g.seen.At(d.Stream) >= d.N {
			m.t.Fatalf("seed %d: node %d stores %v, which the collected deletion %v had seen", m.seed, n.id, d, g.dot)
		}
	}
	if item.Deleted {
		n.c.Note(item, 0, 0)
	}
}
