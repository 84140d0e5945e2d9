package scenarios

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cohortkv/cohort/test/harness"
)

// shards are scenarios in which shards come, go, and change their nodes. Once all nodes
// have answered 200, every key must be in exactly one shard and on every replica of it.
var shards = []Scenario{
	{Name: "two shards, three, two, one", Play: twoThreeTwoOne},
	{Name: "one shard becomes eight of two", Play: oneToEight},
	{Name: "shards are removed and their nodes never told", Play: removedUntold},
	{Name: "nodes swap shards", Play: nodesSwap},
	{Name: "a shard without members owns nothing", Play: emptyShard},
	{Name: "a node returns after two missed views", Needs: Cuts, Play: missedTwoViews},
	{Name: "one shard of twenty members", Long: true, Play: twentyMembers},
	{Name: "three hundred keys under one context", Needs: Cuts, Play: oneContext},
	{Name: "five thousand keys change shards", Play: fiveThousand},
	{Name: "eleven shards of twenty-two nodes", Play: elevenShards},
	{Name: "shards change under load", Play: changeUnderLoad},
}

func twoThreeTwoOne(l *harness.Lab) {
	l.Start(6)
	view := l.Shards([]int{0, 1}, []int{2, 3}).TellMembers()
	s := l.Session().Fill(60, "key", 0, 1, 2, 3)
	view.EqualWithin(convergeBound).HoldEach(s.Wrote())
	l.Shards([]int{0, 1}, []int{2, 3}, []int{4, 5}).TellMembers().HoldEach(s.Wrote())
	s.ReadsBack(l.All()...).Fill(20, "of three", l.All()...)
	l.Shards(nil, []int{2, 3}, []int{4, 5}).Tell(0, 1, 2, 3, 4, 5).HoldEach(s.Wrote())
	s.ReadsBack(2, 3, 4, 5).Fill(20, "of two", 2, 3, 4, 5)
	last := l.View(4, 5).Tell(l.All()...).HoldEach(s.Wrote())
	s.ReadsBack(4, 5)
	last.JudgeSessions()
}

func oneToEight(l *harness.Lab) {
	l.Start(16)
	l.Shards(pairs(1)...).TellMembers()
	s := l.Session().Fill(200, "key", 0, 1)
	view := l.Shards(pairs(8)...).TellMembers().HoldEach(s.Wrote())
	s.ReadsBack(l.All()...).Fill(50, "of eight", l.All()...)
	view.EqualWithin(convergeBound).HoldEach(s.Wrote())
	view.JudgeSessions()
}

// pairs returns nodes 0 and 1, 2 and 3, and so on.
func pairs(n int) (all [][]int) {
	for i := range n {
		all = append(all, []int{2 * i, 2*i + 1})
	}
	return all
}

// removedUntold takes shards out of the view without telling their nodes. These go on until
// the members pull from them what they lack.
func removedUntold(l *harness.Lab) {
	l.Start(8)
	l.Shards(pairs(4)...).TellMembers()
	s := l.Session().Fill(120, "key", l.All()...)
	l.Shards(nil, []int{2, 3}, nil, []int{6, 7}).TellMembers().HoldEach(s.Wrote())
	s.ReadsBack(2, 3, 6, 7).Fill(20, "of two", 2, 3, 6, 7)
	last := l.Shards(nil, []int{2, 3}).TellMembers().HoldEach(s.Wrote())
	s.ReadsBack(2, 3)
	last.JudgeSessions()
}

func nodesSwap(l *harness.Lab) {
	l.Start(4)
	l.Shards([]int{0, 1}, []int{2, 3}).TellMembers()
	s := l.Session().Fill(80, "key", l.All()...)
	l.Shards([]int{0, 3}, []int{2, 1}).TellMembers().HoldEach(s.Wrote())
	s.ReadsBack(l.All()...).Fill(20, "once", l.All()...)
	view := l.Shards([]int{2, 1}, []int{0, 3}).TellMembers().HoldEach(s.Wrote()) // all four
	s.ReadsBack(l.All()...).Fill(20, "twice", l.All()...)
	view.EqualWithin(convergeBound).HoldEach(s.Wrote())
	view.JudgeSessions()
}

func emptyShard(l *harness.Lab) {
	l.Start(4)
	view := l.Shards([]int{0, 1}, []int{}).TellMembers()
	s := l.Session().Fill(40, "key", 0, 1)
	view.EqualWithin(convergeBound).HoldEach(s.Wrote())
	l.Shards([]int{0, 1}, []int{2, 3}).TellMembers().HoldEach(s.Wrote())
	view = l.Shards([]int{}, []int{2, 3}).Tell(l.All()...).HoldEach(s.Wrote())
	s.ReadsBack(2, 3)
	view.JudgeSessions()
}

