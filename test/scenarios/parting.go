package scenarios

import (
	"fmt"

	"github.com/cohortkv/cohort/test/harness"
)

// parting are scenarios in which an operator parts a group and joins the parts again. Each
// part has all the data.
var parting = []Scenario{
	{Name: "a view shrinks to single nodes one by one", Play: shrinksToSingles},
	{Name: "four nodes split into two and two", Play: func(l *harness.Lab) { splitsInHalves(l, 4) }},
	{Name: "six nodes split into three and three", Play: func(l *harness.Lab) { splitsInHalves(l, 6) }},
	{Name: "four nodes split between two networks", Needs: Networks, Play: splitsBetweenNetworks},
	{Name: "both sides write and one view joins them", Play: joins},
	{Name: "a hundred rounds with single-node views in between", Play: func(l *harness.Lab) { rounds(l, 100) }},
	{Name: "thirty rounds with writes in single-node views", Play: func(l *harness.Lab) { divergingRounds(l, 30) }},
	{Name: "ten rounds of single-node views under load", Play: func(l *harness.Lab) { roundsUnderLoad(l, 10) }},
	{Name: "three sides are joined two by two", Play: joinsThree},
	{Name: "five hundred rounds with single-node views in between", Long: true, Play: func(l *harness.Lab) { rounds(l, 500) }},
	{Name: "two hundred rounds with writes in single-node views", Long: true, Play: func(l *harness.Lab) { divergingRounds(l, 200) }},
	{Name: "a hundred rounds of single-node views under load", Long: true, Play: func(l *harness.Lab) { roundsUnderLoad(l, 100) }},
}

func shrinksToSingles(l *harness.Lab) {
	rest := whole(l, 4)
	held := rest.RandomOperations(40)
	for last := 3; last > 0; last-- {
		groups := rest.Split(l.All()[:last], []int{last})
		rest = groups[0]
		groups[1].Holds(held)
		alone := groups[1].RandomOperations(10)
		rest.Holds(held)
		held = rest.RandomOperations(20)
		groups[1].Holds(alone)
		groups[1].Judge()
	}
	rest.Judge()
}

// splitsInHalves parts nodes by views only: all stay on one network.
func splitsInHalves(l *harness.Lab, n int) {
	group := whole(l, n)
	held := group.RandomOperations(40)
	sides := group.Split(l.All()[:n/2], l.All()[n/2:])
	silence := l.Isolation(sides...)
	for _, side := range sides {
		side.Holds(held)
	}
	left, right := sides[0].RandomOperations(100), sides[1].RandomOperations(100)
	sides[0].Holds(left)
	sides[1].Holds(right)
	silence.Holds()
	for _, side := range sides {
		side.Judge()
	}
}

func splitsBetweenNetworks(l *harness.Lab) {
	group := whole(l, 4)
	held := group.RandomOperations(40)
	l.Move("elsewhere", 2, 3)
	sides := group.Split([]int{0, 1}, []int{2, 3})
	silence := l.Isolation(sides...)
	sides[1].Holds(held)
	left, right := sides[0].RandomOperations(100), sides[1].RandomOperations(100)
	silence.Holds()
	for _, side := range sides {
		side.Judge()
	}
	l.Move("lan", 2, 3)
	l.View(0, 1, 2, 3).TellMembers().HoldsMerge(held, left, right)
}

func joins(l *harness.Lab) {
	group := whole(l, 4)
	base := group.Put("kept", "before").Put("deleted left", "before 1").Put("deleted right", "before 2").
		Put("deleted and overwritten", "before 3").Put("both overwrite", "before 4").RandomOperations(40)
	sides := group.Split([]int{0, 1}, []int{2, 3})
	silence := l.Isolation(sides...)
	sides[0].Put("both overwrite", "left, old").Put("both overwrite", "left").Delete("deleted left").
		Delete("deleted and overwritten").Put("new left", "left 2").Put("passing left", "left 3").Delete("passing left")
	sides[1].Put("both overwrite", "right, old").Put("both overwrite", "right").Delete("deleted right").
		Put("deleted and overwritten", "right 2").Put("new right", "right 3")
	left, right := sides[0].RandomOperations(40), sides[1].RandomOperations(70)
	silence.Holds()
	for _, side := range sides {
		side.Judge()
	}
	joined := l.View(0, 1, 2, 3).TellMembers()
	joined.EveryoneReads("deleted and overwritten", "right 2") // at once, through every node
	joined.EveryoneReads("kept", "before")
	joined.EveryoneReads("new left", "left 2")
	joined.EveryoneReads("new right", "right 3")
	joined.EveryoneMisses("deleted left", "deleted right", "passing left")
	joined.HoldsMerge(base, left, right)
	joined.RandomOperations(40)
}

// rounds gives every node a view of its own between two bursts of concurrent operations. No
// node writes in such a view, so histories do not diverge.
func rounds(l *harness.Lab, n int) {
	group := whole(l, 3)
	for range n {
		l.Burst(2, l.All()...)
		for _, node := range l.All() {
			l.View(node).TellMembers()
		}
		l.Through(l.All()...).EveryoneMisses("absent")
		group = l.View(l.All()...).TellMembers()
	}
	group.Contents()
	l.Judge()
}

// roundsUnderLoad has clients that never stop, even while nodes are alone. There is no
// single history to judge, so it only checks that all nodes hold the same at the end.
func roundsUnderLoad(l *harness.Lab, n int) {
	whole(l, 3)
	load := l.Load(l.All()...)
	for range n {
		load.Answered(50)
		for _, node := range l.All() {
			l.View(node).TellMembers()
		}
		load.Answered(50)
		l.View(l.All()...).TellMembers()
	}
	load.Stop()
	l.Through(l.All()...).Contents()
	l.Through(l.All()...).RandomOperations(20)
}

func joinsThree(l *harness.Lab) {
	group := whole(l, 6)
	base := group.RandomOperations(40)
	sides := group.Split([]int{0, 1}, []int{2, 3}, []int{4, 5})
	held := []harness.Contents{sides[0].RandomOperations(30), sides[1].RandomOperations(30), sides[2].RandomOperations(60)}
	two := l.View(2, 3, 4, 5).TellMembers()
	joined := two.HoldsMerge(base, held[1], held[2])
	sides[0].Holds(held[0])
	all := l.View(5, 4, 3, 2, 1, 0).TellMembers()
	all.HoldsMerge(base, held[0], joined)
	all.RandomOperations(40)
}

// divergingRounds lets every node write while it is alone.
func divergingRounds(l *harness.Lab, n int) {
	base := whole(l, 3).RandomOperations(20)
	for round := range n {
		var sides []harness.Contents
		for _, node := range l.All() {
			key := fmt.Sprintf("of node %d in round %d", node, round)
			alone := l.View(node).TellMembers().Put(key, key)
			sides = append(sides, alone.RandomOperations(10))
		}
		joined := l.View(l.All()...).TellMembers()
		joined.HoldsMerge(base, sides...)
		base = joined.RandomOperations(10)
	}
}
