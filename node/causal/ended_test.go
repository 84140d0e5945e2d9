package causal

import (
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

func TestALifeThatAnotherFollowsIsOver(t *testing.T) {
	var l lives
	l.note(1, 10)
	l.note(1, 10)
	if l.asking || len(l.list) > 0 {
		t.Fatalf("its first life is over: %v", l.list)
	}
	l.note(1, 11)
	if !l.asking || len(l.list) != 1 || l.list[0] != (wire.Life{Node: 1, Boot: 10}) {
		t.Fatalf("over are %v", l.list)
	}
	news := l.news
	l.hear(&wire.Have{Over: []wire.Life{{Node: 1, Boot: 10}, {Node: 1, Boot: 11}}})
	if l.news != news {
		t.Error("what was known, and that the present life should be over, is taken for news")
	}
	l.hear(&wire.Have{Over: []wire.Life{{Node: 2, Boot: 5}}})
	if l.news == news {
		t.Error("what another node knows is not taken for news")
	}
}
