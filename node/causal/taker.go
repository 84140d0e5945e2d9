package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// takers are the nodes that have said Taken to this one, each with what it said last.
// Whoever pulls from a former member learns from it which owners have done so.
type takers []taker

type taker struct {
	life wire.Life
	view wire.ViewID
	mark uint64
}

// maxTakers bounds them: a message may come from anybody.
const maxTakers = 1000

func (t *takers) note(h wire.Header, mark uint64) {
	list := slices.DeleteFunc(*t, func(o taker) bool { return o.life.Node == h.From })
	if len(list) == maxTakers {
		list = slices.Delete(list, 0, 1)
	}
	*t = append(list, taker{life: wire.Life{Node: h.From, Boot: h.Boot}, view: h.View, mark: mark})
}

// took reports that a peer has taken, in a view, what was here under a mark.
func (t takers) took(p *peer, view wire.ViewID, mark uint64) bool {
	return slices.ContainsFunc(t, func(o taker) bool {
		return o.life.Node == p.id && (p.boot == 0 || p.boot == o.life.Boot) && o.view == view && o.mark == mark
	})
}

// of lists those that have taken, in a view, what was here under a mark.
func (t takers) of(view wire.ViewID, mark uint64) []wire.Life {
	var list []wire.Life
	for _, o := range t {
		if o.view == view && o.mark == mark {
			list = append(list, o.life)
		}
	}
	return list
}
