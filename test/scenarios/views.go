package scenarios

import (
	"fmt"

	"github.com/cohortkv/cohort/test/harness"
)

// views are scenarios in which views change and no group parts, so the history has one
// ancestry.
var views = []Scenario{
	{Name: "views roll on, told to their members only", Play: viewsRollOn},
	{Name: "a view change races writes at the old primary", Play: changeRacesWrites},
	{Name: "a view that lacks a node is told to it too", Play: removedAndTold},
	{Name: "new nodes get their data from an old one that alone is told", Play: handedOver},
	{Name: "an empty view concerns the node that gets it", Play: emptyView},
	{Name: "the same view by five clients at once", Play: fiveClients},
	{Name: "two hundred view changes in a row", Play: viewsInARow},
	{Name: "a member is killed, emptied and put in again", Play: emptiedMember},
	{Name: "a paused member is waited for", Play: pausedMember},
	{Name: "a new view decides a write that waits", Play: viewDecides},
}

func viewsRollOn(l *harness.Lab) {
	l.Start(5)
	l.View(0, 1, 2).TellMembers().Put("a", "in the first").Put("b", "deleted later").RandomOperations(20)
	l.View(1, 2, 3).TellMembers().Put("c", "in the second").Delete("b").RandomOperations(20)
	last := l.View(2, 3, 4).TellMembers()
	last.EveryoneReads("a", "in the first")
	last.EveryoneReads("c", "in the second")
	last.EveryoneMisses("b")
	last.RandomOperations(20)
	l.Through(0, 1).Refuse() // they were told nothing
	l.Judge()
}

func changeRacesWrites(l *harness.Lab) {
	whole(l, 3)
	load := l.Load(l.All()...)
	for range 10 {
		load.Answered(100)
		l.View(1, 2).TellMembers()
		load.Answered(50)
		l.View(0, 1, 2).Tell(1, 2, 0)
		load.Answered(50)
		l.View(0, 2).Tell(2, 0)
		load.Answered(50)
		l.View(0, 1, 2).TellMembers()
	}
	load.Stop()
	l.Through(0, 1, 2).Contents()
	l.Judge()
}

func removedAndTold(l *harness.Lab) {
	held := whole(l, 3).RandomOperations(40)
	l.View(0, 1).Tell(2, 0, 1).Holds(held)
	l.Through(2).Refuse()
	l.Kill(0, 1)
	l.RestartEmpty(0, 1)
	l.View(0, 1, 2).TellMembers().Holds(held) // the node that was told had kept its data
	l.Judge()
}

func handedOver(l *harness.Lab) {
	l.Start(5)
	held := l.View(0, 1, 2).TellMembers().RandomOperations(40)
	l.View(3, 4).Tell(1, 3, 4).Holds(held)
	l.Through(0, 1, 2).Refuse()
	l.Kill(0, 1, 2)
	l.Through(3, 4).RandomOperations(40)
	l.Judge()
}

func emptyView(l *harness.Lab) {
	held := whole(l, 3).RandomOperations(40)
	l.View().Tell(2)
	l.Through(2).Refuse()
	l.View(0, 1).TellMembers().Holds(held)
	l.View().Tell(2) // again, at a node that is in no view
	held = l.Through(0, 1).RandomOperations(40)
	l.View(0, 1, 2).TellMembers().Holds(held)
	l.View().Tell(0, 1, 2)
	l.Through(0, 1, 2).Refuse()
	l.View(2, 1, 0).TellMembers().Holds(held)
	l.Judge()
}

func fiveClients(l *harness.Lab) {
	l.Start(5)
	held := l.View(l.All()...).TellAtOnce(5, l.All()...).RandomOperations(40)
	for range 5 {
		l.View(0, 1, 2).TellAtOnce(5, 0, 1, 2).Holds(held)
		l.View(l.All()...).TellAtOnce(5, l.All()...).Holds(held)
	}
	l.Through(l.All()...).RandomOperations(20)
	l.Judge()
}

func viewsInARow(l *harness.Lab) {
	group := whole(l, 3)
	for i := range 100 {
		key := fmt.Sprintf("in round %d", i)
		l.View(i%3, (i+1)%3).TellMembers().Put(key, key)
		group = l.View(0, 1, 2).TellMembers()
	}
	if held := group.Contents(); len(held.Data) != 100 {
		l.T().Errorf("%d of 100 writes are there", len(held.Data))
	}
	l.Judge()
}

func emptiedMember(l *harness.Lab) {
	held := whole(l, 3).RandomOperations(40)
	for _, node := range []int{2, 0, 1} { // each learns the data before it serves, the lowest id too
		l.Kill(node)
		l.RestartEmpty(node)
		l.Through(node).Refuse()
		l.View(0, 1, 2).Tell(node, (node+1)%3, (node+2)%3).Holds(held)
		held = l.Through(0, 1, 2).RandomOperations(20)
	}
	l.Kill(1)
	held = l.View(0, 2).TellMembers().RandomOperations(20)
	l.RestartEmpty(1)
	l.View(0, 1, 2).Tell(0, 2, 1).Holds(held)
	l.Judge()
}

func viewDecides(l *harness.Lab) {
	whole(l, 3).Put("k", "before")
	l.Pause(2)
	put, get := l.Through(1).PutWaits("k", "waited"), l.Through(0).GetWaits("k")
	rest := l.View(0, 1).TellMembers()
	put.EndsWithin(healBound)
	get.EndsWithin(healBound)
	rest.EveryoneReads("k", "waited")
	l.Resume(2)
	l.Through(2).Refuse()
	l.Judge()
}

func pausedMember(l *harness.Lab) {
	group := whole(l, 3).Put("k", "before")
	l.Pause(2)
	put, get := l.Through(0).PutWaits("w", "waited"), l.Through(1).GetWaits("k")
	put.StillWaitsAfter(silence)
	get.StillWaits()
	l.Resume(2)
	put.EndsWithin(healBound)
	get.EndsWithin(healBound)
	group.EveryoneReads("w", "waited")
	l.Judge()
}
