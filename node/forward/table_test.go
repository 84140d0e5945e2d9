package forward_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func request(f wire.NodeBoot, n uint64) ids.Request {
	return ids.Request{Node: f.Node, Boot: f.Boot, Counter: n}
}

// TestARequestIsNotNewTwice brings requests and lowest open counters in random order to a table with
// room for a few results. A request that was carried out is Done or Finished, and one that is
// Finished stays so (I11). A result goes only if its forwarder has said so, or for want of room.
func TestARequestIsNotNewTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const room = 6
		table := forward.NewTable[uint64](room, 10)
		done := map[ids.Request]bool{}
		finished := map[ids.Request]bool{}
		heard := map[wire.NodeBoot]uint64{}
		full := map[wire.NodeBoot]bool{}
		one := rapid.Custom(func(t *rapid.T) wire.NodeBoot {
			return wire.NodeBoot{Node: ids.Node(rapid.IntRange(1, 2).Draw(t, "node")), Boot: ids.Boot(rapid.IntRange(1, 2).Draw(t, "boot"))}
		})
		t.Repeat(map[string]func(*rapid.T){
			"a request": func(t *rapid.T) {
				f := one.Draw(t, "forwarder")
				id := request(f, rapid.Uint64Range(1, 12).Draw(t, "number"))
				result, fate := table.Find(id)
				switch {
				case fate == forward.New && (done[id] || finished[id]):
					t.Fatalf("%+v is new: done %t, finished %t", id, done[id], finished[id])
				case fate == forward.Done && (!done[id] || result != id.Counter):
					t.Fatalf("%+v has the result %d", id, result)
				case fate == forward.Finished && id.Counter >= heard[f] && !full[f]:
					t.Fatalf("%+v is finished, and %d is open", id, heard[f])
				case fate == forward.Finished:
					finished[id] = true
				case fate == forward.New:
					done[id] = true
					if lost, short := table.Keep(id, id.Counter); short {
						full[lost] = true
					}
				}
			},
			"lowest open": func(t *rapid.T) {
				f := one.Draw(t, "forwarder")
				n := rapid.Uint64Range(1, 12).Draw(t, "number")
				table.Heard(f, n)
				heard[f] = max(heard[f], n)
			},
			"": func(t *rapid.T) {
				if table.Len() > room {
					t.Fatalf("%d results are kept", table.Len())
				}
			},
		})
	})
}

// TestAResultIsKeptForAsLongAsItsRequestIsOpen, and not longer.
func TestAResultIsKeptForAsLongAsItsRequestIsOpen(t *testing.T) {
	table := forward.NewTable[string](1<<20, 10)
	f, other := wire.NodeBoot{Node: 1, Boot: 1}, wire.NodeBoot{Node: 1, Boot: 2}
	for n := range uint64(100_000) {
		table.Keep(request(f, n+1), "done")
	}
	table.Heard(other, 1<<60) // an earlier boot of the same node
	table.Heard(f, 99_990)
	table.Heard(f, 5) // a late hello
	if n := table.Len(); n != 11 {
		t.Errorf("%d results are kept, 11 are open", n)
	}
	for n, want := range map[uint64]forward.Fate{1: forward.Finished, 99_989: forward.Finished, 99_990: forward.Done, 100_000: forward.Done, 100_001: forward.New} {
		if result, fate := table.Find(request(f, n)); fate != want || (result == "done") != (want == forward.Done) {
			t.Errorf("request %d: %q, fate %d", n, result, fate)
		}
	}
	if table.Keep(request(f, 5), "done"); table.Len() != 11 {
		t.Error("what an exchange brings of long ago is kept")
	}
	table.Forget(func(node ids.Node, boot ids.Boot) bool { return boot == 1 })
	if table.Len() != 0 {
		t.Error("results of a boot that has ended are kept")
	}
}

// TestWithoutRoomTheLargestForwarderIsFinished: other forwarders lose no result.
func TestWithoutRoomTheLargestForwarderIsFinished(t *testing.T) {
	table := forward.NewTable[int](10, 3)
	small, large := wire.NodeBoot{Node: 1, Boot: 1}, wire.NodeBoot{Node: 2, Boot: 1}
	table.Keep(request(small, 1), 1)
	for n := range uint64(9) {
		table.Keep(request(large, n+2), 1)
	}
	if lost, full := table.Keep(request(small, 2), 1); !full || lost != large {
		t.Errorf("forwarder %v loses its results: %t", lost, full)
	}
	for id, want := range map[ids.Request]forward.Fate{
		request(small, 1): forward.Done, request(small, 2): forward.Done,
		request(large, 1): forward.Finished, request(large, 10): forward.Finished, request(large, 11): forward.New,
	} {
		if _, fate := table.Find(id); fate != want {
			t.Errorf("%+v: fate %d", id, fate)
		}
	}
	for n := range ids.Node(3) { // the forwarder that was used least recently is forgotten
		table.Heard(wire.NodeBoot{Node: 5 + n, Boot: 1}, 9)
	}
	if _, fate := table.Find(request(small, 1)); fate != forward.New || table.Len() != 0 {
		t.Errorf("four forwarders are known, fate %d", fate)
	}
}
