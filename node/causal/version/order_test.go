package version

import (
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func TestAnEqualCounterGoesToTheLowerNode(t *testing.T) {
	at := func(counter uint64, node ids.Node, n uint64) wire.CausalVersion {
		return wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: wire.Stream{Node: node}, N: n}}
	}
	for _, c := range []struct {
		name          string
		winner, loser wire.CausalVersion
	}{
		{"larger counter, whatever the node", at(3, 9, 1), at(2, 0, 5)},
		{"lower node on a tie", at(2, 1, 1), at(2, 2, 9)},
		{"later write of one node on a tie", at(2, 1, 2), at(2, 1, 1)},
		{"anything over nothing", at(1, 9, 1), wire.CausalVersion{}},
	} {
		if !Wins(c.winner, c.loser) || Wins(c.loser, c.winner) || Wins(c.winner, c.winner) {
			t.Errorf("%s: %v does not win over %v", c.name, c.winner, c.loser)
		}
	}
}
