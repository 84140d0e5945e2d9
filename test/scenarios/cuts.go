package scenarios

import (
	"time"

	"github.com/cohortkv/cohort/test/harness"
)

const (
	// healBound is the promised time until requests go on after a heal.
	healBound = 5 * time.Second
	// silence is how long a test watches a request that must not be answered.
	silence = time.Second
	// connectionsEnd is the time after which nodes have closed the connections to a silent
	// node. Until then, a message that was sent before the cut may arrive after the heal. A
	// write that has arrived at all members takes effect.
	connectionsEnd = 4 * time.Second
)

// cuts are scenarios in which networks fail, with a new view or without one.
var cuts = []Scenario{
	{Name: "a member is cut off and back without a view", Needs: Cuts, Play: cutAndBack},
	{Name: "a write whose client left vanishes on all sides", Needs: Cuts, Play: leftWriteVanishes},
	{Name: "a write in the log whose client left vanishes on all sides", Needs: Cuts, Play: loggedWriteVanishes},
	{Name: "the primary is cut off, replaced, and back with stale data", Needs: Cuts, Play: primaryReplaced},
	{Name: "the primary is cut off under load, replaced, and back", Needs: Cuts, Play: primaryReplacedUnderLoad},
}

func cutAndBack(l *harness.Lab) {
	group := whole(l, 3).Put("k", "before").Put("gone", "before 2")
	for range 2 {
		l.Cut(2)
		waiting := []*harness.Waiting{
			l.Through(0).PutWaits("k", l.Unique("through the primary")), l.Through(1).PutWaits("by 1", l.Unique("through a backup")),
			l.Through(2).PutWaits("by 2", l.Unique("from the other side")), l.Through(1).DeleteWaits("gone"),
			l.Through(0).GetWaits("k"), l.Through(1).GetWaits("k"), l.Through(2).GetWaits("k"),
		}
		waiting[0].StillWaitsAfter(silence)
		group.StayUp()
		for _, w := range waiting {
			w.StillWaits()
		}
		l.Heal(2)
		for _, w := range waiting {
			w.EndsWithin(healBound)
		}
		group.EveryoneMisses("gone")
		group.RandomOperations(20)
	}
	l.Judge()
}

// leftWriteVanishes gives up writes that are in no log, because a member had been silent
// for a while.
func leftWriteVanishes(l *harness.Lab) {
	held := whole(l, 4).RandomOperations(20)
	l.Cut(3)
	read := l.Through(0).GetWaits("anything")
	read.StillWaitsAfter(silence)
	for _, node := range l.All() {
		l.Through(node).PutWaits("given up", l.Unique("nobody waits for it")).ClientLeaves()
	}
	l.Through(1).DeleteWaits("random-0").ClientLeaves()
	read.StillWaitsAfter(silence) // the primary has to hear of the client's end too
	l.Heal(3)
	read.EndsWithin(healBound)
	l.Through(l.All()...).EveryoneMisses("given up")
	l.Through(l.All()...).Holds(held)
	splitAndSeeNothing(l, held, "given up")
}

// loggedWriteVanishes gives up a write that the primary had already ordered: the member was
// cut off just before.
func loggedWriteVanishes(l *harness.Lab) {
	held := whole(l, 4).RandomOperations(20)
	l.Cut(3)
	w := l.Through(0).PutWaits("given up", "nobody waits for it")
	later := l.Through(1).PutWaits("kept", "somebody waits for it")
	w.StillWaitsAfter(connectionsEnd)
	w.ClientLeaves()
	l.Heal(3)
	later.EndsWithin(healBound)
	l.Through(l.All()...).EveryoneMisses("given up")
	held.Data["kept"] = "somebody waits for it"
	held.Next++
	l.Through(l.All()...).Holds(held)
	splitAndSeeNothing(l, held, "given up")
}

func splitAndSeeNothing(l *harness.Lab, held harness.Contents, key string) {
	for _, side := range l.Through(l.All()...).Split([]int{0, 1}, []int{2, 3}) {
		side.EveryoneMisses(key)
		side.Holds(held)
		side.RandomOperations(20)
		side.Judge()
	}
}

func primaryReplaced(l *harness.Lab) {
	whole(l, 3).Put("k", "stale").Put("gone", "stale 2").RandomOperations(40)
	l.Cut(0)
	others := l.View(1, 2).TellMembers().Put("k", "fresh").Delete("gone")
	held := others.RandomOperations(100)
	stale := l.Through(0).GetWaits("k")
	stale.StillWaitsAfter(silence)
	l.Heal(0)
	stale.IsRefused()
	l.Through(0).Refuse()
	all := l.View(0, 1, 2).TellMembers()
	all.EveryoneReads("k", "fresh")
	all.EveryoneMisses("gone")
	all.Holds(held)
	all.RandomOperations(40)
	l.Judge()
}

func primaryReplacedUnderLoad(l *harness.Lab) {
	whole(l, 3)
	load := l.Load(l.All()...)
	for range 3 {
		load.Answered(200)
		l.Cut(0)
		l.View(1, 2).TellMembers()
		load.Answered(500)
		l.Heal(0)
		l.View(0, 1, 2).TellMembers()
	}
	load.Answered(200)
	load.Stop()
	l.Through(l.All()...).Contents()
	l.Judge()
}
