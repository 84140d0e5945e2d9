package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// takers are the nodes that ask this one for what they own, each with what it has said
// to have taken last. Whoever pulls from a former member learns from it which owners have
// done so, and which are about to.
type takers []taker

type taker struct {
	life  wire.NodeBoot
	view  wire.ViewID
	took  bool
	mark  uint64       // under which it took all
	asked wire.Instant // for slots, the last time
}

// maxTakers bounds them: a message may come from anybody.
const maxTakers = 1000

// of is the entry of a sender, in its present life and view.
func (t *takers) of(h wire.Header) *taker {
	life := wire.NodeBoot{Node: h.From, Boot: h.Boot}
	i := slices.IndexFunc(*t, func(o taker) bool { return o.life.Node == h.From })
	if i < 0 {
		if len(*t) == maxTakers {
			*t = slices.Delete(*t, 0, 1)
		}
		i = len(*t)
		*t = append(*t, taker{life: life, view: h.View})
	}
	if o := &(*t)[i]; o.life != life || o.view != h.View {
		*o = taker{life: life, view: h.View}
	}
	return &(*t)[i]
}

// note notes that the sender has taken what was here under a mark.
func (t *takers) note(h wire.Header, mark uint64) {
	o := t.of(h)
	o.took, o.mark = true, mark
}

// asks notes that the sender asks for slots.
func (t *takers) asks(h wire.Header, now wire.Instant) { t.of(h).asked = now }

// took reports that a peer has taken, in a view, what was here under a mark.
func (t takers) took(p *peer, view wire.ViewID, mark uint64) bool {
	return slices.ContainsFunc(t, func(o taker) bool {
		return o.life.Node == p.id && (p.boot == 0 || p.boot == o.life.Boot) && o.view == view && o.took && o.mark == mark
	})
}

// that lists those of a view for which something holds.
func (t takers) that(view wire.ViewID, holds func(o *taker) bool) []wire.NodeBoot {
	var list []wire.NodeBoot
	for i := range t {
		if o := &t[i]; o.view == view && holds(o) {
			list = append(list, o.life)
		}
	}
	return list
}

// under lists those that have taken, in a view, what was here under a mark.
func (t takers) under(view wire.ViewID, mark uint64) []wire.NodeBoot {
	return t.that(view, func(o *taker) bool { return o.took && o.mark == mark })
}

// asking lists those of a view that have asked for slots lately.
func (t takers) asking(view wire.ViewID, now wire.Instant) []wire.NodeBoot {
	return t.that(view, func(o *taker) bool { return o.asked > 0 && now-o.asked < spreadPatience })
}
