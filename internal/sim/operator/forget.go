package operator

import (
	"slices"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// An operator may believe that a node which lost what it had will not come back, and say
// so to one that is up (docs/causal.md §10.1). It comes back all the same, with nothing.

// forgetEvery is between two tries to have a node forgotten.
const forgetEvery = 400 * wire.Millisecond

// TryForget has the operator believe that a node which has crashed will not come back,
// the longer the more often. It draws no lot: other schedules stay what they were.
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

// AnsweredForget takes the answer to one.
func (o *Operator) AnsweredForget(n *world.Node, r core.Reply) {
	what := "forget: no view"
	if r.Forget != nil {
		what = forgetFates[r.Forget.Fate]
	}
	o.w.Counts.Add("operator", what)
	o.w.Note("node %d: %s", n.ID, what)
}
