package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/cohortkv/cohort/internal/garble"
	"github.com/cohortkv/cohort/node/wire"
)

// Lies is what some nodes say that is not so. What protects a cluster against a node
// that lies as it likes is not here: the protocols take nodes for honest (docs/strong.md
// §12). So the witness and the truth say nothing of such a run. What must hold all the
// same: no core panics, works without end or grows without bound; no life breaks its
// own word; every PUT is answered in time; and when the lies are over and a list was
// put, strong buckets serve and their replicas are equal.
type Lies struct {
	Count  int         // at most so many; they end with the faults
	From   nodes       // who lies
	Script []byte      // chooses instead of the seed, for the fuzzer; then everybody lies
	About  []wire.Kind // only these messages are told as lies; nil: all
}

// matters are what a liar of one schedule may be about: what is said rarely beside
// hellos and exchanges, and what most depends on.
var matters = [][]wire.Kind{
	{wire.KindPrepare},
	{wire.KindPrepare, wire.KindAck},
	{wire.KindForward, wire.KindForwardReply},
	{wire.KindCollect, wire.KindJoin, wire.KindLow},
	{wire.KindStart, wire.KindStarted, wire.KindActive},
	{wire.KindNewView, wire.KindNewViewReply},
	{wire.KindQueryReply},
	{wire.KindConfirm, wire.KindConfirmed, wire.KindCancel},
}

func (s *Schedule) lies() bool { return s.Lies.Count > 0 }

// lies draws who lies, and how often.
func (g *generator) lies(s *Schedule) {
	s.Lies = Lies{Count: 1 + g.rng.IntN(60), From: one(g.rng.IntN(g.nodes))}
	if g.model.strong() && g.chance(0.7) {
		s.Lies.About = pick(g.rng, matters...)
	}
	if g.chance(0.3) {
		s.Lies.From = g.side()
	}
	for i := range s.Clients { // what is written once shows to the end what was made of it
		for j := range s.Clients[i].Ops {
			s.Clients[i].Ops[j].Key = g.rng.IntN(16)
		}
	}
}

func (t *network) beginLies(l *Lies) {
	if l.Script != nil {
		script := garble.Script(l.Script)
		t.script, t.choices = &script, &script
	} else {
		t.choices = garble.Chance{Rand: rand.New(rand.NewPCG(t.w.sched.Seed, 3))}
	}
	t.silent = t.pause()
}

// pause is how many messages are let pass before the next lie.
func (t *network) pause() int {
	if n := t.choices.N(8); n > 0 {
		return t.choices.N(1 << n)
	}
	if t.w.sched.Lies.About != nil {
		return 0
	}
	return t.choices.N(1 << 10)
}

// tellsLies reports that a message is to be told as a lie.
func (t *network) tellsLies(p parcel) bool {
	l := &t.w.sched.Lies
	switch {
	case t.lies >= l.Count || t.calm || p.from == p.to:
		return false
	case t.script != nil && t.script.Over():
		return false
	case t.script == nil && !l.From.has(int(p.from.id)):
		return false
	case l.About != nil && !slices.Contains(l.About, wire.Kind(p.payload[1])):
		return false
	}
	t.silent--
	return t.silent < 0
}

// lie delivers what a node might have said instead.
func (t *network) lie(p parcel) {
	t.lies++
	t.silent = t.pause()
	h, m, ok := t.liar.Lie(t.choices, p.payload)
	if !ok {
		t.w.counts.add("network", "lie that the codec refuses")
		return
	}
	t.w.counts.add("lie", kindNames[m.Kind()])
	in := &wire.Received{Header: h, Message: m}
	if p.answer != nil {
		in.Request = p.answer.request
	}
	p.to.deliver(in)
}

// equalInSpite reports what is not as it must be after lies.
func (e *evening) equalInSpite(w *world) string {
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
		case n.oath.hist != first.oath.hist:
			return fmt.Sprintf("node %d stands in %s, node %d in %s", n.id, name(n.oath.hist), first.id, name(first.oath.hist))
		case e.ended(w):
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

// dismissAll lets the sessions leave that wait for longer than a second: after lies it
// may be for what nobody ever wrote.
func (e *evening) dismissAll(w *world) {
	for _, s := range w.sessions {
		if r := s.open; r != nil && w.now-r.Asked > wire.Second {
			s.leave(r)
		}
	}
}
