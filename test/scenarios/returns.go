package scenarios

import "github.com/cohortkv/cohort/test/harness"

// returns are scenarios of nodes that hold data and were not told of a view change.
var returns = []Scenario{
	{Name: "nodes that were never told come back", Play: untoldComeBack},
	{Name: "what only untold nodes hold is pulled from them", Play: pulled},
	{Name: "what cannot be had is given up by force only", Play: forced},
}

func untoldComeBack(l *harness.Lab) {
	whole(l, 4).RandomOperations(40)
	held := l.View(0, 1).TellMembers().RandomOperations(40)
	l.Through(2, 3).Refuse()
	l.View(0, 1, 3).TellMembers().Holds(held)
	l.View(0, 1, 2, 3).TellMembers().Holds(held)
	l.Judge()
}

func pulled(l *harness.Lab) {
	held := owedByNewNodes(l)
	l.View(3, 4).TellMembers().Holds(held)
	l.Through(0, 1).Refuse() // a node whose data was pulled has left its view
	l.Through(3, 4).RandomOperations(40)
	l.Judge()
}

func forced(l *harness.Lab) {
	owedByNewNodes(l)
	l.Kill(0, 1)
	l.View(3, 4).TellInVain(3)
	l.View(3, 4).Force().TellMembers().EveryoneMisses("k")
	l.Through(3, 4).RandomOperations(40)
}

// owedByNewNodes returns the contents of nodes 0 and 1. They were told nothing when node 2
// took their data to new nodes and died before the end. Nodes 3 and 4 know that there is
// data.
func owedByNewNodes(l *harness.Lab) harness.Contents {
	l.Start(5)
	held := l.View(0, 1, 2).TellMembers().Put("k", "held").RandomOperations(40)
	l.Pause(4)
	l.View(2, 3, 4).TellInVain(2)
	l.Kill(2)
	l.Resume(4)
	return held
}
