package scenarios

import (
	"time"

	"github.com/cohortkv/cohort/test/harness"
)

const (
	// convergeBound is the promised time until replicas are equal after a heal.
	convergeBound = 2 * time.Second
	// forwardBound is the promised time until requests reach other shards after a heal.
	forwardBound = 5 * time.Second
	// waitBound is the time in which a read is answered once its data has arrived:
	// milliseconds, with room for the client.
	waitBound = 100 * time.Millisecond
)

// waits are scenarios about the writes that a session has seen, and the nodes at which its
// reads must wait for them.
var waits = []Scenario{
	{Name: "isolated writers of one key, and readers in every order", Needs: Cuts, Play: isolatedWriters},
	{Name: "a deleted key on the other side", Needs: Cuts, Play: isolatedDelete},
	{Name: "a chain of dependencies across nodes", Needs: Cuts, Play: chainAcrossNodes},
	{Name: "a chain of dependencies across shards", Needs: Cuts, Play: chainAcrossShards},
	{Name: "a shard that is cut off whole keeps its keys' requests waiting", Needs: Cuts, Play: shardCutOff},
	{Name: "one of two replicas is dead", Play: replicaDead},
	{Name: "a put ends the wait of its own session", Needs: Cuts, Play: putEndsWait},
}

// glimpse is a read by a session, with its expected result.
type glimpse struct {
	who  *harness.Session
	node int
	key  string
	want string // a value; mustWait: the read waits; empty: 404
}

// mustWait is not a possible value.
const mustWait = "\x00"

// inEveryOrder sends the reads in every order, each from a new client with the context of
// its session. It returns those that wait.
func inEveryOrder(glimpses []glimpse) (waiting []*harness.Waiting) {
	held := map[int]bool{} // a read that waits in every order need be held only once
	permute(glimpses, len(glimpses), func(order []int) {
		for _, i := range order {
			g := glimpses[i]
			switch {
			case g.want != mustWait:
				g.who.Fork().Reads(g.node, g.key, g.want)
			case !held[i]:
				held[i] = true
				waiting = append(waiting, g.who.GetWaits(g.node, g.key))
			}
		}
		for _, w := range waiting {
			w.StillWaits()
		}
	})
	return waiting
}

// permute calls f with every order of the places of a list (Heap's algorithm).
func permute[T any](list []T, n int, f func(order []int)) {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	var step func(k int)
	step = func(k int) {
		if k <= 1 {
			f(order)
			return
		}
		for i := range k {
			step(k - 1)
			j := 0
			if k%2 == 0 {
				j = i
			}
			order[j], order[k-1] = order[k-1], order[j]
		}
	}
	step(n)
}

// isolatedWriters lets two nodes that cannot reach each other take writes of one key.
// Versions are compared by their counters, then by the lower node id.
func isolatedWriters(l *harness.Lab) {
	both := whole(l, 2)
	before := l.Session().Put(0, "k", "before")
	before.Fork().Reads(1, "k", "before")
	l.Cut(1)
	left, right := before.Fork().Put(0, "k", "left"), before.Fork().Put(1, "k", "right")
	foreign := l.Session().Put(0, "only left", "foreign")
	stranger := l.Session()
	waiting := inEveryOrder([]glimpse{
		{stranger, 0, "k", "left"}, {before, 0, "k", "left"}, {left, 0, "k", "left"},
		{right, 0, "k", "left"}, // equal counters: the lower node wins, and its write is here
		{foreign, 0, "only left", "foreign"},
	})
	waiting = append(waiting, inEveryOrder([]glimpse{
		{stranger, 1, "k", "right"}, {before, 1, "k", "right"}, {right, 1, "k", "right"},
		{left, 1, "k", mustWait}, // the same, but the winning write is not here
		{foreign, 1, "k", "right"},
	})...)
	waiting = append(waiting, inEveryOrder([]glimpse{
		{foreign, 1, "only left", mustWait}, {stranger, 1, "only left", ""}, {left, 1, "only left", ""},
		{foreign, 1, "nobody's", ""}, {left, 1, "nobody's", ""},
	})...)
	newest := right.Fork().Put(1, "k", "right again")
	onTheOtherSide := inEveryOrder([]glimpse{
		{newest, 0, "k", mustWait}, {right, 0, "k", "left"}, {stranger, 0, "k", "left"}, {foreign, 0, "k", "left"},
	})
	waiting[0].Reads(waitBound, "right again") // the write that has arrived is above the context
	inEveryOrder([]glimpse{
		{left, 1, "k", "right again"}, {newest, 1, "k", "right again"}, {before, 1, "k", "right again"}, {stranger, 1, "k", "right again"},
	})
	both.StayUp()
	l.Heal(1)
	both.EqualWithin(convergeBound)
	onTheOtherSide[0].Reads(convergeBound, "right again")
	waiting[1].Reads(convergeBound, "foreign")
	both.HoldEach(map[string]string{"k": "right again", "only left": "foreign"})
	both.JudgeSessions()
}

