package sim

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// An operator may believe that a node which lost what it had will not come back, and say
// so to one that is up (docs/causal.md §10.1). It comes back all the same, with nothing.

// forgetEvery is between two tries to have a node forgotten.
const forgetEvery = 400 * wire.Millisecond

// tryForget has the operator believe that a node which has crashed will not come back,
// the longer the more often. It draws no lot: other schedules stay what they were.
func (o *operator) tryForget(n *node, bootCount, try int) {
	w := o.w
	if !w.sched.Model.causal() {
		return
	}
	w.after(forgetEvery, func() {
		if n.bootCount != bootCount || n.up || w.failure != nil {
			return
		}
		up := slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool { return !n.up })
		if len(up) > 0 {
			at := up[try%len(up)]
			w.note("operator: tells node %d that node %d is gone for good", at.id, n.id)
			at.deliver(&core.ForgetNode{Token: forgetTokens + ids.Token(n.id), Node: n.id})
		}
		o.tryForget(n, bootCount, try+1)
	})
}

var forgetFates = map[core.ForgetFate]string{
	core.ForgetDone: "forget: done", core.ForgetPending: "forget: not all were asked in time", core.ForgetMember: "forget: a member",
	core.ForgetHeard: "forget: it is heard", core.ForgetUnknown: "forget: unknown",
}

// answeredForget takes the answer to one.
func (o *operator) answeredForget(n *node, r core.Reply) {
	what := "forget: no view"
	if r.Forget != nil {
		what = forgetFates[r.Forget.Fate]
	}
	o.w.counts.add("operator", what)
	o.w.note("node %d: %s", n.id, what)
}
