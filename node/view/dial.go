package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
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
	if mutant.On(mutant.SendViewToDropped) {
		add(mgr.puts.Dropped())
	}
	if mutant.On(mutant.KeepOldAddress) {
		all = mgr.asFirstNamed(all)
	}
	mgr.box.Peers(all)
}

// asFirstNamed gives each node the address that was first named for it (mutant KeepOldAddress).
func (mgr *Manager) asFirstNamed(all []wire.Member) []wire.Member {
	for i, m := range all {
		if j := slices.IndexFunc(mgr.first, func(o wire.Member) bool { return o.ID == m.ID }); j >= 0 {
			all[i] = mgr.first[j]
		} else {
			mgr.first = append(mgr.first, m)
		}
	}
	return all
}
