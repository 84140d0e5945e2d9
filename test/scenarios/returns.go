package scenarios

import "github.com/cohortkv/cohort/benchmark/scenario"

// returns: nodes that nobody told anything, and what they hold.
var returns = []Scenario{
	{Name: "a node that was never told comes back", Play: untoldComesBack},
}

func untoldComesBack(l *scenario.Lab) {
	whole(l, 4).RandomOperations(40)
	held := l.View(0, 1).TellMembers().RandomOperations(40)
	l.Through(2, 3).Refuse()
	l.View(0, 1, 3).TellMembers().Holds(held)
	l.View(0, 1, 2, 3).TellMembers().Holds(held)
	l.Judge()
}