// missedTwoViews keeps a node away while its data goes to other shards and changes there.
func missedTwoViews(l *harness.Lab) {
	l.Start(4)
	view := l.Shards([]int{0, 1}, []int{2, 3}).TellMembers()
	s := l.Session().Fill(60, "key", l.All()...)
	view.EqualWithin(convergeBound).HoldEach(s.Wrote())
	l.Cut(3)
	apart := l.Session()
	for _, key := range view.KeysOf(names(s)...)[1][:5] { // keys of its own shard, so the requests wait for no node
		apart.Put(3, key, l.Unique("apart"))
	}
	l.Shards([]int{0, 1}, []int{2}).TellMembers().HoldEach(s.Wrote())
	s.Fill(20, "first missed", 0, 1, 2)
	l.Shards([]int{0}, []int{1}, []int{2}).TellMembers().HoldEach(s.Wrote())
	s.Fill(20, "second missed", 0, 1, 2)
	l.Heal(3)
	want := s.Wrote()
	merge(want, apart.Wrote())
	view = l.Shards([]int{0, 1}, []int{2, 3}).TellMembers().HoldEach(want)
	apart.ReadsBack(l.All()...)
	view.JudgeSessions()
}

// names returns the keys that a session wrote.
func names(s *harness.Session) []string { return slices.Sorted(maps.Keys(s.Wrote())) }

func twentyMembers(l *harness.Lab) {
	all := whole(l, 20)
	s := l.Session().Fill(20, "key", l.All()...)
	all.EqualWithin(convergeBound).HoldEach(s.Wrote())
	s.ReadsBack(l.All()...)
	half := l.View(l.All()[10:]...).TellMembers().HoldEach(s.Wrote())
	s.ReadsBack(half.Members()...)
	half.JudgeSessions()
}

// oneContext has one client that has seen more writes than its context can name exactly.
func oneContext(l *harness.Lab) {
	l.Start(6)
	view := l.Shards([]int{0, 1}, []int{2, 3}, []int{4, 5}).TellMembers()
	s := l.Session().Fill(300, "key", l.All()...)
	view.EqualWithin(convergeBound).HoldEach(s.Wrote())
	s.ReadsBack(l.All()...)
	l.Cut(5)
	s.Fill(20, "one is away", 0, 1, 2, 3, 4)
	behind := s.Fork()
	l.Shards([]int{0, 1}, []int{2, 3}, []int{4}).TellMembers().HoldEach(s.Wrote())
	s.ReadsBack(0, 1, 2, 3, 4)
	l.Heal(5)
	l.Shards([]int{0, 5}, []int{2, 3, 4}).Tell(l.All()...).HoldEach(s.Wrote())
	behind.ReadsBack(0, 5, 2, 3, 4)
	l.View(0, 5).Tell(l.All()...).HoldEach(s.Wrote())
	behind.ReadsBack(0, 5)
	view = l.Shards([]int{0, 1}, []int{2, 3}, []int{4, 5}).TellMembers().HoldEach(s.Wrote())
	s.ReadsBack(l.All()...)
	view.JudgeSessions()
}

func fiveThousand(l *harness.Lab) {
	l.Start(8)
	l.Shards([]int{0, 1}).TellMembers()
	s := l.Session().Fill(5000, "key", 0, 1)
	for n := 2; n <= 4; n++ {
		l.Shards(pairs(n)...).TellMembers().HoldEach(s.Wrote()).SpreadsWithin(10)
	}
	s.ReadsBack(l.All()...)
	last := l.Shards([]int{7, 6}).Tell(l.All()...).HoldEach(s.Wrote())
	last.JudgeSessions()
}

// elevenShards moves ten thousand keys between one shard, eleven and five.
func elevenShards(l *harness.Lab) {
	l.Start(22)
	l.Shards(pairs(1)...).TellMembers()
	s := l.Session().Fill(10_000, "key", 0, 1)
	l.Shards(pairs(11)...).TellMembers().HoldEach(s.Wrote())
	l.Shards(pairs(5)...).Tell(l.All()...).HoldEach(s.Wrote())
	view := l.Shards(pairs(11)...).TellMembers().HoldEach(s.Wrote())
	s.Fill(100, "of eleven", l.All()...)
	view.EqualWithin(convergeBound).HoldEach(s.Wrote())
	view.JudgeSessions()
}

// changeUnderLoad has clients that never stop while shards come and go.
func changeUnderLoad(l *harness.Lab) {
	l.Start(6)
	l.Shards([]int{0, 1}).TellMembers()
	load := l.Sessions(0, 1)
	for round := range 3 {
		load.Answered(300)
		l.Shards([]int{0, 1}, []int{2, 3}).TellMembers()
		load.Answered(300)
		l.Shards([]int{0, 1}, []int{2, 3}, []int{4, 5}).TellMembers()
		load.Answered(300)
		l.Shards([]int{0, 1}, nil, []int{4, 5}).Tell(l.All()...)
		load.Answered(300)
		l.Shards([]int{0, 1}).TellMembers() // the other nodes are told nothing
		l.Session().Put(round%2, fmt.Sprintf("round-%d", round), l.Unique("round"))
	}
	load.Stop()
	last := l.View(0, 1).TellMembers().EqualWithin(convergeBound)
	last.JudgeSessions()
}
