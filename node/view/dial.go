package view

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Reach tells the bus which nodes it may dial (docs/views.md §3.7): the members and sources of
// the view, the members of open PUTs, and the pull targets. It is called when one of these has
// changed. The bus dials no address that an operator has not put. If a node has several
// addresses, that of the newest PUT counts, and that of the view comes next.
func (mgr *Manager) Reach() {
	var all []wire.Member
	known := map[ids.Node]bool{mgr.cfg.Self: true}
	add := func(ms []wire.Member) {
		for _, m := range ms {
			if !known[m.ID] {
				known[m.ID] = true
				all = append(all, m)
			}
		}
	}
	for list := range mgr.puts.Lists {
		add(list.Members())
	}
	if v := mgr.View(); v != nil {
		add(v.Layout.Members())
		add(v.Sources)
		add(mgr.local.PullTargets())
	}
	mgr.box.Peers(all)
}
