package scenarios

import "github.com/cohortkv/cohort/test/harness"

// crowds are scenarios of many nodes.
var crowds = []Scenario{
	{Name: "twenty-two nodes in one view", Crowd: true, Play: twentyTwo},
}

func twentyTwo(l *harness.Lab) {
	group := whole(l, 22)
	held := group.Put("k", "known to all").RandomOperations(44)
	group.EveryoneReads("k", "known to all")
	l.View(l.All()[11:]...).TellMembers().Holds(held)
	l.Judge()
}
