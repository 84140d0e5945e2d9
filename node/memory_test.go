package node

import (
	"testing"

	"github.com/cohortkv/cohort/node/front"
)

func TestMemoryIsReleasedOnceAfterEachFlood(t *testing.T) {
	var now front.Tide
	released := 0
	r := &memoryReleaser{load: func() front.Tide { return now }, release: func() { released++ }}
	var height front.Tide
	for i, c := range []struct {
		now  front.Tide
		want int
	}{
		{front.Tide{Connections: 10, ConnectionsHeight: 10}, 0},
		{front.Tide{Connections: 10, ConnectionsHeight: 200}, 0}, // small
		{front.Tide{Connections: 5000, ConnectionsHeight: 5000}, 0},
		{front.Tide{Connections: 3000, ConnectionsHeight: 4000}, 0}, // goes on
		{front.Tide{Connections: 20, ConnectionsHeight: 3000}, 0},
		{front.Tide{Connections: 20, ConnectionsHeight: 20}, 1},
		{front.Tide{Connections: 20, ConnectionsHeight: 20}, 1},
		{front.Tide{Connections: 20, ConnectionsHeight: 20, RequestBytesHeight: 200 << 20}, 1}, // between two looks
		{front.Tide{Connections: 20, ConnectionsHeight: 20}, 2},
		{front.Tide{Connections: 20, ConnectionsHeight: 20}, 2},
	} {
		now = c.now
		height = r.look(height)
		if released != c.want {
			t.Errorf("after look %d memory was released %d times, not %d", i, released, c.want)
		}
	}
}
