package world

import (
	"math/rand/v2"
	"slices"

	"github.com/cohortkv/cohort/internal/garble"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

func (t *network) initGarbling(l *schedule.Garbling) {
	if l.Script != nil {
		script := garble.Script(l.Script)
		t.script, t.choices = &script, &script
	} else {
		t.choices = garble.Chance{Rand: rand.New(rand.NewPCG(t.w.Sched.Seed, 3))}
	}
	t.untilNext = t.gap()
}

// gap draws how many messages pass unchanged before the next garbled one.
func (t *network) gap() int {
	if n := t.choices.N(8); n > 0 {
		return t.choices.N(1 << n)
	}
	if t.w.Sched.Garbling.Kinds != nil {
		return 0
	}
	return t.choices.N(1 << 10)
}

// isGarbled reports whether a message is to be garbled.
func (t *network) isGarbled(p packet) bool {
	l := &t.w.Sched.Garbling
	switch {
	case t.garbled >= l.Count || t.w.Calm || p.from == p.to:
		return false
	case t.script != nil && t.script.Over():
		return false
	case t.script == nil && !l.From.Has(int(p.from.ID)):
		return false
	case l.Kinds != nil && !slices.Contains(l.Kinds, wire.Kind(p.payload[1])):
		return false
	}
	t.untilNext--
	return t.untilNext < 0
}

// deliverGarbled delivers a garbled copy in place of a message.
func (t *network) deliverGarbled(p packet) {
	t.garbled++
	t.untilNext = t.gap()
	h, m, ok := t.mutator.Mutate(t.choices, p.payload)
	if !ok {
		t.w.Counts.Add("network", "garbled message that the codec refuses")
		return
	}
	t.w.Counts.Add("garbled", trace.KindName(m))
	if t.script != nil && m.Kind() == wire.KindChunk {
		t.GarbledChunk = true
	}
	in := &core.Received{Header: h, Message: m}
	if p.answer != nil {
		in.Request = p.answer.request
	}
	p.to.Deliver(in)
}
