package clients

import (
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/wire"
)

// actor is what the clients of both models have in common: a plan, the node that they use,
// and the pauses between their requests. Its owner sets send.
type actor struct {
	w       *world.World
	id      int
	plan    *schedule.ClientPlan
	at      int                   // index of the node that it uses
	next    int                   // index of the next operation in the plan
	members func() schedule.Nodes // the nodes of the list that was commanded last
	send    func()                // sends the next operation
	ended   *int                  // counts the clients that have ended
}

func newActor(w *world.World, id int, plan *schedule.ClientPlan, members func() schedule.Nodes, ended *int) actor {
	return actor{w: w, id: id, plan: plan, at: plan.Node % w.Sched.Nodes, members: members, ended: ended}
}

// think waits before the next operation, or ends the client.
func (a *actor) think() {
	if a.next >= len(a.plan.Ops) {
		*a.ended++
		return
	}
	a.w.After(a.plan.Ops[a.next].Think+1, a.send)
}

// retry sends the same operation again, as a new one: the node refused the last one, or did
// not receive it.
func (a *actor) retry() {
	a.roam()
	a.w.After(50*wire.Millisecond+a.w.UpTo(300*wire.Millisecond), a.send)
}

// roam chooses the next node: in calm a member, and otherwise any node, if the plan lets the
// client roam.
func (a *actor) roam() {
	switch {
	case a.w.Calm:
		a.at, _ = a.members().Any(a.w.Rng)
	case a.plan.Roams:
		a.at = a.w.Rng.IntN(a.w.Sched.Nodes)
	}
}