func isolatedDelete(l *harness.Lab) {
	both := whole(l, 2)
	before := l.Session().Put(0, "k", "before").Put(0, "other", "stays")
	before.Fork().Reads(1, "k", "before")
	before.Fork().Reads(1, "other", "stays") // a busy machine may take longer than a put waits
	l.Cut(1)
	deleter := before.Fork().Delete(0, "k")
	waiting := inEveryOrder([]glimpse{
		{before, 0, "k", ""}, {deleter, 0, "k", ""}, {before, 1, "k", "before"},
		{deleter, 1, "k", mustWait}, {deleter, 1, "other", "stays"},
	})
	told := l.Session().Misses(0, "k") // the 404 carries the version of the delete
	waiting = append(waiting, told.GetWaits(1, "k"))
	again := deleter.Fork().Put(0, "k", "again")
	waiting = append(waiting, again.GetWaits(1, "k"))
	l.Heal(1)
	both.EqualWithin(convergeBound)
	for _, w := range waiting {
		w.Reads(convergeBound, "", "again") // never a version that the session knows to be deleted
	}
	again.Reads(1, "k", "again")
	both.HoldEach(map[string]string{"k": "again", "other": "stays"})
	both.JudgeSessions()
}

// chainAcrossNodes has a write that depends on a write of another client through another
// node. A session that has seen the last write must not miss the first.
func chainAcrossNodes(l *harness.Lab) {
	all := whole(l, 3)
	first := l.Session().Put(0, "x", "x1").Put(0, "y", "y1")
	first.Fork().Reads(2, "x", "x1").Reads(2, "y", "y1")
	l.Cut(2)
	first.Put(0, "x", "x2")
	second := first.Fork().Reads(1, "x", "x2").Put(1, "y", "y2")
	third := second.Fork().Reads(0, "y", "y2").Put(0, "z", "z1")
	last := third.Fork().Reads(1, "z", "z1")
	waiting := inEveryOrder([]glimpse{
		{last, 2, "x", mustWait}, {last, 2, "y", mustWait}, {last, 2, "z", mustWait}, {second, 2, "z", ""},
		{l.Session(), 2, "x", "x1"}, {l.Session(), 2, "y", "y1"},
	})
	l.Heal(2)
	for _, w := range waiting {
		w.EndsWithin(convergeBound)
	}
	all.EqualWithin(convergeBound)
	third.Reads(2, "x", "x2").Reads(2, "y", "y2").Reads(2, "z", "z1")
	all.HoldEach(map[string]string{"x": "x2", "y": "y2", "z": "z1"})
	all.JudgeSessions()
}

// oneOfEach returns a key of each shard.
func oneOfEach(l *harness.Lab, view *harness.Group) []string {
	l.T().Helper()
	finder := l.Session().Fill(20, "key", view.Members()...)
	var keys []string
	for shard, of := range view.KeysOf(names(finder)...) {
		if len(of) == 0 {
			l.T().Fatalf("shard %d has none of 20 keys", shard)
		}
		keys = append(keys, of[0])
	}
	return keys
}

