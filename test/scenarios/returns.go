package scenarios

import "github.com/cohortkv/cohort/test/harness"

// returns: nodes that were not told of a view change, and the data that they hold.
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
	l.Through(0, 1).Refuse() // who was pulled from has left its view
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

// owedByNewNodes returns what nodes 0 and 1 hold, which were told nothing when
// node 2 took their data to new nodes and died on the way. Nodes 3 and 4 know
// that there was something.
func owedByNewNodes(l *harness.Lab) harness.Contents {
	l.Start(5)
	held := l.View(0, 1, 2).TellMembers().Put("k", "held").RandomOperations(40)
	l.Pause(4)
	l.View(2, 3, 4).TellInVain(2)
	l.Kill(2)
	l.Resume(4)
	return held
}
