package scenarios

import (
	"fmt"

	"github.com/cohortkv/cohort/test/harness"
)

// heals are scenarios in which causal replicas were apart and can reach one another again.
var heals = []Scenario{
	{Name: "replicas become equal without a new view", Needs: Cuts, Play: healsByItself},
	{Name: "thousands of writes on both sides become equal without a new view", Needs: Cuts, Play: healsMuch},
	{Name: "replicas meet under other addresses, and a view says so", Needs: Networks, Play: healsElsewhere},
	{Name: "sides that got views of their own are joined by one", Needs: Cuts, Play: healsByView},
	{Name: "cut off and back ten times, with writes on all sides", Needs: Cuts, Play: comesAndGoes},
}

// bothSides lets two sides write keys of their own and one common key. It returns the
// result after the heal: of two concurrent versions with equal counters, that of the lower
// node wins.
func bothSides(l *harness.Lab, n int, left, right int) map[string]string {
	l.T().Helper()
	a, b := l.Session(), l.Session()
	name := l.Unique("both")
	a.Put(left, name, l.Unique("left"))
	b.Put(right, name, l.Unique("right"))
	a.Fill(n, l.Unique("left"), left)
	b.Fill(n, l.Unique("right"), right)
	won, lost := a.Wrote(), b.Wrote()
	if right < left {
		won, lost = lost, won
	}
	for key, value := range won {
		lost[key] = value
	}
	return lost
}

func merge(into, from map[string]string) {
	for key, value := range from {
		into[key] = value
	}
}

func healsByItself(l *harness.Lab) {
	all := whole(l, 3)
	want := l.Session().Fill(20, "before", l.All()...).Wrote()
	for range 2 {
		l.Cut(2)
		merge(want, bothSides(l, 30, 0, 2))
		l.Heal(2)
		all.EqualWithin(convergeBound)
		all.HoldEach(want)
	}
	all.JudgeSessions()
}

func healsMuch(l *harness.Lab) {
	all := whole(l, 3)
	l.Cut(1, 2)
	want := bothSides(l, 2000, 0, 2)
	merge(want, l.Session().Fill(2000, "middle", 1).Wrote())
	l.Heal(1, 2)
	all.EqualWithin(convergeBound)
	all.HoldEach(want)
	all.JudgeSessions()
}

func healsElsewhere(l *harness.Lab) {
	whole(l, 3)
	want := l.Session().Fill(20, "before", l.All()...).Wrote()
	l.Cut(2)
	merge(want, bothSides(l, 30, 0, 2))
	l.Renumber(2)
	all := l.View(l.All()...).TellMembers()
	all.HoldEach(want)
	l.Move("elsewhere", l.All()...)
	all = l.View(l.All()...).TellMembers()
	all.HoldEach(want)
	merge(want, l.Session().Fill(20, "after", l.All()...).Wrote())
	all.EqualWithin(convergeBound).HoldEach(want)
	all.JudgeSessions()
}

func healsByView(l *harness.Lab) {
	whole(l, 4)
	want := l.Session().Fill(20, "before", l.All()...).Wrote()
	l.Cut(3)
	l.View(0, 1, 2).TellMembers()
	l.View(3).TellMembers()
	merge(want, bothSides(l, 30, 1, 3))
	l.Heal(3)
	all := l.View(l.All()...).TellMembers()
	all.HoldEach(want)
	l.View(0, 1).TellMembers()
	l.View(2, 3).TellMembers()
	merge(want, bothSides(l, 30, 3, 0))
	all = l.View(l.All()...).TellMembers()
	all.HoldEach(want)
	all.JudgeSessions()
}

func comesAndGoes(l *harness.Lab) {
	all := whole(l, 3)
	want, traveller := map[string]string{}, l.Session()
	for round := range 10 {
		away := round % 3
		l.Cut(away)
		merge(want, bothSides(l, 5, (away+1)%3, away))
		traveller.Put(away, fmt.Sprintf("traveller-%d", round), l.Unique("travelled"))
		w := traveller.GetWaits((away+1)%3, fmt.Sprintf("traveller-%d", round))
		l.Heal(away)
		w.EndsWithin(convergeBound)
		all.EqualWithin(convergeBound)
	}
	merge(want, traveller.Wrote())
	traveller.ReadsBack(l.All()...)
	all.HoldEach(want)
	all.JudgeSessions()
}
