package harness

import (
	"maps"
	"slices"
)

// Contents are the keys and values of a replica at one moment.
type Contents struct {
	Data map[string]string // by key: its value
	Next uint64            // Msg-Num of the next write
}

func (c Contents) clone() Contents { return Contents{maps.Clone(c.Data), c.Next} }

// Contents fails the test unless the group's replicas are equal. It reads each replica from
// the replica's own state, and returns what they hold.
func (g *Group) Contents() Contents {
	g.lab.t.Helper()
	first := g.lab.contents(g.members[0])
	for _, node := range g.members[1:] {
		g.lab.same(node, g.lab.contents(node), first)
	}
	return first
}

// Holds fails the test unless all replicas of the group hold exactly this.
func (g *Group) Holds(want Contents) {
	g.lab.t.Helper()
	for _, node := range g.members {
		g.lab.same(node, g.lab.contents(node), want)
	}
	g.lab.say("%v hold %d keys, next number %d", g.members, len(want.Data), want.Next)
}

// contents reads the whole state of a node.
func (l *Lab) contents(node int) Contents {
	l.t.Helper()
	ctx, cancel := l.withTimeout()
	defer cancel()
	data, next, err := l.nodes[node].AllData(ctx)
	if err != nil {
		l.explain(node)
		l.t.Fatalf("GET all data of node %d: %v", node, err)
	}
	return Contents{data, next}
}

// same fails the test unless two replicas are equal.
func (l *Lab) same(node int, got, want Contents) {
	l.t.Helper()
	if got.Next != want.Next {
		l.t.Errorf("node %d: the next number is %d, want %d", node, got.Next, want.Next)
	}
	for _, key := range keysOf(got, want) {
		a, has := got.Data[key]
		b, should := want.Data[key]
		if has != should || a != b {
			l.t.Errorf("node %d: key %q is %q (there: %v), want %q (there: %v)", node, key, a, has, b, should)
		}
	}
}

// keysOf lists all keys of several contents, in order.
func keysOf(all ...Contents) []string {
	union := map[string]bool{}
	for _, c := range all {
		for key := range c.Data {
			union[key] = true
		}
	}
	return slices.Sorted(maps.Keys(union))
}

// HoldsMerge fails the test unless all replicas hold the same merge of some sides that
// parted from base (docs/strong.md §8). All values must have been unique. It returns the
// merge.
func (g *Group) HoldsMerge(base Contents, sides ...Contents) Contents {
	g.lab.t.Helper()
	got := g.Contents()
	for _, side := range sides {
		if got.Next < side.Next {
			g.lab.t.Errorf("after the merge the next number is %d, one side had reached %d", got.Next, side.Next)
		}
	}
	for _, key := range keysOf(append(sides, base, got)...) {
		state, may := stateOf(got, key), mayBecome(key, base, sides)
		if !slices.Contains(may, state) {
			g.lab.t.Errorf("after the merge key %q is %v; it was %v, the sides made it %v", key, state, stateOf(base, key), statesOf(sides, key))
		}
	}
	g.lab.say("%v hold the merge of %d sides: %d keys, next number %d", g.members, len(sides), len(got.Data), got.Next)
	return got
}

// state is the value of a key, or its absence.
type state struct {
	value string
	there bool
}

func stateOf(c Contents, key string) state {
	value, there := c.Data[key]
	return state{value, there}
}

func statesOf(sides []Contents, key string) []state {
	var states []state
	for _, side := range sides {
		states = append(states, stateOf(side, key))
	}
	return states
}

// mayBecome lists the states that a key may have after a merge. If a side left the key as
// it was, its state does not count: the other sides had seen it. A value that a side wrote
// is not deleted by a side that had not seen the value.
func mayBecome(key string, base Contents, sides []Contents) []state {
	before := stateOf(base, key)
	changed := slices.DeleteFunc(statesOf(sides, key), func(s state) bool { return s == before })
	written := slices.DeleteFunc(slices.Clone(changed), func(s state) bool { return !s.there })
	switch {
	case len(changed) == 0:
		return []state{before}
	case len(written) == 0:
		return []state{{}}
	}
	return written
}
