package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/cohortkv/cohort/internal/garble"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Garbling says which messages of a run are garbled: nodes send what no correct node
// sends. The protocols take nodes for honest (docs/strong.md §12), so the witness and
// the truth check nothing in such a run. These things must hold all the same. No core
// panics, works without end or grows without bound. No boot breaks its own commitments.
// Every PUT is answered in time. When the garbling is over and a list was put, strong
// buckets serve and their replicas are equal.
type Garbling struct {
	Count  int         // at most so many; none after the faults end
	From   nodes       // their senders
	Script []byte      // chooses instead of the seed, for the fuzzer; then From does not count
	Kinds  []wire.Kind // the kinds that are garbled; nil: all
}

// garbledKinds are the sets of message kinds that one schedule may garble: kinds that
// are rare beside hellos and exchanges, and on which most depends.
var garbledKinds = [][]wire.Kind{
	{wire.KindPrepare},
	{wire.KindPrepare, wire.KindAck},
	{wire.KindForward, wire.KindForwardReply},
	{wire.KindJoinRequest, wire.KindJoin, wire.KindBallotTooLow},
	{wire.KindStart, wire.KindStarted, wire.KindActive},
	{wire.KindNewView, wire.KindNewViewReply},
	{wire.KindQueryReply},
	{wire.KindConfirm, wire.KindConfirmed, wire.KindCancel},
}

func (s *Schedule) garbled() bool { return s.Garbling.Count > 0 }

// garbling draws which nodes send garbled messages, and how often.
func (g *generator) garbling(s *Schedule) {
	s.Garbling = Garbling{Count: 1 + g.rng.IntN(60), From: one(g.rng.IntN(g.nodes))}
	if g.model.strong() && g.chance(0.7) {
		s.Garbling.Kinds = pick(g.rng, garbledKinds...)
	}
	if g.chance(0.3) {
		s.Garbling.From = g.side()
	}
	for i := range s.Clients { // what is written once shows to the end what was made of it
		for j := range s.Clients[i].Ops {
			s.Clients[i].Ops[j].Key = g.rng.IntN(16)
		}
	}
}

func (t *network) initGarbling(l *Garbling) {
	if l.Script != nil {
		script := garble.Script(l.Script)
		t.script, t.choices = &script, &script
	} else {
		t.choices = garble.Chance{Rand: rand.New(rand.NewPCG(t.w.sched.Seed, 3))}
	}
	t.untilNext = t.gap()
}

// gap is how many messages pass unchanged before the next garbled one.
func (t *network) gap() int {
	if n := t.choices.N(8); n > 0 {
		return t.choices.N(1 << n)
	}
	if t.w.sched.Garbling.Kinds != nil {
		return 0
	}
	return t.choices.N(1 << 10)
}

// isGarbled reports that a message is to be garbled.
func (t *network) isGarbled(p packet) bool {
	l := &t.w.sched.Garbling
	switch {
	case t.garbled >= l.Count || t.calm || p.from == p.to:
		return false
	case t.script != nil && t.script.Over():
		return false
	case t.script == nil && !l.From.has(int(p.from.id)):
		return false
	case l.Kinds != nil && !slices.Contains(l.Kinds, wire.Kind(p.payload[1])):
		return false
	}
	t.untilNext--
	return t.untilNext < 0
}

// deliverGarbled delivers what a node might have said instead.
func (t *network) deliverGarbled(p packet) {
	t.garbled++
	t.untilNext = t.gap()
	h, m, ok := t.mutator.Mutate(t.choices, p.payload)
	if !ok {
		t.w.counts.add("network", "garbled message that the codec refuses")
		return
	}
	t.w.counts.add("garbled", kindNames[m.Kind()])
	if t.script != nil && m.Kind() == wire.KindChunk {
		t.garbledChunk = true
	}
	in := &core.Received{Header: h, Message: m}
	if p.answer != nil {
		in.Request = p.answer.request
	}
	p.to.deliver(in)
}

// equalAfterGarbling reports the first difference between replicas after garbled messages.
// The pieces of a base are taken on the word of the node that serves them (docs/strong.md
// §12). A fuzzer finds that at once, so in its runs the check ends with a garbled piece.
func (e *quiescence) equalAfterGarbling(w *world) string {
	if !w.sched.Model.strong() {
		return ""
	}
	var first *node
	for _, id := range w.operator.list.list() {
		n := w.nodes[id]
		switch {
		case !n.serving:
			return fmt.Sprintf("node %d does not serve: %s", n.id, n.reason)
		case first == nil:
			first = n
		case n.commitments.hist != first.commitments.hist:
			return fmt.Sprintf("node %d stands in %s, node %d in %s", n.id, name(n.commitments.hist), first.id, name(first.commitments.hist))
		case e.ended(w) && !w.net.garbledChunk:
			if what := differ(first, n); what != "" {
				return fmt.Sprintf("nodes %d and %d differ: %s", first.id, n.id, what)
			}
		}
	}
	return ""
}

// differ is what two nodes hold differently in strong buckets.
func differ(a, b *node) string {
	one, two := a.store.Snapshot(), b.store.Snapshot()
	if one.Next() != two.Next() {
		return fmt.Sprintf("the next number is %d and %d", one.Next(), two.Next())
	}
	held := map[string]wire.Record{}
	for rec := range one.From(nil) {
		held[rec.Key] = rec
	}
	for rec := range two.From(nil) {
		x, ok := held[rec.Key]
		if !ok || !bytes.Equal(x.Value, rec.Value) || x.Version != rec.Version || x.Stamp != rec.Stamp || x.ContentType != rec.ContentType {
			return fmt.Sprintf("key %q", rec.Key)
		}
		delete(held, rec.Key)
	}
	for key := range held {
		return fmt.Sprintf("key %q", key)
	}
	return ""
}

// leaveWaiting ends the requests of sessions that wait for longer than a second. After
// garbled messages a session may wait for a write that was never made.
func (e *quiescence) leaveWaiting(w *world) {
	for _, s := range w.sessions {
		if r := s.open; r != nil && w.now-r.Asked > wire.Second {
			s.leave(r)
		}
	}
}
