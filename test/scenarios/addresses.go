package scenarios

import "github.com/cohortkv/cohort/test/harness"

// addresses are scenarios in which nodes change addresses. Nodes use only addresses of
// views.
var addresses = []Scenario{
	{Name: "all nodes move to another network", Needs: Networks, Play: allMove},
	{Name: "two members swap their addresses", Needs: Networks, Play: swapped},
	{Name: "a member's address belongs to somebody else", Needs: Networks, Play: impersonated},
	{Name: "a member has another address on the same network", Needs: Networks, Play: renumbered},
}

func allMove(l *harness.Lab) {
	held := whole(l, 3).RandomOperations(40)
	l.Move("elsewhere", l.All()...)
	l.View(l.All()...).TellMembers().Holds(held)
	held = l.Through(l.All()...).RandomOperations(40)
	l.Move("lan", l.All()...)
	l.View(l.All()...).TellMembers().Holds(held)
	l.Judge()
}

func renumbered(l *harness.Lab) {
	held := whole(l, 3).RandomOperations(40)
	l.Renumber(0)
	w := l.Through(1).PutWaits("k", "until a view names the new address")
	w.StillWaitsAfter(silence)
	l.View(l.All()...).Tell(1, 2, 0)
	w.EndsWithin(healBound)
	held.Data["k"] = "until a view names the new address"
	held.Next++
	l.Through(l.All()...).Holds(held)
	l.Through(l.All()...).RandomOperations(40)
	l.Judge()
}

func swapped(l *harness.Lab) {
	held := whole(l, 3).RandomOperations(40)
	l.Swap(1, 2)
	l.View(l.All()...).TellMembers().Holds(held)
	held = l.Through(l.All()...).RandomOperations(40)
	l.Swap(0, 2)
	l.View(l.All()...).TellMembers().Holds(held)
	l.Through(l.All()...).RandomOperations(40)
	l.Judge()
}

func impersonated(l *harness.Lab) {
	l.Start(4)
	held := l.View(0, 1, 2).TellMembers().RandomOperations(40)
	l.Impersonate(3, 2)
	w := l.Through(0).PutWaits("k", "not for node 3")
	w.StillWaitsAfter(silence)
	l.Through(3).Refuse()
	l.Cut(3)
	l.Heal(2)
	w.EndsWithin(healBound)
	held.Data["k"] = "not for node 3"
	held.Next++
	l.Through(0, 1, 2).Holds(held)
	l.Judge()
}