func chainAcrossShards(l *harness.Lab) {
	l.Start(4)
	view := l.Shards([]int{0, 1}, []int{2, 3}).TellMembers()
	keys := oneOfEach(l, view)
	x, y := keys[0], keys[1]
	first := l.Session().Put(0, x, "x1").Put(0, y, "y1")
	first.Fork().Reads(3, y, "y1").Reads(1, y, "y1").Reads(3, x, "x1")
	l.Cut(3)
	first.Put(2, x, "x2")                                    // through a node of the other shard
	second := first.Fork().Reads(0, x, "x2").Put(1, y, "y2") // through a node of the other shard too
	last := second.Fork().Reads(2, y, "y2")
	waiting := inEveryOrder([]glimpse{
		{last, 3, y, mustWait},                 // the replica of its shard here lacks the write
		{l.Session(), 3, y, "y1"},              // a client without a context
		{l.Session(), 3, x, mustWait},          // no replica of the other shard can be reached
		{last, 0, y, "y2"}, {last, 1, x, "x2"}, // these nodes have all that the context names
		{second, 2, x, "x2"},
	})
	l.Heal(3)
	for _, w := range waiting {
		w.EndsWithin(forwardBound)
	}
	view.EqualWithin(convergeBound)
	last.Reads(3, x, "x2").Reads(3, y, "y2")
	view.JudgeSessions()
}

func shardCutOff(l *harness.Lab) {
	l.Start(4)
	view := l.Shards([]int{0, 1}, []int{2, 3}).TellMembers()
	keys := oneOfEach(l, view)
	here, there := keys[0], keys[1]
	writer := l.Session().Put(0, here, "here").Put(0, there, "there")
	l.Cut(2, 3)
	get, put := l.Session().GetWaits(0, there), l.Session().PutWaits(1, there, "waited")
	writer.Reads(1, here, "here").Put(0, here, "meanwhile") // the other shard can be reached
	l.Session().Reads(2, there, "there")                    // each part of the shard that is cut serves clients without a context
	get.StillWaitsAfter(silence)
	put.StillWaits()
	l.Through(l.All()...).StayUp()
	l.Heal(2, 3)
	get.EndsWithin(forwardBound)
	put.EndsWithin(forwardBound)
	view.EqualWithin(convergeBound)
	l.Session().Reads(0, there, "waited").Reads(3, here, "meanwhile")
	view.JudgeSessions()
}

func replicaDead(l *harness.Lab) {
	l.Start(4)
	view := l.Shards([]int{0, 1}, []int{2, 3}).TellMembers()
	writer := l.Session().Fill(40, "before", view.Members()...)
	l.Kill(2)
	writer.ReadsBack(0, 1, 3).Fill(40, "after", 0, 1, 3).ReadsBack(3, 1, 0)
	rest := l.Shards([]int{0, 1}, []int{3}).TellMembers()
	rest.HoldEach(writer.Wrote())
	l.RestartEmpty(2)
	view = l.Shards([]int{0, 1}, []int{2, 3}).TellMembers()
	view.HoldEach(writer.Wrote())
	writer.ReadsBack(2)
	view.JudgeSessions()
}

// putEndsWait lets a session that has seen a write which is not here write the key itself.
func putEndsWait(l *harness.Lab) {
	both := whole(l, 2)
	l.Cut(1)
	writer := l.Session().Put(0, "k", "left")
	w := writer.GetWaits(1, "k")
	writer.Put(1, "k", "right, and newer")
	w.Reads(waitBound, "right, and newer")
	l.Session().Reads(1, "k", "right, and newer")
	l.Session().Reads(0, "k", "left")
	l.Heal(1)
	both.EqualWithin(convergeBound)
	both.HoldEach(map[string]string{"k": "right, and newer"})
	both.JudgeSessions()
}
