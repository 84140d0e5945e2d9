package operator

import (
	"slices"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// An operator may believe that a node which lost its state will not come back, and tell a
// running node to forget it (docs/causal.md §10.1). The forgotten node comes back all the
// same, without state.

// forgetEvery is the time between two attempts to have a node forgotten.
const forgetEvery = 400 * wire.Millisecond

// TryForget tells a running node to forget a node that has crashed: one node in turn every
// forgetEvery, until the crashed node is back. It draws no random number, so other schedules
// stay as they are.
func (o *Operator) TryForget(n *world.Node, bootCount, try int) {
	w := o.w
	if !w.Sched.Model.Causal() {
		return
	}
	w.After(forgetEvery, func() {
		if n.BootCount != bootCount || n.Up || w.Failure != nil {
			return
		}
		up := slices.DeleteFunc(slices.Clone(w.Nodes), func(n *world.Node) bool { return !n.Up })
		if len(up) > 0 {
			at := up[try%len(up)]
			w.Note("operator: tells node %d that node %d is gone for good", at.ID, n.ID)
			at.Deliver(&core.ForgetNode{Token: schedule.ForgetTokens + ids.Token(n.ID), Node: n.ID})
		}
		o.TryForget(n, bootCount, try+1)
	})
}

var forgetFates = map[core.ForgetFate]string{
	core.ForgetDone: "forget: done", core.ForgetPending: "forget: not all were asked in time", core.ForgetMember: "forget: a member",
	core.ForgetHeard: "forget: it is heard", core.ForgetUnknown: "forget: unknown",
}

// AnsweredForget takes the answer to a forget request.
func (o *Operator) AnsweredForget(n *world.Node, r core.Reply) {
	what := "forget: no view"
	if r.Forget != nil {
		what = forgetFates[r.Forget.Fate]
	}
	o.w.Counts.Add("operator", what)
	o.w.Note("node %d: %s", n.ID, what)
}
