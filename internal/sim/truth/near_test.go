package truth

import (
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func TestAFormerMemberOfAnotherClusterBringsNothing(t *testing.T) {
	first, other := ids.View{Number: 1, Boot: 1}, ids.View{Number: 1, Boot: 2}
	for _, c := range []struct {
		births []ids.View
		near   int
	}{{[]ids.View{first}, 2}, {[]ids.View{first, other}, 2}, {[]ids.View{other}, 1}} {
		tr := New(Config{Nodes: 2, Keys: 1, Space: hashing.Standard}, &quiet{})
		member, former := tr.Begin(0, 1), tr.Begin(1, 1)
		member.Adopt(1, &wire.View{ID: first, Layout: wire.Layout{Shards: []wire.Shard{{Members: []wire.Member{{ID: 0}}}}}, Births: []ids.View{first}})
		former.Adopt(1, &wire.View{ID: ids.View{Number: 2, Author: 1}, Births: c.births})
		member.written.former = []wire.Member{{ID: 1}}
		if near := tr.Near([]int{0}, func(wire.Member) bool { return true }); len(near) != c.near {
			t.Errorf("a former member whose view has the births %v: %d incarnations are near, want %d", c.births, len(near), c.near)
		}
	}
}
